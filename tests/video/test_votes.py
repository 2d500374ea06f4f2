"""Votes: when a name is settled, what changes it, and the quality of faces."""

from __future__ import annotations

import numpy as np
import pytest

from faces.embedding.embedders import unit
from faces.types import Faces, Floats, LandmarkScheme
from faces.video.votes import (
    HANDOVER,
    KEPT_SAMPLES,
    QUORUM,
    SAMPLE_INTERVAL,
    SETTLED_INTERVAL,
    Identity,
    Sample,
    frontality,
    name_together,
    quality,
)
from tests.crowd import COLOURS, NEAREST, ColourRecognizer, Lookalikes
from tests.fakes import faces_at

ADA, BOB, CLEO = unit(np.array([COLOURS[name] for name in ("Ada", "Bob", "Cleo")], np.float32))
KNOWN = ColourRecognizer("Ada", "Bob")  # and nobody knows Cleo
PICTURE = np.zeros((4, 4, 3), np.uint8)


def after(*votes: tuple[Floats, float], recognizer: ColourRecognizer = KNOWN) -> Identity:
    identity = Identity()
    for time, (embedding, good) in enumerate(votes):
        identity.add(Sample(good, embedding, PICTURE), float(time), recognizer)
    return identity


def test_a_name_takes_a_quorum() -> None:
    votes = [(ADA, 0.5)] * QUORUM
    assert [after(*votes[:n]).settled for n in range(QUORUM + 1)] == [False] * QUORUM + [True]
    assert after(*votes[:-1]).name is None
    settled = after(*votes)
    assert settled.name == "Ada" and settled.probability == pytest.approx(1)
    assert settled.distance == pytest.approx(0, abs=1e-3)


def test_a_stranger_is_settled_too() -> None:
    stranger = after(*[(CLEO, 0.5)] * QUORUM)
    assert (stranger.settled, stranger.name) == (True, None)


def test_a_name_takes_a_majority() -> None:
    divided = [(ADA, 0.5), (BOB, 0.5), (ADA, 0.4), (BOB, 0.4)]
    assert not after(*divided).settled
    assert after(*divided, (ADA, 0.9)).name == "Ada"
    assert after((ADA, 0.5), (ADA, 0.5), (BOB, 0.1)).name == "Ada"  # votes weigh as much as their faces are good


def test_a_settled_name_stays_until_another_has_the_majority() -> None:
    ada = [(ADA, 0.3)] * QUORUM
    assert after(*ada, (BOB, 0.3)).name == "Ada"
    assert after(*ada, *[(BOB, 0.9)] * KEPT_SAMPLES).name == "Bob"


def test_only_the_best_faces_count() -> None:
    identity = after(*[(ADA, 0.9)] * KEPT_SAMPLES, *[(BOB, 0.1)] * 20)
    assert identity.name == "Ada"
    assert identity.best is not None and identity.best.quality == 0.9
    assert identity.mean == pytest.approx(ADA, abs=1e-6)


def test_whoever_is_enrolled_meanwhile_is_known_at_the_next_face() -> None:
    identity = after(*[(CLEO, 0.5)] * QUORUM)
    identity.add(Sample(0.1, CLEO, PICTURE), 9.0, ColourRecognizer("Ada", "Cleo"))
    assert identity.name == "Cleo"


def test_the_settled_are_looked_at_again_now_and_then() -> None:
    identity = after(*[(ADA, 0.5)] * QUORUM)
    last = QUORUM - 1
    assert identity.priority(last + SETTLED_INTERVAL / 2) == 0
    assert identity.priority(last + SETTLED_INTERVAL) == SETTLED_INTERVAL
    assert after((ADA, 0.5)).priority(SAMPLE_INTERVAL) == SAMPLE_INTERVAL
    assert after((ADA, 0.5)).priority(SAMPLE_INTERVAL / 2) == 0  # the next frames say nothing new
    assert Identity().priority(0.0) == float("inf")


def turned(share: float, scheme: LandmarkScheme) -> Faces:
    """A face of 100 px whose nose is so far along between the eyes."""
    right, left, nose = (30.0, 40.0), (70.0, 40.0), (30 + 40 * share, 60.0)
    if scheme == "five-points":
        points = [right, left, nose, (35, 80), (65, 80)]
    else:
        points = [(25, 40), (35, 40), (65, 40), (75, 40), nose]
    return Faces(
        np.array([[0, 0, 100, 100]], np.float32), np.ones(1, np.float32), np.array([points], np.float32), scheme
    )


