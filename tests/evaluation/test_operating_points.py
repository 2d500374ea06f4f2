"""An embedder's operating points, on points whose distances are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces import metrics
from faces.errors import UsageError
from faces.evaluation import operating_points
from faces.evaluation.pairs import Pairs
from tests.evaluation.points import NO_FACE, apart, photographs


def test_all_pairs() -> None:
    places = {"a": 0.0, "a10": 10, "b": 90, "c": 120, "none": NO_FACE}
    people = {"Ada": [Path("a"), Path("a10")], "Bob": [Path("b"), Path("none")], "Cleo": [Path("c")]}
    found = operating_points.measure(people, photographs(places))
    others = np.array([apart(d) for d in (90, 80, 120, 110, 30)], np.float32)
    genuine = np.array([apart(10)], np.float32)
    assert (found.others, found.genuine, found.people) == (5, 1, 3)
    wanted = metrics.operating_points(others, genuine, operating_points.FARS, "5 pairs of 3 people")
    assert [point.threshold for point in found.points] == pytest.approx([point.threshold for point in wanted], abs=2e-4)
    assert {point.tar for point in found.points} == {1}
    assert str(found).splitlines()[0] == f"(1e-5, {found.points[0].threshold}, 1.0),"


def test_of_one_person_only_the_pairs_of_a_file() -> None:
    places = {"a": 0.0, "a10": 10, "a90": 90, "b": 180}
    people = {"Ada": [Path("a"), Path("a10"), Path("a90")], "Bob": [Path("b")]}
    listed = ("a", "a10", True), ("a", "nobody", True), ("a", "b", False)
    first, second = (tuple(Path(pair[k]) for pair in listed) for k in (0, 1))
    wanted = Pairs(first, second, np.array([same for *_, same in listed]))
    assert operating_points.measure(people, photographs(places)).genuine == 3
    assert operating_points.measure(people, photographs(places), wanted).genuine == 1


def test_without_pairs() -> None:
    seen = photographs({"a": 0.0, "b": 10, "b20": 20})
    with pytest.raises(UsageError, match="no pair of two people among 2 photographs of 1 people"):
        operating_points.measure({"Bob": [Path("b"), Path("b20")]}, seen)
    with pytest.raises(UsageError, match="no pair of one person"):
        operating_points.measure({"Ada": [Path("a")], "Bob": [Path("b")]}, seen)
