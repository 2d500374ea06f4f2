"""A stranger's photograph in somebody's folder: it is listed, and does not draw the centre to the stranger."""

from __future__ import annotations

import numpy as np
import pytest

from faces.recognition.distances import People, outliers
from faces.recognition.gallery import Gallery
from faces.recognition.leave_one_out import measure
from faces.recognition.recognizers import FaceRecognizer
from tests.recognition.test_recognizers import DLIB, person

LIMIT = 0.4


def people(*parts: tuple[int, int]) -> People:
    """Photographs of drawn people, (who, how many), which all count as one person's."""
    return People.of(np.concatenate([person(who, number) for who, number in parts]), np.zeros(1, np.intp))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (((0, 4),), []),
        (((0, 4), (1, 1)), [4]),
        (((0, 2), (1, 1)), [2]),
        (((0, 1), (1, 1)), []),  # nobody knows which of two is the wrong one
        (((0, 2), (1, 1), (2, 1)), []),  # nor of as many
        (((0, 1),), []),
    ],
)
def test_less_than_half_of_three_or_more(parts: tuple[tuple[int, int], ...], expected: list[int]) -> None:
    assert outliers(people(*parts), LIMIT).tolist() == expected


def test_a_strangers_photograph_is_listed_and_does_not_move_the_centre() -> None:
    vectors = np.concatenate([person(0, 4), person(7, 1), person(1, 5)])
    names = (*"aaaaa", *"bbbbb")
    gallery = Gallery(vectors, names, tuple(f"{name}/{k}.jpg" for k, name in enumerate(names)), fingerprint=DLIB)
    recognizer = FaceRecognizer(threshold=LIMIT).fit(gallery)
    assert np.allclose(recognizer.people_.centres[0], person(0, 4).mean(axis=0))
    report = measure(gallery, recognizer)
    assert [photograph.photograph for photograph in report.unlike] == ["a/4.jpg"]
    assert f"  a/4.jpg: a at {report.unlike[0].distance:.3f}" in report.lines()
    assert report.right == 9
