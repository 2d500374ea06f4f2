"""Test a gallery by leaving out one photograph after the other: ``measure``."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from faces.recognition.classifiers import SHORTLIST
from faces.recognition.distances import Indices, People, by_person, closer, euclidean, nearest_other
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.recognition.report import ENOUGH_PHOTOGRAPHS, ConfusedPeople, Lookalike, TooFew, TrainingReport, Unlike
from faces.types import Floats

# Comparisons of a photograph with a person or a photograph that take about a second. In a larger gallery, a random
# sample of photographs is tested: as many as this allows.
COMPARISONS = 100_000_000
GATHER_COST = 16  # comparing with gathered rows costs as much as so many comparisons with rows in order
LEAST_SAMPLE = 1000  # photographs
BLOCK_COMPARISONS = 2**23  # computed together: bounds memory


def measure(gallery: Gallery, recognizer: FaceRecognizer) -> TrainingReport:
    """Compare each photograph of a gallery with all others, by the distance that decides, whatever the classifier.

    A photograph is right when its person's other photographs are the closest, and within the threshold.

    gallery: the one that the recognizer was trained on.
    """
    threshold = recognizer.threshold_
    people = People.of(recognizer.people_.embeddings, recognizer.people_.starts)  # each photograph counts
    names = recognizer.names_.tolist()
    rows = _sample(people)
    own, other, other_distance = _compare(people, rows)
    person, embeddings = people.owner[rows], people.embeddings[rows]
    own = own * recognizer.scale(embeddings, person)
    other_distance = other_distance * recognizer.scale(embeddings, other)

    left_out = np.isfinite(own)
    closest_is_other = left_out & (other_distance < own)
    within = np.minimum(own, other_distance) <= threshold.distance
    pairs = Counter(zip(person[closest_is_other].tolist(), other[closest_is_other].tolist(), strict=True))
    lookalike = (other_distance < own) & (other_distance <= threshold.distance)
    unlike = left_out & (own > threshold.distance)
    return TrainingReport(
        people=len(people),
        photographs=len(gallery),
        classifier=recognizer.classifier_,
        threshold=threshold.distance,
        threshold_origin=threshold.origin,
        compared=len(rows),
        left_out=int(left_out.sum()),
        right=int((left_out & ~closest_is_other & within).sum()),
        wrong=int((closest_is_other & within).sum()),
        unknown=int((left_out & ~within).sum()),
        confused=tuple(ConfusedPeople(names[a], names[b], number) for (a, b), number in pairs.most_common()),
        lookalikes=_lookalikes(
            gallery, names, rows[lookalike], own[lookalike], other[lookalike], other_distance[lookalike]
        ),
        unlike=_unlike(gallery, names, rows[unlike], own[unlike]),
        too_few=tuple(
            TooFew(names[k], int(people.counts[k]))
            for k in np.argsort(people.counts, kind="stable")
            if people.counts[k] < ENOUGH_PHOTOGRAPHS
        ),
    )


def _lookalikes(
    gallery: Gallery, names: list[str], rows: Indices, own: Floats, other: Indices, other_distance: Floats
) -> tuple[Lookalike, ...]:
    """Return the photographs in ``rows`` (N,) with the distances (N,) to their own and the other person, closest first.

    rows: in the order of ``People``.
    """
    photographs, person = _named(gallery, rows)
    return tuple(
        Lookalike(
            photograph=photographs[k],
            person=names[person[k]],
            distance=round(float(own[k]), 3) if np.isfinite(own[k]) else None,
            looks_like=names[other[k]],
            other_distance=round(float(other_distance[k]), 3),
        )
        for k in np.argsort(other_distance, kind="stable")
    )


def _unlike(gallery: Gallery, names: list[str], rows: Indices, own: Floats) -> tuple[Unlike, ...]:
    """Return the photographs in ``rows`` (N,) with the distances (N,) to their person's others, farthest first."""
    photographs, person = _named(gallery, rows)
    return tuple(
        Unlike(photographs[k], names[person[k]], round(float(own[k]), 3)) for k in np.argsort(-own, kind="stable")
    )


def _named(gallery: Gallery, rows: Indices) -> tuple[list[str], Indices]:
    """Return the paths of photographs in ``rows`` (N,), in the order of ``People``, and the persons (N,)."""
    _, order, starts = by_person(gallery.names)
    place = order[rows]
    paths = [gallery.paths[k] if gallery.paths else f"photograph {k + 1}" for k in place]
    return paths, np.searchsorted(starts, rows, side="right") - 1


