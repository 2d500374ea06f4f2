"""Everyone enrolled, side by side: against what is worked out by hand, or one at a time."""

from __future__ import annotations

import numpy as np
import pytest

from faces.recognition.distances import CLOSER, People, by_person, closer
from faces.types import Floats


def units(*shape: int, seed: int = 0) -> Floats:
    vectors = np.random.default_rng(seed).normal(size=shape)
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def people(*counts: int) -> People:
    return People.of(units(sum(counts), 16), np.cumsum([0, *counts[:-1]]))


def test_by_person() -> None:
    names = ["b", "Ä", "b", "a", "Zoë Lind", "b"]
    found, order, starts = by_person(names)
    assert found == np.unique(names).tolist() == ["Zoë Lind", "a", "b", "Ä"]
    assert order.tolist() == [4, 3, 0, 2, 5, 1]
    assert starts.tolist() == [0, 1, 2, 5]


def test_what_is_known_of_people() -> None:
    several = people(1, 3, 2)
    assert len(several) == 3
    assert several.counts.tolist() == [1, 3, 2]
    assert several.owner.tolist() == [0, 1, 1, 1, 2, 2]
    assert np.allclose(several.centres[1], several.embeddings[1:4].mean(axis=0))
    assert several.closer.tolist() == pytest.approx([CLOSER[0], CLOSER[2], CLOSER[1]])
    rows, first = several.photographs(np.array([2, 0, 2]))
    assert rows.tolist() == [4, 5, 0, 4, 5]
    assert first.tolist() == [0, 2, 3]


def test_beyond_the_measured_numbers_of_photographs_nothing_is_made_up() -> None:
    assert closer(np.array([1, 5, 6, 1000])).tolist() == pytest.approx([CLOSER[0], *[CLOSER[-1]] * 3])


def test_one_distance_is_that_of_all_of_them() -> None:
    several, probes = people(1, 3, 2, 7), units(5, 16, seed=1)
    everyone = several.distances(probes)
    assert everyone.shape == (5, 4)
    assert everyone.dtype == np.float32
    for person in range(4):
        assert np.allclose(several.distance(probes, np.full(5, person)), everyone[:, person], atol=1e-5)


def test_the_closest() -> None:
    several, probes = people(1, 3, 2, 7), units(5, 16, seed=1)
    similarity = probes @ several.centres.T
    who, distance = several.closest(similarity, probes, 2)
    assert np.sort(who, axis=1).tolist() == np.sort(np.argsort(-similarity, axis=1)[:, :2], axis=1).tolist()
    assert np.allclose(distance, np.take_along_axis(several.distances(probes), who, axis=1), atol=1e-5)
    assert several.closest(similarity, probes, 9)[0].shape == (5, 4)


def test_no_probes() -> None:
    several, nothing = people(1, 3), np.zeros((0, 16), np.float32)
    assert several.distances(nothing).shape == (0, 2)
    assert several.distance(nothing, np.zeros(0, np.intp)).shape == (0,)
    assert several.closest(nothing @ several.centres.T, nothing, 2)[1].shape == (0, 2)


def test_many_photographs_are_compared_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    vectors, probes = (rng.standard_normal((n, 8)).astype(np.float32) for n in (30, 7))
    enrolled, whom = People.of(vectors, np.array([0, 3, 20])), np.array([0, 1, 2, 2, 1, 0, 1])
    at_once = enrolled.distance(probes, whom)
    monkeypatch.setattr("faces.recognition.distances.BLOCK_ROWS", 1)
    assert enrolled.distance(probes, whom).tolist() == at_once.tolist()
