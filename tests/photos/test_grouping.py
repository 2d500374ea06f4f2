"""Grouping: people apart, photographs of one person together, and what is known always holds."""

from __future__ import annotations

import numpy as np
import pytest

from faces.embedding.embedders import unit
from faces.photos import grouping
from faces.photos.grouping import Known, Scores, group, likeness
from faces.recognition.impostors import Impostors, impostors_of
from tests.photos.libraries import person


@pytest.fixture(scope="module")
def impostors() -> Impostors:
    model = impostors_of("sface-int8, mirrored")
    assert model is not None
    return model


def test_no_faces_make_no_groups(impostors: Impostors) -> None:
    scores = Scores.of(impostors, np.zeros((0, 128), np.float32))
    assert len(group(scores, [])) == len(likeness(scores, np.zeros(0, np.intp))) == 0


def test_people_are_groups_and_strangers_are_alone(impostors: Impostors) -> None:
    embeddings = np.concatenate([person(0, 5), person(1, 4), person(2, 1), person(3, 1)])
    scores = Scores.of(impostors, embeddings)
    labels = group(scores, [Known() for _ in embeddings])
    assert [len(set(labels[:5])), len(set(labels[5:9])), len(set(labels))] == [1, 1, 4]
    alike = likeness(scores, labels)
    assert alike[:9].min() > scores.limit(0.001) * grouping.SHARED**0.5
    assert np.isnan(alike[9:]).all()


def test_the_mean_similarity_of_groups_is_that_of_all_their_pairs(impostors: Impostors) -> None:
    embeddings = person(0, 6)
    scores = Scores.of(impostors, embeddings)
    alike = likeness(scores, np.zeros(6, np.intp))
    pairs = embeddings @ embeddings.T - (scores.crowding[:, None] + scores.crowding) / 2
    expected = (pairs.sum(axis=1) - np.diag(pairs)) / 5
    assert np.allclose(alike, (expected - impostors.mean) / impostors.spread, atol=1e-3)


def test_faces_of_one_picture_are_never_one_person(impostors: Impostors) -> None:
    embeddings = person(0, 6, scatter=0.001)
    known = [Known(has={number // 2}, refuses={number // 2}) for number in range(6)]
    labels = group(Scores.of(impostors, embeddings), known)
    assert all(labels[2 * picture] != labels[2 * picture + 1] for picture in range(3))


def test_faces_of_one_track_are_one_person_whatever_they_look_like(impostors: Impostors) -> None:
    embeddings = np.concatenate([person(0, 1), person(1, 1), person(2, 1)])
    labels = group(Scores.of(impostors, embeddings), [Known(["track"]), Known(), Known(["track"])])
    assert labels[0] == labels[2] != labels[1]


def test_two_persons_are_not_merged_and_what_is_refused_stays_out(impostors: Impostors) -> None:
    embeddings = person(0, 4, scatter=0.001)
    known = [Known(person="Ada"), Known(person="Grace"), Known(has={"a"}), Known(refuses={"a"})]
    labels = group(Scores.of(impostors, embeddings), known)
    assert labels[0] != labels[1] and labels[2] != labels[3]


def test_a_stricter_rate_merges_less(impostors: Impostors) -> None:
    embeddings = np.concatenate([person(seed, 6, scatter=0.11) for seed in range(10)])
    scores = Scores.of(impostors, embeddings)
    numbers = [len(set(group(scores, [Known() for _ in embeddings], rate))) for rate in (0.1, 0.001, 1e-9)]
    assert numbers == sorted(numbers) and numbers[0] < numbers[-1]


def test_only_the_most_similar_faces_are_compared(impostors: Impostors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "NEIGHBOURS", 3)
    monkeypatch.setattr(grouping, "BLOCK_SCORES", 100)
    embeddings = unit(person(0, 40, scatter=0.02))
    scores = Scores.of(impostors, embeddings)
    pairs = [pair for first, second, _ in scores.near(4) for pair in zip(first, second, strict=True)]
    assert max(np.bincount([first for first, _ in pairs])) <= 3
    assert len(set(group(scores, [Known() for _ in embeddings]))) == 1
