"""Photographs that are unlike the others of their person: somebody else's, in the wrong folder, or bad ones."""

from __future__ import annotations

import numpy as np

from faces.recognition.distances import BLOCK_ROWS, Indices, People
from faces.types import Floats

ENOUGH = 3  # photographs of a person: of two that are unlike each other, neither is known to be the wrong one


def outliers(people: People, limit: float) -> Indices:
    """Return the photographs, rows (N,), that are farther than ``limit`` from every other one of their person.

    Only of people with at least three photographs, and never half or more of a person's.
    """
    rows = np.flatnonzero(people.counts[people.owner] >= ENOUGH)
    far = rows[nearest_other(people, rows) > limit] if len(rows) else rows
    number = np.bincount(people.owner[far], minlength=len(people))
    return far[2 * number[people.owner[far]] < people.counts[people.owner[far]]]


def nearest_other(people: People, rows: Indices) -> Floats:
    """Return the distance of photographs to the nearest other one of their person: float32 (N,), infinite without any.

    rows: (N,).
    """
    if len(rows) > (step := max(1, BLOCK_ROWS // int(people.counts.max()))):
        blocks = (rows[start : start + step] for start in range(0, len(rows), step))
        return np.concatenate([nearest_other(people, block) for block in blocks])
    person = people.owner[rows]
    counts = people.counts[person]
    person_rows, first = people.photographs(person)
    gap = people.embeddings[person_rows] - np.repeat(people.embeddings[rows], counts, axis=0)
    to_each = np.where(person_rows == np.repeat(rows, counts), np.inf, np.linalg.norm(gap, axis=1))
    return np.asarray(np.minimum.reduceat(to_each, first), np.float32)
