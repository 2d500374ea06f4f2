"""Whether a new recognizer is as good as the old one: on drawn points instead of faces."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint, Floats, ModelId
from faces.versions.judging import HELD_OUT, Score, gallery_of, judge, judge_reports, source
from faces.versions.version import Report

DLIB = Fingerprint(ModelId("det", "1" * 64), ModelId("ali", "2" * 64), ModelId("dlib-resnet, mirrored", "3" * 64))
OPTIONS = 0.01, None, "auto"


def photographs(person: int, number: int) -> Floats:
    """(number, 128): points about 0.3 apart; different people are about 1.4 apart."""
    centre = np.random.default_rng(person).normal(size=128)
    rngs = [np.random.default_rng((person, k)) for k in range(number)]
    vectors = np.stack([centre / np.linalg.norm(centre) + rng.normal(0, 0.018, 128) for rng in rngs])
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def gallery(*numbers: int, models: Fingerprint | None = DLIB) -> Gallery:
    """People of so many photographs each."""
    names = [f"Person {k}" for k, number in enumerate(numbers) for _ in range(number)]
    vectors = np.concatenate([photographs(k, number) for k, number in enumerate(numbers)])
    return Gallery(vectors, tuple(names), fingerprint=models)


def renamed(people: Gallery, names: list[str]) -> Gallery:
    return Gallery(people.embeddings, tuple(names), fingerprint=people.fingerprint)


def fit(people: Gallery, threshold: float | None = None) -> FaceRecognizer:
    return FaceRecognizer(threshold=threshold).fit(people)


def test_more_of_the_same_is_as_good() -> None:
    verdict = judge(fit(gallery(5, 5, 5)), fit(gallery(6, 10, 5, 4)), 0.02)
    assert verdict.good
    right = Score(4, 0, 0)  # 6 // 5 + 10 // 5 + 5 // 5, and none of whom the old one does not know
    assert verdict.check == {"photographs": 4, "before": asdict(right), "now": asdict(right)}
    assert verdict.why == "4 of 4 held-out photographs right, before 4"


def test_strangers_who_are_no_longer_enrolled_are_not_missed() -> None:
    people = gallery(5, 5, 20)
    old = renamed(people, [*people.names[:10], *["unknown"] * 20])
    assert judge(fit(old), fit(gallery(5, 5)), 0.02).good


def test_the_photographs_are_held_out_of_both() -> None:
    """Somebody whose photographs are all different is known by none but those that were seen."""
    scattered = np.concatenate([photographs(100 + k, 1) for k in range(5)])
    names = ("scattered",) * 5 + tuple(gallery(5).names)
    people = Gallery(np.concatenate([scattered, gallery(5).embeddings]), names, fingerprint=DLIB)
    verdict = judge(fit(people), fit(people), 0.02)
    assert verdict.check["before"] == verdict.check["now"] == {"right": 1, "wrong": 0, "unknown": 1}


def test_a_photograph_embedded_again_is_the_same_one() -> None:
    people = gallery(5, 5)
    again = people.embeddings + np.float32(1e-6)
    verdict = judge(fit(people), fit(Gallery(again, people.names, fingerprint=DLIB)), 0.02)
    assert verdict.check["before"] == verdict.check["now"]
    scattered = Gallery(np.concatenate([photographs(100 + k, 1) for k in range(5)]), ("a",) * 5, fingerprint=DLIB)
    again = scattered.embeddings + np.float32(1e-6)
    verdict = judge(fit(scattered), fit(Gallery(again, scattered.names, fingerprint=DLIB)), 0.02)
    assert verdict.check["before"] == {"right": 0, "wrong": 0, "unknown": 1}


def test_the_choice_is_the_same_whatever_the_order() -> None:
    people = gallery(20, 20)
    shuffle = np.random.default_rng(0).permutation(len(people))
    mixed = Gallery(people.embeddings[shuffle], tuple(np.array(people.names)[shuffle].tolist()), fingerprint=DLIB)
    old = fit(people, threshold=0.3)  # some are unknown, so that it matters which
    assert judge(old, fit(people, threshold=0.3), 0.02) == judge(old, fit(mixed, threshold=0.3), 0.02)


def test_one_photograph_is_no_evidence() -> None:
    assert judge(fit(gallery(3)), fit(gallery(3), threshold=0.0001), 0.02).good
    assert not judge(fit(gallery(3, 3)), fit(gallery(3, 3), threshold=0.0001), 0.02).good


@pytest.mark.parametrize(("left", "good"), [((5, 5), True), ((5, 4), False), ((9, 0), False)])
def test_more_than_half_of_the_photographs_gone(left: tuple[int, ...], good: bool) -> None:
    verdict = judge(fit(gallery(5, 5, 10)), fit(gallery(*(n for n in left if n))), 0.02)
    assert verdict.good == good
    if not good:
        assert "photographs known before are gone: is a disk not mounted?" in verdict.why


def test_losses_that_are_accepted_leave_the_others_to_be_named() -> None:
    before = fit(gallery(5, 5, 10))
    good = judge(before, fit(gallery(5, 4)), 0.02, accept_losses=True)
    assert good.good and good.why == "2 of 2 held-out photographs right, before 2"
    bad = judge(before, fit(gallery(5, 4), threshold=0.0001), 0.02, accept_losses=True)
    assert not bad.good and bad.why == "0 of 2 held-out photographs right, before 2"
    reports = [report(n, n, n) for n in (20, 9)]
    assert not judge_reports(reports[0], reports[1], 0.02).good
    assert judge_reports(reports[0], reports[1], 0.02, accept_losses=True).good


def test_a_person_renamed_is_not_gone() -> None:
    people = gallery(2, 4)
    other = renamed(people, ["Person 0"] * 2 + ["Person 1 Marte"] * 4)
    assert judge(fit(people), fit(other), 0.02).why == "1 of 1 held-out photographs right, before 1"


def test_photographs_that_others_of_the_same_people_replaced_are_not_gone() -> None:
    people = gallery(5, 5)
    other = Gallery(np.concatenate([photographs(100 + k, 5) for k in range(2)]), people.names, fingerprint=DLIB)
    assert "gone" not in judge(fit(people), fit(other), 0.02).why


def test_a_rename_hides_no_loss() -> None:
    people = gallery(5, 5, 10)
    left = renamed(gallery(5, 4), ["Person 0"] * 5 + ["Somebody"] * 4)
    assert judge(fit(people), fit(left), 0.02).check == {"gone": 11, "of": 20}


def test_nothing_to_compare_by() -> None:
    for people in (gallery(1, 1), gallery(1)):
        assert judge(fit(people), fit(people), 0.02).good
    other = renamed(gallery(4), ["A"] * 4)
    verdict = judge(fit(gallery(4)), fit(other), 0.02)
    assert verdict.good and verdict.why == "no person of the version before has two photographs to compare it by"
    twice = np.repeat(gallery(1).embeddings, 2, axis=0)
    verdict = judge(
        fit(Gallery(twice, ("a", "a"), fingerprint=DLIB)), fit(Gallery(twice, ("a", "a"), fingerprint=DLIB)), 0.02
    )
    assert verdict.good


def report(right: int, of: int, photographs: int = 100) -> Report:
    return {"right": right, "wrong": 0, "unknown": of - right, "left_out": of, "photographs": photographs}


@pytest.mark.parametrize(
    ("right", "tolerance", "good"),
    [(95, 0.02, True), (88, 0.02, True), (87, 0.02, False), (80, 0.1, True), (79, 0.1, False), (89, 0.001, True)],
)
def test_other_models_are_compared_by_their_reports(right: int, tolerance: float, good: bool) -> None:
    verdict = judge_reports(report(90, 100), report(right, 100), tolerance)
    assert verdict.good == good
    assert verdict.why == f"by other models; {right}.0% right when one photograph is left out, before 90.0%"


def test_reports_that_say_too_little() -> None:
    assert judge_reports({}, report(1, 100), 0.02).good
    assert judge_reports({"left_out": 100}, report(1, 100), 0.02).good
    assert judge_reports(report(1, -1), report(1, 100), 0.02).good
    assert judge_reports(report(0, 0), report(1, 100), 0.02).good
    assert not judge_reports(report(90, 100), report(40, 40, photographs=40), 0.02).good


def test_what_makes_a_recognizer() -> None:
    people = gallery(3, 4)
    made_of = source(people, *OPTIONS)
    assert source(gallery_of(fit(people)), *OPTIONS) == made_of
    back = Gallery(people.embeddings[::-1][:4], people.names[::-1][:4], fingerprint=DLIB)
    joined = Gallery(
        np.concatenate([people.embeddings[3:], people.embeddings[:3]]),
        people.names[3:] + people.names[:3],
        fingerprint=DLIB,
    )
    assert source(joined, *OPTIONS) == made_of
    others = (
        source(back, *OPTIONS),
        source(people, 0.02, None, "auto"),
        source(people, 0.01, 0.3, "auto"),
        source(people, 0.01, None, "knn"),
        source(renamed(people, ["x"] * 7), *OPTIONS),
        source(gallery(3, 4, models=None), *OPTIONS),
        source(gallery(3, 5), *OPTIONS),
    )
    assert len({made_of, *others}) == 8
    assert HELD_OUT == 5
