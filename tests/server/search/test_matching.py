"""Nearest persons, confidence and groups."""

from __future__ import annotations

import time

import numpy as np
import pytest

from faces.embedding.embedders import unit
from faces.errors import UsageError
from faces.models import zoo
from faces.recognition.distances import People
from faces.recognition.thresholds import Crowd
from faces.server.search.confidence import Confidence, curve
from faces.server.search.index import Index, Layers
from faces.server.search.matching import group_faces
from faces.types import Floats


def around(seed: int, people: int, each: int, spread: float = 0.03) -> Floats:
    """Return random embeddings, float32 (people * each, 128): ``each`` photographs of each person."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, 1, 128))
    return unit((centres + spread * rng.normal(size=(people, each, 128)) * 11).reshape(-1, 128).astype(np.float32))


def test_nearest_agrees_with_an_exhaustive_search() -> None:
    vectors = around(0, 300, 3)
    people = People.of(vectors, np.arange(0, 900, 3))
    index = Index(np.arange(300), np.array([f"p{k}" for k in range(300)]), people)
    probes = around(1, 5, 1)
    every = people.distances(probes)
    who, distances = index.nearest(probes, 1)
    assert who[:, 0].tolist() == [f"p{k}" for k in every.argmin(axis=1)]
    np.testing.assert_allclose(distances[:, 0], every.min(axis=1), atol=1e-5)
    who, distances = index.nearest(vectors[:2], 1000)
    assert who.shape == (2, 300) and who[0, 0] == "p0" and (np.diff(distances, axis=1) >= 0).all()


def test_confidence() -> None:
    ours = curve(zoo.MODELS["dlib-resnet"])
    assert ours.middle == pytest.approx(0.3793)
    assert ours.of(np.array([ours.middle], np.float32))[0] == pytest.approx(0.5)
    high, low = ours.of(np.array([0.0, 2.0], np.float32))
    assert high > 0.999 and low < 0.001
    assert curve(zoo.MODELS["dlib-resnet"], 0.3).middle == 0.3
    assert curve(zoo.MODELS["sface"]).middle == pytest.approx(1.1287)
    assert isinstance(curve(zoo.MODELS["openface"], 0.9), Confidence)
    with pytest.raises(UsageError, match="--threshold"):
        curve(zoo.MODELS["openface"])


def test_similar_people_need_closer_matches() -> None:
    ours = curve(zoo.MODELS["dlib-resnet"])
    alike, different = Crowd(20, 190, 0.35, 0.05), Crowd(20, 190, 1.2, 0.05)
    stricter = ours.among(alike)
    assert stricter.middle < ours.middle
    assert stricter.of(np.array([stricter.middle], np.float32))[0] == pytest.approx(0.5)
    assert ours.among(different) == ours.among(None) == ours
    assert ours.among(Crowd(20, 190, 0.01, 0.01)).of(np.zeros(1, np.float32))[0] > 0.5  # never infinitely steep
    chosen = curve(zoo.MODELS["dlib-resnet"], 0.4)
    assert chosen.among(alike) == chosen  # a threshold given with --threshold stays


def test_the_crowd_of_layers_covers_all_owners() -> None:
    vectors = around(4, 40, 2)
    people = People.of(vectors, np.arange(0, 80, 2))
    ids = np.array([f"p{k}" for k in range(40)])
    whole = Layers.of(Index(np.arange(40), ids, people))
    first = Layers.of(Index(np.arange(1), ids[:1], People.of(vectors[:2], np.zeros(1, np.intp))))
    rest = Index(np.arange(1, 40), ids[1:], People.of(vectors[2:], np.arange(0, 78, 2)))
    grown = first.changed(set(range(1, 40)), rest)
    assert first.crowd is None
    assert grown is not None and grown.crowd is not None and whole.crowd is not None
    assert (grown.crowd.people, whole.crowd.people) == (40, 40)
    assert grown.crowd.mean == pytest.approx(whole.crowd.mean, abs=1e-3)
    gone = grown.changed(set(range(1, 40)), None)
    assert gone is not None and gone.crowd is None


def test_group_faces() -> None:
    vectors = around(2, 3, 4)
    order = np.random.default_rng(3).permutation(12)
    groups = group_faces(vectors[order], 0.6)
    assert sorted(sorted(order[rows] // 4) for rows in groups) == [[0] * 4, [1] * 4, [2] * 4]
    assert group_faces(vectors[:1], 0.6) == [[0]]
    assert group_faces(vectors[:0], 0.6) == []


def test_a_search_among_many_people_is_fast() -> None:
    vectors = unit(np.random.default_rng(4).normal(size=(30_000, 128)).astype(np.float32))
    index = Index(np.arange(30_000), np.arange(30_000).astype(str), People.of(vectors, np.arange(30_000)))
    took = []
    for k in range(10):
        begin = time.perf_counter()
        who, _ = index.nearest(vectors[k : k + 1], 1)
        took.append(time.perf_counter() - begin)
        assert who[0, 0] == str(k)
    assert min(took) < 0.05  # a bound for a busy machine
