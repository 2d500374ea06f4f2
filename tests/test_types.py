"""The values: their shapes are checked at construction, and choosing among faces."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from faces.attributes.answers import Answers, Head
from faces.errors import FingerprintError
from faces.types import Faces, Fingerprint, Matches, ModelId
from faces.video.tracks import Tracks
from tests.fakes import faces_at

PRINT = Fingerprint(ModelId("det", "1" * 64), ModelId("ali", "2" * 64), ModelId("emb", "3" * 64))


@pytest.mark.parametrize(
    ("part", "shape"),
    [
        ("xyxy", (2, 5)),
        ("xyxy", (3, 4)),
        ("score", (3,)),
        ("score", (2, 1)),
        ("landmarks", (2, 5)),
        ("landmarks", (1, 5, 2)),
        ("landmarks", (2, 68, 2)),
    ],
)
def test_faces_of_disagreeing_shapes_are_refused(part: str, shape: tuple[int, ...]) -> None:
    parts: dict[str, Any] = {"xyxy": np.zeros((2, 4)), "score": np.zeros(2), "landmarks": np.zeros((2, 5, 2))}
    Faces(**parts, scheme="five-points")
    with pytest.raises(ValueError, match="has shape"):
        Faces(**{**parts, part: np.zeros(shape)}, scheme="five-points")


@pytest.mark.parametrize("parts", [{"landmarks": np.zeros((0, 5, 2))}, {"scheme": "eye-corners"}])
def test_landmarks_come_with_their_scheme(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="scheme"):
        Faces(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), **parts)


def test_no_faces() -> None:
    none = Faces.empty()
    assert (len(none), none.xyxy.shape, none.score.shape, none.landmarks) == (0, (0, 4), (0,), None)
    assert none.sizes.shape == (0,)
    assert len(none.largest()) == len(none.best(640, 480)) == len(none[:1]) == 0


@pytest.mark.parametrize("index", [np.array([2, 0]), np.array([True, False, True]), slice(None, None, 2)])
def test_indexing_takes_every_array_along(index: Any) -> None:
    points = np.arange(30, dtype=np.float32).reshape(3, 5, 2)
    every = Faces(np.arange(12, dtype=np.float32).reshape(3, 4), np.arange(3, dtype=np.float32), points, "five-points")
    some = every[index]
    assert some.scheme == "five-points"
    assert some.landmarks is not None
    assert np.array_equal(some.xyxy, every.xyxy[index])
    assert np.array_equal(some.score, every.score[index])
    assert np.array_equal(some.landmarks, points[index])


def test_sizes_are_those_of_squares_of_the_same_area() -> None:
    assert faces_at((0, 0, 9, 4), (5, 5, 5, 9), (5, 5, 1, 1), (-3, -3, 3, 3)).sizes.tolist() == [6, 0, 0, 6]


def test_largest_and_first_of_equals() -> None:
    assert faces_at((0, 0, 3, 3), (9, 9, 19, 19), (20, 20, 30, 30)).largest().xyxy.tolist() == [[9, 9, 19, 19]]


@pytest.mark.parametrize(
    ("aside", "middle", "best"),
    [
        ((0, 0, 20, 20), (40, 40, 58, 58), "middle"),
        ((0, 0, 90, 90), (48, 48, 52, 52), "aside"),
        ((50, 30, 90, 70), (35, 35, 65, 65), "middle"),  # 2 * 20^2 - 40^2 = -800, and -900
        ((48, 30, 88, 70), (35, 35, 65, 65), "aside"),  # 2 * 18^2 - 40^2 = -952
    ],
)
def test_best_is_large_and_near_the_middle(aside: tuple[int, ...], middle: tuple[int, ...], best: str) -> None:
    chosen = faces_at(aside, middle).best(100, 100)
    assert chosen.xyxy.tolist() == [list({"aside": aside, "middle": middle}[best])]


def test_values_cannot_be_changed() -> None:
    for value, name in ((Faces.empty(), "score"), (PRINT, "detector"), (Matches((), ()), "names")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, None)


@pytest.mark.parametrize("wrong", [((), ("a",), 1, 1), (("a",), ("a",), 2, 1), (("a",), ("a",), 1, 0)])
def test_matches_of_different_lengths_are_refused(wrong: tuple[tuple[str, ...], tuple[str, ...], int, int]) -> None:
    names, candidates, probabilities, distances = wrong
    with pytest.raises(ValueError, match="different lengths"):
        Matches(names, candidates, np.ones(probabilities, np.float32), np.ones(distances, np.float32))


def test_fingerprint_goes_into_plain_values_and_back() -> None:
    plain = PRINT.to_dict()
    assert plain["embedder"] == {"name": "emb", "sha256": "3" * 64}
    assert Fingerprint.from_dict(plain) == PRINT


@pytest.mark.parametrize("wrong", [{}, {"detector": {"name": "x"}}, 5, [], "text", {**PRINT.to_dict(), "aligner": "x"}])
def test_fingerprint_from_anything_else(wrong: Any) -> None:
    with pytest.raises((KeyError, TypeError)):
        Fingerprint.from_dict(wrong)


def test_fingerprint_accepts_the_same_and_names_the_part_that_differs() -> None:
    PRINT.require(Fingerprint.from_dict(PRINT.to_dict()), "it was", "do this")
    other = dataclasses.replace(PRINT, aligner=ModelId("ali", "9" * 64))
    with pytest.raises(FingerprintError) as caught:
        PRINT.require(other, "it was", "do this")
    assert str(caught.value) == (
        "it was: made with the aligner ali (99999999), but this run uses ali (22222222); do this"
    )


def test_tracks_know_what_each_of_them_looks_like() -> None:
    age = (Head("age", unit="years"),)
    with pytest.raises(ValueError, match="different lengths: 0, 1"):
        dataclasses.replace(Tracks.empty(), answers=Answers.unknown(age, 1))
    none = dataclasses.replace(Tracks.empty(), answers=Answers.unknown(age, 0))
    assert none[np.zeros(0, np.bool_)].answers is not None
