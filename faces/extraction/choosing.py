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

ONLY = "several faces, and no other photograph tells whose this is: add one of the person alone"
UNLIKE = "several faces, none like the person's photographs alone"
UNDECIDED = (ONLY, UNLIKE)  # why a photograph with several faces is left out; other photographs may decide it later
CHOSEN = "several faces: the one on the person's other photographs is taken"


def choose(persons: Sequence[str], enrolments: Sequence[Enrolment], embedder: str) -> list[Enrolment]:
    """Return the enrolments, those with rivals with the face of their person instead, or with the reason why not.

    Where there are photographs of the person alone, it is the face closest to one of them. Else it is the face that is
    on more of the person's photographs than any face beside it.

    persons: N names, of whom each photograph is.
    enrolments: N; all of the persons who have photographs with rivals.
    embedder: its name, which tells up to which distance two faces are one person's; if that was not measured, all are.
    """
    limit = distance_at(operating_points(embedder), STRICT_FAR, inf)
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
                at = _closest(faces, alone, limit)
            else:
                at = _seen_most(faces, [others for other, others in several.items() if other != row], limit)
            whole = enrolments[row]
            if at is None:
                decided[row] = Enrolment(sha256=whole.sha256, reason=UNLIKE if len(alone) else ONLY)
            else:
                decided[row] = replace((whole, *whole.rivals)[at], rivals=(), chosen=True)
    return decided


def _closest(faces: Floats, alone: Floats, limit: float) -> int | None:
    """Return which of F faces is the closest to one of the others; None if none is within the limit."""
    nearest = _distances(faces, alone).min(axis=1)
    return int(nearest.argmin()) if nearest.min() <= limit else None


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
