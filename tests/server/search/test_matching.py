"""Nearest persons, confidence and groups."""

from __future__ import annotations

import time

import numpy as np
import pytest

from faces.embedding.embedders import unit
from faces.errors import UsageError
from faces.models import zoo
from faces.recognition.crowd import Crowd
from faces.recognition.distances import People
from faces.recognition.impostors import impostors_of
from faces.recognition.match_probability import EVEN, match_probability
from faces.recognition.thresholds import STRICT_FAR
from faces.server.search.chance import Chance
from faces.server.search.confidence import SAME_PERSON, Confidence, curve
from faces.server.search.index import Index, Layers
from faces.server.search.matching import group_faces, one_each
from faces.types import Floats
from tests.recognition.populations import GENERAL, crowd_of_faces, photographed


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


def test_confidence_is_the_probability_that_a_match_is_true() -> None:
    ours = curve(zoo.MODELS["sface-int8"], None, "sface-int8")
    assert ours.of(np.ones(3, np.float32), np.array([EVEN, EVEN / 100, EVEN * 100])) == pytest.approx(
        match_probability(np.array([EVEN, EVEN / 100, EVEN * 100]))
    )
    assert ours.of(np.zeros(1, np.float32), np.array([EVEN]))[0] == pytest.approx(SAME_PERSON)
    assert curve(zoo.MODELS["sface-int8"], 1.1, "sface-int8") == curve(zoo.MODELS["sface-int8"], 1.1)  # the curve alone


def one_to_one(similarity: float) -> float:
    pair = photographed(crowd_of_faces(1, 0.08), 1, similarity**2)
    return curve(zoo.MODELS["sface-int8"], None, "sface-int8").verified(pair, enrolled(crowd_of_faces(1, 0.08)).people)


def enrolled(faces: Floats) -> Index:
    rows = np.arange(len(faces))
    return Index(rows, np.array([f"p{k}" for k in rows]), People.of(faces, rows))


def test_two_faces_are_compared_without_a_gallery() -> None:
    values = [one_to_one(similarity) for similarity in (0.1, 0.3, 0.5, 0.9)]
    assert values == sorted(values)
    assert values[0] < 0.1
    assert values[-1] > 0.99
    unmeasured = curve(zoo.MODELS["sface"], None, "sface")
    (probe, other) = around(2, 2, 1)
    person = People.of(other[None], np.zeros(1, np.intp))
    distance = person.distance(probe[None], np.zeros(1, np.intp))
    assert unmeasured.verified(probe[None], person) == pytest.approx(float(unmeasured.of(distance)[0]))


@pytest.mark.parametrize("people", [1, 5, 50])
def test_half_the_strangers_who_reach_a_half_are_wrong_however_many_persons(people: int) -> None:
    """The expected number of chance matches is that of the strangers who come so close."""
    faces, strangers = crowd_of_faces(people, 0.15), crowd_of_faces(3000, 0.15, seed=1)
    chance = Chance(people, Crowd.of(enrolled(faces).people, GENERAL))
    found = enrolled(faces).search(strangers, 1, None, chance)
    assert found.expected is not None
    for expected in (0.3, 0.1, 0.03):
        share = float((found.expected[:, 0] <= expected).mean())
        assert share <= (2.5 if people < 50 else 1.5) * expected  # few persons say little about a group


def test_the_most_likely_owner_comes_first() -> None:
    impostors = impostors_of("sface-int8")
    assert impostors is not None
    crowding = impostors.crowding(impostors.centroids).argsort()
    crowded, sparse = impostors.centroids[crowding[-1]], impostors.centroids[crowding[0]]
    probe = unit((crowded + sparse + 0.02 * crowded)[None].astype(np.float32))  # a little nearer to the crowded one
    index = enrolled(np.stack([crowded, sparse]).astype(np.float32))
    assert index.search(probe, 2).ids[0].tolist() == ["p0", "p1"]
    found = index.search(probe, 2, None, Chance(2, impostors))
    assert found.ids[0].tolist() == ["p1", "p0"]
    assert found.distance[0, 0] > found.distance[0, 1]
    values = curve(zoo.MODELS["sface-int8"], None, "sface-int8").of(found.distance, found.expected)
    assert (np.diff(values, axis=1) <= 0).all()


