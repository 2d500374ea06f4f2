"""Challenges of tracked people, with made measurements: who is reported as live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces.attributes.answers import Answers, Head
from faces.display.challenges import LIVE, TRIES, Challenges
from faces.errors import ModelError
from faces.liveness.challenge import LOOK_TEXT, REASONS, TEXTS, Action, Challenge
from faces.types import Faces, Floats, Image
from faces.video.tracks import Frame, Tracks
from tests.liveness.test_challenge import NEUTRAL, RATE, doing

ORDER: tuple[Action, ...] = ("turn left", "open mouth")
POSES = doing(ORDER)
PICTURE = np.zeros((90, 160, 3), np.uint8)


def tracks(*numbers: int, visible: bool = True) -> Tracks:
    """People side by side; those of higher numbers are smaller."""
    n = len(numbers)
    boxes = np.array([(50 * k, 0, 50 * k + 40 - number, 40) for k, number in enumerate(numbers)], np.float32)
    nan = np.full(n, np.nan, np.float32)
    no = np.zeros(n, np.bool_)
    return Tracks(np.array(numbers, np.intp), boxes.reshape(-1, 4), (None,) * n, no, nan, nan, no | visible)


def actor(time: float) -> Floats:
    """Do what is asked for, again and again."""
    pose = POSES[round(time * RATE) % len(POSES)]
    return np.array([pose[name] for name in ("yaw", "pitch", "eyes", "mouth")], np.float32)


def still(time: float) -> Floats:
    return np.array(list(NEUTRAL.values()), np.float32)


class Show:
    """Challenges before a camera; ``people`` are what the faces do, by their place from the left."""

    def __init__(self, *people: Callable[[float], Floats]) -> None:
        self.people = people
        self.told: list[str] = []
        self.time = 0.0
        self.challenges = Challenges(self.measure, self.told.append, lambda: Challenge(ORDER))

    def measure(self, image: Image, faces: Faces) -> Floats:
        return np.array([self.people[int(box[0] // 50)](self.time) for box in faces.xyxy], np.float32).reshape(-1, 4)

    def run(self, shown: Tracks, seconds: float) -> Tracks:
        marked = shown
        for _ in range(round(seconds * RATE)):
            self.time += 1 / RATE
            marked = self.challenges.observe(Frame(PICTURE, 0, self.time, 0.0), shown)
        return marked


def live(marked: Tracks) -> list[object]:
    return [marked.attributes(k).get("live") for k in range(len(marked))]


PASSED = {"value": "live", "probabilities": {"live": 1.0, "spoof": 0.0}}


def test_who_passes_is_live() -> None:
    show = Show(actor)
    assert live(show.run(tracks(1), 1)) == [None]
    assert live(show.run(tracks(1), len(POSES) / RATE)) == [PASSED]
    assert show.told == [f"#1: {text}" for text in (LOOK_TEXT, *(TEXTS[action] for action in ORDER), "Passed")]
    assert show.challenges.text == ""


def test_a_photograph_is_not_and_has_so_many_tries() -> None:
    show = Show(still)
    assert live(show.run(tracks(1), 60)) == [None]
    assert show.told.count(f"#1: {REASONS['late']}") == TRIES
    assert show.challenges.text == ""


def test_one_after_the_other_the_largest_first() -> None:
    show = Show(actor, actor)
    marked = show.run(tracks(2, 1), len(POSES) / RATE + 1)
    assert live(marked) == [None, PASSED]
    assert live(show.run(tracks(2, 1), 2 * len(POSES) / RATE)) == [PASSED, PASSED]


def test_another_track_in_the_same_place_has_not_passed() -> None:
    show = Show(actor)
    show.run(tracks(1), len(POSES) / RATE + 1)
    assert live(show.challenges.marked(tracks(2))) == [None]
    assert live(show.challenges.marked(tracks(1, visible=False))) == [PASSED]


def test_who_leaves_fails() -> None:
    show = Show(actor)
    show.run(tracks(1), 1)
    show.run(tracks(1, visible=False), 1)
    assert show.told[-1] == f"#1: {REASONS['no face']}"


def test_nobody() -> None:
    show = Show()
    marked = show.run(Tracks.empty(), 1)
    assert (len(marked), show.told, show.challenges.text) == (0, [], "")
    assert live(marked) == []


def test_other_answers_stay_and_a_spoof_that_passes_is_one() -> None:
    age = Head("age", unit="years")
    show = Show(actor)
    known = Answers((age, LIVE), {"age": np.array([[30]], np.float32), "live": np.array([[0.25, 0.75]], np.float32)})
    shown = replace(tracks(1), answers=known)
    assert show.challenges.heads(known.heads) == known.heads
    assert show.challenges.heads((age,)) == (age, LIVE)
    assert show.run(shown, 1).attributes(0) == {"age": 30.0}
    marked = show.run(shown, len(POSES) / RATE)
    assert marked.attributes(0)["live"] == {"value": "spoof", "probabilities": {"live": 0.25, "spoof": 0.75}}


def test_the_mesh_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="faces download-models mesh"):
        Challenges.load(print)