def _sample(people: People) -> Indices:
    """Return the photographs to test: all, or of a large gallery a random sample, the same one each time."""
    photographs = len(people.embeddings)
    number = max(LEAST_SAMPLE, int(COMPARISONS / min(_shortlist_cost(people), photographs)))
    if number >= photographs:
        return np.arange(photographs)
    return np.sort(np.random.default_rng(0).choice(photographs, number, replace=False))


def _shortlist_cost(people: People) -> float:
    """Return the cost, in comparisons, of comparing a photograph with all centres and a shortlist's photographs."""
    own, others = (people.counts**2).sum() / len(people.embeddings), SHORTLIST * people.counts.mean()
    return float(len(people) + GATHER_COST * (own + others))


def _compare(people: People, rows: Indices) -> tuple[Floats, Indices, Floats]:
    """Compare photographs (N,) with their own person's others and with the closest other person.

    Returns the distance (N,) to the own person, infinite without other photographs, the closest other person (N,), and
    the distance (N,) to them, infinite without one. Distances are those of ``People.distance``.
    """
    if _shortlist_cost(people) < len(people.embeddings):
        return _own_distance(people, rows), *_closest_other(people, rows)
    return _compare_with_all(people, rows)


def _compare_with_all(people: People, rows: Indices) -> tuple[Floats, Indices, Floats]:
    """Do the work of ``_compare`` with every photograph."""
    own, distance = np.zeros((2, len(rows)), np.float32)
    other = np.zeros(len(rows), np.intp)
    step = max(1, BLOCK_COMPARISONS // len(people.embeddings))
    for block in (slice(start, start + step) for start in range(0, len(rows), step)):
        photographs = rows[block]
        person, each = people.owner[photographs], np.arange(len(photographs))
        to_photographs = euclidean(people.embeddings[photographs], people.embeddings)
        to_photographs[each, photographs] = np.inf
        nearest = np.minimum.reduceat(to_photographs, people.starts, axis=1)
        to_centre = euclidean(people.embeddings[photographs], people.centres)
        others = np.maximum(people.counts[person] - 1, 1)
        to_own_centre = _without_itself(to_centre[each, person], people.counts[person])
        own[block] = (to_own_centre + nearest[each, person]) / 2 / closer(others)
        to_everyone = (to_centre + nearest) / 2 / people.closer
        to_everyone[each, person] = np.inf
        other[block] = to_everyone.argmin(axis=1)
        distance[block] = to_everyone[each, other[block]]
    return own, other, distance


def _own_distance(people: People, rows: Indices) -> Floats:
    """Return the distance float32 (N,) of photographs to their person's others, infinite without any."""
    person = people.owner[rows]
    to_centre = np.linalg.norm(people.embeddings[rows] - people.centres[person], axis=1)
    counts = people.counts[person]
    distance = (_without_itself(to_centre, counts) + nearest_other(people, rows)) / 2
    return np.asarray(distance / closer(np.maximum(counts - 1, 1)), np.float32)


def _without_itself(to_centre: NDArray[np.floating], counts: Indices) -> NDArray[np.floating]:
    """Return the distance (N,) of photographs to their person's centre, had they not been part of it.

    Without x, the centre c of n is (n c - x) / (n - 1), which is n / (n - 1) times as far from x as c.
    """
    return to_centre * counts / np.maximum(counts - 1, 1)


def _closest_other(people: People, rows: Indices) -> tuple[Indices, Floats]:
    """Return the closest other person (N,) of photographs (N,), and the distance (N,), infinite without one."""
    other, distance = np.zeros(len(rows), np.intp), np.full(len(rows), np.inf, np.float32)
    step = max(1, BLOCK_COMPARISONS // len(people))
    for start in range(0, len(rows) if len(people) > 1 else 0, step):
        block = rows[start : start + step]
        person, photographs = people.owner[block], people.embeddings[block]
        similarity = photographs @ people.centres.T
        similarity[np.arange(len(block)), person] = -np.inf
        shortlist, distances = people.closest(similarity, photographs, SHORTLIST)
        distances = np.where(shortlist == person[:, None], np.inf, distances)
        best = distances.argmin(axis=1)[:, None]
        other[start : start + step] = np.take_along_axis(shortlist, best, axis=1)[:, 0]
        distance[start : start + step] = np.take_along_axis(distances, best, axis=1)[:, 0]
    return other, distance
