"""Names for several faces at once: nobody is named twice."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from faces.recognition import assignment
from faces.recognition.assignment import Candidates, assign, nearest


def candidates(
    distances: Sequence[Sequence[float]], limit: float = 0.5, names: Sequence[str] = ("Ada", "Bob", "Cleo")
) -> Candidates:
    """Of everybody, in order of the distance."""
    matrix = np.array(distances, np.float32).reshape(len(distances), -1)
    order = matrix.argsort(axis=1, kind="stable")
    sorted_ = np.take_along_axis(matrix, order, axis=1)
    limits = np.full(len(matrix), limit, np.float64)
    return Candidates(np.array(names)[order], 1 - sorted_, sorted_, sorted_.astype(np.float64), limits)


@pytest.mark.parametrize(
    ("distances", "names"),
    [
        ([[0.1, 0.4, 0.9], [0.4, 0.1, 0.9]], ("Ada", "Bob")),  # no conflict
        ([[0.1, 0.15, 0.9], [0.2, 0.9, 0.9]], ("Bob", "Ada")),  # the first has another candidate, the second has none
        ([[0.1, 0.9, 0.9], [0.2, 0.4, 0.9]], ("Ada", "Bob")),  # the loser is its next best candidate
        ([[0.1, 0.9, 0.9], [0.2, 0.6, 0.9]], ("Ada", None)),  # which does not pass
        ([[0.1, 0.9, 0.9], [0.2, 0.3, 0.9], [0.9, 0.2, 0.9]], ("Ada", None, "Bob")),  # which is somebody else
        ([[0.1, 0.9, 0.9], [0.2, 0.25, 0.9], [0.9, 0.2, 0.25]], ("Ada", "Bob", "Cleo")),  # who makes room
        ([[0.1, 0.9, 0.9], [0.6, 0.7, 0.8]], ("Ada", None)),  # a stranger stays one
        ([[0.1] * 3] * 3, ("Ada", "Bob", "Cleo")),
        ([[0.5, 0.5, 0.6]] * 3, ("Ada", "Bob", None)),  # just within the threshold
    ],
)
def test_who_is_who(distances: list[list[float]], names: tuple[str | None, ...]) -> None:
    found = candidates(distances).matches().names
    if len({tuple(row) for row in distances}) == 1:  # it does not matter whose face is first
        assert sorted(map(str, found)) == sorted(map(str, names))
    else:
        assert found == names


def test_of_two_faces_alike_one_is_named() -> None:
    matches = candidates([[0.2, 0.9, 0.9], [0.2, 0.9, 0.9]]).matches()
    assert sorted(map(str, matches.names)) == ["Ada", "None"]
    assert matches.candidates == ("Ada", "Ada")  # the closest person even if rejected
    assert matches.distance.tolist() == pytest.approx([0.2, 0.2])


def test_the_figures_are_those_of_the_name() -> None:
    matches = candidates([[0.1, 0.9, 0.9], [0.2, 0.4, 0.9]]).matches()
    assert matches.candidates == ("Ada", "Bob")
    assert matches.distance.tolist() == pytest.approx([0.1, 0.4])
    assert matches.probability.tolist() == pytest.approx([0.9, 0.6])


def test_nobody_costs_less_than_the_recognizers_own_candidate() -> None:
    """The recognizer says Ada; that Bob is nearer does not give the face to Bob."""
    names = np.array([["Ada", "Bob", "Cleo"], ["Cleo", "Ada", "Bob"], ["Cleo", "Ada", "Bob"]])
    cost = np.array([[0.3, 0.1, 0.9], [0.2, 0.9, 0.9], [0.1, 0.9, 0.9]])
    some = Candidates(names, np.ones((3, 3), np.float32), cost.astype(np.float32), cost, np.full(3, 0.5))
    assert some.matches().names == ("Ada", None, "Cleo")


def test_strangers_are_nobody_and_may_be_many() -> None:
    many = candidates([[0.1, 0.9, 0.9], [0.1, 0.9, 0.9]], names=["unknown", "Bob", "Cleo"])
    assert many.matches().names == (None, None)
    assert not many.passing().any()
    between = candidates([[0.1, 0.9, 0.9], [0.2, 0.3, 0.4]], names=["Ada", "Unknown", "Cleo"])
    assert between.matches().names == ("Ada", None)  # who is not Ada is a stranger rather than Cleo


def test_of_no_faces() -> None:
    nothing = np.zeros((0, 2), np.float32)
    none = Candidates(np.zeros((0, 2), np.str_), nothing, nothing, np.zeros((0, 2)), np.zeros(0))
    assert none.matches().names == ()
    assert assign(np.zeros((2, 0), str), np.zeros((2, 0)), np.zeros(2)).tolist() == [-1, -1]


def test_it_is_the_least_total_cost() -> None:
    """Against every way to name five faces."""
    random = np.random.default_rng(0)
    for _ in range(20):
        cost, limit = random.random((5, 4)), 0.3 + 0.4 * random.random(5)
        ways = []
        for way in itertools.product(range(-1, 4), repeat=5):
            given = [k for k in way if k >= 0]
            if len(set(given)) == len(given) and all(k < 0 or cost[i, k] <= limit[i] for i, k in enumerate(way)):
                ways.append(sum(limit[i] if k < 0 else cost[i, k] for i, k in enumerate(way)))
        found = assign(np.tile(np.arange(4), (5, 1)), cost, limit)
        assert len(set(found[found >= 0])) == (found >= 0).sum()
        assert sum(limit[i] if k < 0 else cost[i, k] for i, k in enumerate(found)) == pytest.approx(min(ways))


def test_nobody_is_given_to_a_face_without_candidates() -> None:
    cost = np.array([[0.1, np.inf], [0.2, np.inf], [np.inf, np.inf]])
    assert assign(np.tile(np.arange(2), (3, 1)), cost, np.array([0.5, 0.5, -np.inf])).tolist() == [0, -1, -1]


def test_the_nearest_come_behind_the_first() -> None:
    cost = np.array([[0.4, 0.1, 0.3, 0.2], [0.1, 0.2, 0.3, 0.4]], np.float32)
    assert nearest(cost, np.array([0, 1]), 3).tolist() == [[0, 1, 3], [1, 0, 2]]
    assert nearest(cost, np.array([2, 2])).tolist() == [[2, 1, 3, 0], [2, 0, 1, 3]]
    assert nearest(cost[:0], np.zeros(0, np.intp)).shape == (0, 4)
    assert nearest(np.tile(np.arange(30.0), (2, 1)), np.array([29, 3])).shape == (2, assignment.NEAREST)
