"""Choose a person's face in photographs that show several faces about as large: the one on their other photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np

from faces.enrolment import Enrolment
from faces.models.zoo import operating_points
from faces.recognition.thresholds import STRICT_FAR, distance_at
from faces.types import Floats

ONLY = "several faces of similar size, and no other photograph tells which is the person's: add one of them alone"
UNLIKE = "several faces, and none is like those on this person's photographs with one face"
UNDECIDED = (ONLY, UNLIKE)  # why a photograph with several faces is left out; other photographs may decide it later
CHOSEN = "several faces of similar size: the one on the person's other photographs is taken"


def choose(persons: Sequence[str], enrolments: Sequence[Enrolment], embedder: str) -> list[Enrolment]:
    """Return the enrolments, those with rivals with the face of their person instead, or with the reason why not.

    Where there are photographs with one face, it is the face that is like the most of them. Else it is the face that is
    on more of the person's photographs than any face beside it.

    persons: N names, of whom each photograph is.
    enrolments: N; all of the persons who have photographs with rivals.
    embedder: its name, which tells up to which distance two faces are one person's. If that is not known, all are, and
        the face closest to a photograph with one face is taken.
    """
    points = operating_points(embedder)
    limit = distance_at(points, STRICT_FAR, points[0].threshold if points else inf)
    decided = list(enrolments)
    theirs: dict[str, list[int]] = {}
    for row, person in enumerate(persons):
        theirs.setdefault(person, []).append(row)
    for rows in theirs.values():
        several = {row: _embeddings(enrolments[row], *enrolments[row].rivals) for row in rows if enrolments[row].rivals}
        if not several:
            continue
        alone = _embeddings(*(enrolments[row] for row in rows if row not in several and not enrolments[row].chosen))
        for row, faces in several.items():
            if len(alone):
                at = _most_alike(faces, alone, limit)
            else:
                at = _seen_most(faces, [others for other, others in several.items() if other != row], limit)
            whole = enrolments[row]
            if at is None:
                decided[row] = Enrolment(sha256=whole.sha256, reason=UNLIKE if len(alone) else ONLY)
            else:
                decided[row] = replace((whole, *whole.rivals)[at], rivals=(), chosen=True)
    return decided


def _most_alike(faces: Floats, alone: Floats, limit: float) -> int | None:
    """Return which of F faces is like the most of the others, and of two the closer one; None if none is."""
    distances = _distances(faces, alone)
    alike = (distances <= limit).sum(axis=1)
    return int(np.lexsort((distances.min(axis=1), -alike))[0]) if alike.any() else None


def _seen_most(faces: Floats, others: list[Floats], limit: float) -> int | None:
    """Return which of F faces is on the most of the other photographs; None if two or more are on as many."""
    seen = sum((_distances(faces, rows).min(axis=1) <= limit for rows in others), np.zeros(len(faces)))
    most = np.flatnonzero(seen == seen.max())
    return int(most[0]) if len(most) == 1 else None


def _distances(first: Floats, second: Floats) -> Floats:
    """Return the Euclidean distances between N and M embeddings of unit length: float32 (N, M)."""
    return np.asarray(np.sqrt(np.maximum(2 - 2 * first @ second.T, 0)), np.float32)


def _embeddings(*enrolments: Enrolment) -> Floats:
    """Return the embeddings of those that have one: float32 (N, D)."""
    rows = [enrolment.embedding for enrolment in enrolments if enrolment.embedding is not None]
    return np.stack(rows) if rows else np.zeros((0, 0), np.float32)
