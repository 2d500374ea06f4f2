"""The people of a gallery as a sample: the rate of strangers holds, and nothing makes anybody's limit looser."""

from __future__ import annotations

import numpy as np
import pytest

from faces.recognition import crowd as crowds
from faces.recognition.crowd import INTERVAL, Crowd, crowding_of, distance_of
from faces.recognition.distances import People
from faces.recognition.impostors import HIGHEST, impostors_of
from faces.recognition.thresholds import far_per_person
from faces.types import Floats
from tests.recognition.populations import DIMENSION, GENERAL, MEAN, crowd_of_faces, one_each, photographed, units

SIZES = (1, 2, 3, 5, 20, 100)


def measured(faces: Floats) -> tuple[Crowd, People]:
    people = one_each(faces)
    return Crowd.of(people, GENERAL), people


def limits(crowd: Crowd, people: People, probes: Floats, far: float) -> Floats:
    """The unscaled distance (N, P) up to which each probe is each person."""
    return crowd.threshold(far) / crowd.scales(probes, crowd.terms(people), far)


def named(faces: Floats, strangers: Floats, fpir: float) -> float:
    """The share of strangers who are within the limit of somebody."""
    crowd, people = measured(faces)
    far = far_per_person(fpir, len(people))
    near = people.distances(strangers) <= limits(crowd, people, strangers, far)
    return float(near.any(axis=1).mean())


@pytest.mark.parametrize("people", [1, 5, 20, 100])
@pytest.mark.parametrize("mean", [0.0, 0.1, 0.2])
def test_the_rate_of_strangers_holds_whatever_the_group(mean: float, people: int) -> None:
    """The last group is two and a half standard deviations of galleries more alike than people in general."""
    fpir, trials = 0.05, 300 // people + 10
    shares = [
        named(crowd_of_faces(people, mean, 2 * seed), crowd_of_faces(200, mean, 2 * seed + 1), fpir)
        for seed in range(trials)
    ]
    # A single person says nothing about a group, and a few say little: their limits allow for an average group.
    assert np.mean(shares) < (1.5 if mean <= MEAN or people >= 20 else 6) * fpir
    if mean >= MEAN:
        assert np.mean(shares) > 0.15 * fpir  # and the limit is not much too strict


def test_a_more_alike_group_has_stricter_limits() -> None:
    for people in (5, 20, 100):
        near, general = (measured(crowd_of_faces(people, mean, 3)) for mean in (0.3, MEAN))
        probes = crowd_of_faces(5, 0.3, 4)
        assert near[0].effect > general[0].effect
        assert (limits(*near, probes, 0.01) < limits(*general, probes, 0.01)).all()


