"""False match rates among all photographs of a group, with intervals that resample people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from faces.datasets import folder_of
from faces.evaluation.figures.results import Verification
from faces.evaluation.figures.shares import Indices, Numbers
from faces.evaluation.photographs import Photographs
from faces.metrics.groups import Group
from faces.metrics.intervals import wilson
from faces.recognition.distances import euclidean
from faces.types import Floats

BATCH_DISTANCES = 2**22  # bounds memory
BOOTSTRAP_SAMPLES = 500


def person_numbers(result: Verification, folders: Sequence[Path], paths: Sequence[Path]) -> Indices | None:
    """Return the index of the person in each of N photographs, intp (N,), if every folder is one person.

    A person's folder is the first one inside one of ``folders``, or else the photograph's own folder. None if the pairs
    of the result contradict this.
    """
    for data_sets in (folders, ()):
        pairs = zip(result.first, result.second, strict=True)
        same_folder = np.array([folder_of(a, data_sets) == folder_of(b, data_sets) for a, b in pairs])
        if (same_folder == result.same).all():
            return np.unique([str(folder_of(path, data_sets)) for path in paths], return_inverse=True)[1]
    return None


def false_matches(photographs: Photographs, owner: Indices, labels: Sequence[str], threshold: float) -> Iterator[Group]:
    """Yield the false match rate of each group: the share of pairs of different people within a threshold.

    owner: intp (N,), the person in each photograph.
    labels: N, the group of each photograph.

    A group's count is of photographs. Its interval comes from a bootstrap over people, since pairs share people.
    """
    label, has_face = np.array(labels), photographs.has_face
    for name in np.unique(label):
        rows = np.flatnonzero(has_face & (label == name))
        people, person, photos = np.unique(owner[rows], return_inverse=True, return_counts=True)
        if len(people) < 2:
            continue
        matches = _matches(photographs.embeddings[rows], person, threshold)
        rng, ones = np.random.default_rng(0), np.ones(len(people))
        samples = rng.multinomial(len(people), ones / len(people), BOOTSTRAP_SAMPLES).astype(np.float64)
        low, high = np.quantile([_rate(weight, photos, *matches) for weight in samples], [0.025, 0.975]).tolist()
        if not len(matches[0]):  # nothing to resample: as many independent pairs as the people can form
            high = wilson(0.0, len(people) // 2)[1]
        yield Group((str(name),), len(rows), _rate(ones, photos, *matches), low, high)


def _rate(weight: Numbers, photos: Indices, first: Indices, second: Indices) -> float:
    """Return the share of matching pairs among P people.

    weight: float64 (P,), how often each person is in the sample.
    photos: intp (P,), photographs of each person.
    first, second: intp (K,), the people of the matching pairs.
    """
    each = weight * photos
    pairs = (each.sum() ** 2 - (each**2).sum()) / 2
    return float((weight[first] * weight[second]).sum() / pairs) if pairs else 0.0


def _matches(embeddings: Floats, owner: Indices, threshold: float) -> tuple[Indices, Indices]:
    """Return the people, intp (K,) twice, of the pairs of different people within a threshold, each pair once."""
    matches: list[tuple[Indices, Indices]] = []
    step = max(1, BATCH_DISTANCES // max(len(embeddings), 1))
    for start in range(0, len(embeddings), step):
        distances = euclidean(embeddings[start : start + step], embeddings)
        rows, columns = np.nonzero(distances <= threshold)
        rows = rows + start
        kept = (columns > rows) & (owner[columns] != owner[rows])
        matches.append((owner[rows[kept]], owner[columns[kept]]))
    first, second = (np.concatenate(each) for each in zip(*matches, strict=True))
    return first, second