@pytest.mark.parametrize("scheme", ["five-points", "eye-corners"])
@pytest.mark.parametrize(("share", "front"), [(0.5, 1), (0.25, 0.5), (0.75, 0.5), (0, 0), (1.4, 0)])
def test_frontality(scheme: LandmarkScheme, share: float, front: float) -> None:
    assert frontality(turned(share, scheme)) == pytest.approx([front], abs=1e-6)


def test_frontality_leans_with_the_head() -> None:
    upright = turned(0.5, "five-points")
    assert upright.landmarks is not None
    leaning = Faces(
        upright.xyxy, upright.score, upright.landmarks @ np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32), "five-points"
    )
    assert frontality(leaning) == pytest.approx([1], abs=1e-5)


def test_quality_grows_with_size_and_sharpness_and_is_nothing_below_the_least() -> None:
    sharp = np.full(1, 50, np.float32)
    sizes = [float(quality(faces_at((0, 0, side, side)), sharp)[0]) for side in (20, 30, 60, 100, 300)]
    assert sizes[0] == 0
    assert sizes[1] < sizes[2] < sizes[3] == sizes[4] < 1
    blurs = [float(quality(faces_at((0, 0, 100, 100)), np.full(1, blur, np.float32))[0]) for blur in (1, 5, 50, 500)]
    assert blurs[0] == 0
    assert blurs[1] < blurs[2] < blurs[3] <= 1


def test_quality_of_nobody() -> None:
    assert quality(Faces.empty(), np.zeros(0, np.float32)).shape == (0,)


def lookalikes(ada: float, bob: float) -> Lookalikes:
    """Two people who both look like Dad, at these distances."""
    return Lookalikes({"Ada": {"Dad": ada, "Son": 0.9}, "Bob": {"Dad": bob, "Son": 0.9}, "Cleo": {"Dad": 1, "Son": 1}})


def together(ada: float, bob: float, before: dict[int, Identity] | None = None) -> dict[int, Identity]:
    recognizer = lookalikes(ada, bob)
    identities = before or {1: after(*[(ADA, 0.5)] * QUORUM, recognizer=recognizer), 2: Identity()}
    for key, face in ((1, ADA), (2, BOB)):
        for time in range(QUORUM):
            identities[key].add(Sample(0.5, face, PICTURE), float(time), recognizer)
    name_together(identities, recognizer)
    return identities


def test_the_nearer_of_two_has_the_name() -> None:
    identities = together(0.4, 0.3)
    assert [identities[key].name for key in (1, 2)] == [None, "Dad"]
    assert [identities[key].voted for key in (1, 2)] == ["Dad", "Dad"]
    assert identities[1].distance == pytest.approx(0.4)  # of the votes for the name that it lost
    assert all(identity.settled for identity in identities.values())


def test_a_name_changes_hands_only_for_a_clear_difference() -> None:
    identities = together(0.3, 0.35)
    assert [identities[key].name for key in (1, 2)] == ["Dad", None]
    slightly, clearly = 0.35 - 0.9 * HANDOVER * NEAREST, 0.35 - 1.1 * HANDOVER * NEAREST
    assert together(0.35, slightly, identities)[1].name == "Dad"
    assert [together(0.35, clearly, identities)[key].name for key in (1, 2)] == [None, "Dad"]
    assert together(0.35 - 0.9 * HANDOVER * NEAREST, 0.35, identities)[2].name == "Dad"  # nor back


def test_a_lost_name_stays_lost_while_its_owner_is_out_of_sight() -> None:
    identities = together(0.3, 0.4)
    del identities[1]
    name_together(identities, lookalikes(0.3, 0.4))
    assert identities[2].name is None
    identities[3] = after(*[(CLEO, 0.5)] * QUORUM)  # a stranger who comes changes nothing
    name_together(identities, lookalikes(0.3, 0.4))
    assert [identities[key].name for key in (2, 3)] == [None, None]


def test_whose_owner_votes_for_another_name_is_free() -> None:
    identities = together(0.3, 0.4)
    ada, bob = identities.values()
    for time in range(KEPT_SAMPLES):
        ada.add(Sample(0.9, ADA, PICTURE), 9.0 + time, Lookalikes({name: {"Ada": 0.1, "Dad": 0.4} for name in COLOURS}))
    name_together(identities, lookalikes(0.3, 0.4))
    assert (ada.name, bob.name) == ("Ada", "Dad")
    assert bob.distance == pytest.approx(0.4)