@pytest.mark.parametrize("people", [20, 100])
def test_people_whose_similarity_spreads_more_have_stricter_limits(people: int) -> None:
    general = crowd_of_faces(people, MEAN, 3)
    wide = general.copy()
    wide[:, DIMENSION // 3 :] *= 0.2  # fewer dimensions in use: more noise
    crowd, usual = measured(units(wide))[0], measured(general)[0]
    assert crowd.noise > 1.05 * usual.noise
    assert usual.noise >= GENERAL.noise_sd
    assert Crowd.of(one_each(units(wide[:2])), GENERAL).noise == GENERAL.noise_sd  # two people say nothing about it


@pytest.mark.parametrize("people", SIZES)
def test_people_who_are_unlike_keep_the_general_limit(people: int) -> None:
    far = 0.001
    crowd, known = measured(crowd_of_faces(people, 0.0, 5))
    probes = crowd_of_faces(50, 0.0, 6)
    best = GENERAL.mean + GENERAL.quantile(far) * GENERAL.noise_sd  # if all effects were known to be 0
    similarity = 1 - limits(crowd, known, probes, far) ** 2 / 2
    assert (similarity >= best - 1e-6).all()
    assert crowd.threshold(far) == distance_of(GENERAL.mean + GENERAL.quantile(far) * GENERAL.spread)


def test_what_is_uncertain_shrinks_with_the_number_of_people() -> None:
    crowds_ = [measured(crowd_of_faces(people, MEAN, 7))[0] for people in SIZES]
    uncertainties = [each.uncertainty for each in crowds_]
    assert uncertainties == sorted(uncertainties, reverse=True)
    assert uncertainties[0] == GENERAL.gallery_sd  # of one person: what is known about galleries in general
    widths = [high / low for low, high in (each.expected_rate(0.01) for each in crowds_)]
    assert widths == sorted(widths, reverse=True)
    average = [
        np.mean([limits(*measured(crowd_of_faces(people, MEAN, s)), crowd_of_faces(20, MEAN, 900 + s), 0.001).mean()
                 for s in range(20)])
        for people in SIZES
    ]  # fmt: skip
    assert average[-1] > average[3] > average[0]  # the more is known, the less strict


@pytest.mark.parametrize("people", [2, 5, 50])
def test_the_expected_rate_encloses_what_is_asked_for(people: int) -> None:
    crowd, _ = measured(crowd_of_faces(people))
    low, high = crowd.expected_rate(0.01)
    assert 0 < low < 0.01 < high < 1
    spread = (GENERAL.spread**2 + crowd.uncertainty**2) ** 0.5
    limit = GENERAL.quantile(0.01) * spread
    ends = [GENERAL.far(np.array([(limit + sign * INTERVAL * crowd.uncertainty) / GENERAL.spread])) for sign in (1, -1)]
    assert [low, high] == pytest.approx([float(end[0]) for end in ends])


@pytest.mark.parametrize("people", [2, 3, 5, 20])
@pytest.mark.parametrize("photographs", [1, 4])
def test_one_person_under_two_names_moves_nobody_elses_limit(people: int, photographs: int) -> None:
    faces = crowd_of_faces(people)
    probes, far = crowd_of_faces(30, seed=8), 0.001

    def moved(*rows: int) -> Floats:
        vectors = photographed(faces[list(rows)], photographs, 0.75)
        known = People.of(vectors, np.arange(len(rows)) * photographs)
        return limits(Crowd.of(known, GENERAL), known, probes, far)[:, :people]

    alone, twice = moved(*range(people)), moved(*range(people), 0)
    # One more name is also one more person to learn from: allow for that.
    others = People.of(photographed(crowd_of_faces(people + 1), photographs, 0.75), np.arange(people + 1) * photographs)
    another = limits(Crowd.of(others, GENERAL), others, probes, far)[:, :people]
    assert abs(float((twice - alone).mean())) < 0.01 + abs(float((another - alone).mean()))


def test_two_names_of_one_person_are_as_one() -> None:
    face, probes = crowd_of_faces(1), crowd_of_faces(30, seed=8)
    one, known_once = measured(face)
    two, known_twice = measured(np.concatenate([face, face]))
    assert (two.effect, two.uncertainty) == (one.effect, one.uncertainty)
    once, twice = limits(one, known_once, probes, 0.001), limits(two, known_twice, probes, 0.001)
    assert abs(float((twice - once).mean())) < 0.01  # one more face that a probe is compared with


def test_a_probe_of_an_enrolled_person_does_not_tighten_its_own_limit() -> None:
    """However close it is: the closest person may be its own."""
    faces = crowd_of_faces(1)
    crowd, people = measured(faces)
    by_similarity = [limits(crowd, people, photographed(faces, 20, s, 9), 0.001).mean() for s in (0.05, 0.3, 0.9)]
    assert max(by_similarity) - min(by_similarity) < 1e-6
    faces = crowd_of_faces(20)
    crowd, people = measured(faces)
    genuine, stranger = photographed(faces, 1, 0.7, 9), crowd_of_faces(20, seed=10)
    own = np.diag(limits(crowd, people, genuine, 0.001)).mean()
    assert abs(own - limits(crowd, people, stranger, 0.001).mean()) < 0.02


@pytest.mark.parametrize("people", SIZES)
@pytest.mark.parametrize("photographs", [1, 3])
def test_pairs_and_tables_agree(people: int, photographs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    known = People.of(photographed(crowd_of_faces(people), photographs), np.arange(people) * photographs)
    impostors = impostors_of("sface-int8")
    assert impostors is not None
    crowd, probes = Crowd.of(known, impostors), crowd_of_faces(7, seed=11)
    table = crowd.scales(probes, crowd.terms(known), 0.001)
    assert table.shape == (7, people)
    assert table.dtype == np.float32
    at = np.arange(7) % people
    assert crowd.scale(probes, known, at, 0.001) == pytest.approx(table[np.arange(7), at], rel=1e-5)
    monkeypatch.setattr(crowds, "BLOCK_SCORES", 3)
    assert crowd.scale(probes, known, at, 0.001) == pytest.approx(table[np.arange(7), at], rel=1e-5)
    assert crowd.scales(probes, crowd.terms(known), 0.001) == pytest.approx(table, rel=1e-5)


def test_a_person_is_no_sample_of_strangers_to_itself() -> None:
    """However many photographs make its centre: the more, the farther is it from each of them."""
    for photographs in (1, 2, 50):
        faces = crowd_of_faces(3)
        known = People.of(photographed(faces, photographs, 0.3), np.arange(3) * photographs)
        crowd = Crowd.of(known, GENERAL)
        _, variance = crowd.terms(known)
        two = GENERAL.person_sd**2 * (1 - GENERAL.person_sd**2 / (GENERAL.person_sd**2 + GENERAL.noise_sd**2 / 2))
        assert variance == pytest.approx([two] * 3)


@pytest.mark.parametrize("far", [0.1, 1e-3, 1e-6])
def test_at_its_limit_a_probe_is_as_close_as_the_stated_share_of_strangers(far: float) -> None:
    crowd, people = measured(crowd_of_faces(20, 0.15))
    probes, persons = crowd_of_faces(9, 0.15, 12), np.arange(9)
    limit = crowd.threshold(far) / crowd.scale(probes, people, persons, far)
    assert crowd.far(limit, probes, people, persons) == pytest.approx(np.full(9, far), rel=0.01)
    assert (crowd.far(limit * 0.9, probes, people, persons) < far).all()


def test_without_probes() -> None:
    crowd, people = measured(crowd_of_faces(4))
    nothing, nobody = np.zeros((0, 128), np.float32), np.zeros(0, np.intp)
    assert crowd.scale(nothing, people, nobody, 0.01).shape == (0,)
    assert crowd.scales(nothing, crowd.terms(people), 0.01).shape == (0, 4)
    assert crowd.far(np.zeros(0, np.float32), nothing, people, nobody).shape == (0,)


def test_limits_stay_distances_however_alike_people_are() -> None:
    faces = units(np.ones((5, 128), np.float32) + 0.05 * crowd_of_faces(5))
    crowd, people = measured(faces)
    factors = crowd.scales(faces, crowd.terms(people), 1e-6)
    assert np.isfinite(factors).all()
    assert (crowd.threshold(1e-6) / factors >= distance_of(HIGHEST) - 1e-6).all()


@pytest.mark.parametrize("embedder", ["sface-int8", "dlib-resnet, mirrored", "dlib-resnet, best"])
@pytest.mark.parametrize("far", [0.5, 1e-3, 1e-8, 1e-15])
def test_the_lowest_rates_have_limits_too(embedder: str, far: float) -> None:
    impostors = impostors_of(embedder)
    assert impostors is not None
    people = one_each(crowd_of_faces(5, max(impostors.mean, 0)))
    crowd = Crowd.of(people, impostors)
    assert crowd.threshold(far) >= distance_of(HIGHEST)
    factors = crowd.scales(people.centres, crowd.terms(people), far)
    assert ((factors > 0.3) & np.isfinite(factors)).all()


def test_the_sample_of_a_large_gallery() -> None:
    faces = crowd_of_faces(1200, 0.2)
    people = one_each(faces)
    large, whole = Crowd.of(people, GENERAL), Crowd.of(people, GENERAL, most=1200)
    assert (large.people, len(large.sample), len(whole.sample)) == (1200, 400, 1200)
    assert large.effect == pytest.approx(whole.effect, abs=0.005)


def test_the_crowding_of_a_person_is_the_mean_of_its_photographs() -> None:
    impostors = impostors_of("sface-int8")
    assert impostors is not None
    vectors = crowd_of_faces(6)
    people = People.of(vectors, np.array([0, 1, 3]))
    each = impostors.crowding(vectors)
    expected = [each[0], each[1:3].mean(), each[3:].mean()]
    assert crowding_of(people, np.array([2, 0, 1]), impostors) == pytest.approx([expected[k] for k in (2, 0, 1)])
    assert crowding_of(people, np.zeros(0, np.intp), impostors).shape == (0,)