def test_similar_people_need_closer_matches() -> None:
    alike, unlike = (Layers.of(enrolled(crowd_of_faces(30, mean)), "sface-int8") for mean in (0.4, 0.05))
    assert alike.chance is not None
    assert unlike.chance is not None
    probe = crowd_of_faces(1, 0.05, seed=9)
    distance, only = np.array([[1.0]], np.float32), np.zeros((1, 1), np.intp)
    near, far = (
        layers.chance.expected(distance, probe, layers.base.people, only).item()
        for layers in (alike, unlike)
        if layers.chance is not None
    )
    assert near > far
    assert Layers.of(enrolled(crowd_of_faces(30))).chance is None  # with --threshold
    assert Layers.of(enrolled(crowd_of_faces(6)), "somebody's own").chance is None
    assert Layers.of(enrolled(crowd_of_faces(7)), "somebody's own").chance is not None
    assert Layers.of(enrolled(crowd_of_faces(7)), "somebody's own", has_persons=False).chance is None


def test_all_owners_count() -> None:
    vectors = around(4, 40, 2)
    people = People.of(vectors, np.arange(0, 80, 2))
    ids = np.array([f"p{k}" for k in range(40)])
    whole = Layers.of(Index(np.arange(40), ids, people), "sface-int8")
    first = Layers.of(Index(np.arange(1), ids[:1], People.of(vectors[:2], np.zeros(1, np.intp))), "sface-int8")
    rest = Index(np.arange(1, 40), ids[1:], People.of(vectors[2:], np.arange(0, 78, 2)))
    grown = first.changed(set(range(1, 40)), rest)
    assert grown is not None
    assert [layers.chance and layers.chance.owners for layers in (first, grown, whole)] == [1, 40, 40]
    found, expected = grown.search(vectors[:5], 3), whole.search(vectors[:5], 3)
    assert found.ids[:, 0].tolist() == expected.ids[:, 0].tolist()
    assert found.expected is not None
    assert expected.expected is not None
    assert found.expected == pytest.approx(expected.expected, rel=1e-3, abs=1e-12)
    gone = grown.changed(set(range(1, 40)), None)
    assert gone is not None
    assert gone.chance is not None
    assert gone.chance.owners == 1
    faces = Layers.of(
        Index(np.arange(80), np.arange(80).astype(str), People.of(vectors, np.arange(80))), "sface-int8", False
    )
    assert faces.chance is not None
    assert (faces.chance.owners, faces.chance.model) == (80, impostors_of("sface-int8"))


def test_one_each() -> None:
    persons = np.array([["a", "b"], ["a", "b"], ["a", "c"]])
    values = np.array([[0.9, 0.6], [0.99, 0.2], [0.8, 0.3]])
    assert one_each(persons, values, 0.5).tolist() == [1, 0, -1]
    assert one_each(persons, values, 0.0).tolist() == [1, 0, 1]
    assert one_each(persons, np.ones((3, 2)), 0.5).tolist().count(-1) == 0
    assert one_each(persons[:0], values[:0], 0.5).tolist() == []


def test_faces_are_grouped_by_their_own_limits() -> None:
    ours = curve(zoo.MODELS["sface-int8"], None, "sface-int8")
    vectors = photographed(crowd_of_faces(8, 0.1), 3, 0.75)
    groups = group_faces(vectors, ours.limits(vectors))
    assert sorted(sorted(rows) for rows in groups) == [[3 * k, 3 * k + 1, 3 * k + 2] for k in range(8)]
    many = crowd_of_faces(50, seed=2)
    assert ours.limits(many)[:2, :2].mean() < ours.limits(many[:2]).mean()  # the more faces, the closer
    impostors = impostors_of("sface-int8")
    assert impostors is not None
    strict = impostors.far_between(ours.limits(vectors[:2]), impostors.crowding(vectors[:2]).sum(keepdims=True)[None])
    assert strict[0, 1] == pytest.approx(STRICT_FAR, rel=0.01)
    for few in (vectors[:0], vectors[:1]):
        assert len(group_faces(few, ours.limits(few))) == len(few)
    logistic = curve(zoo.MODELS["sface-int8"], 0.9)
    assert logistic.limits(vectors) == pytest.approx(np.full((1, 1), 0.9))


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
