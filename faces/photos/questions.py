"""Which questions to ask, and in which order: first those whose answers are expected to settle most faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from faces.photos.grouping import SHARED, Known, Scores
from faces.photos.knowledge import known_of
from faces.photos.library import Library
from faces.photos.records import IGNORED, POOR
from faces.recognition.impostors import impostors_of
from faces.types import Floats

WHO, IS_IT = "who", "is it"
ALIKE, SCATTER = 6.3, 1.15  # normalized similarity of photographs of one person, and its deviation (benchmarks)
LEAST = 0.1  # probability below which nobody is asked whether a face is a person's
BLOCK_SCORES = 2**22  # similarities that are computed together: bounds memory


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask.

    kind: ``WHO``: who are the faces of ``group``? ``IS_IT``: is ``face``, which has no group, ``person``?
    settles: number of faces that an answer is expected to settle.
    person, probability: who it most likely is, and how likely; "" and 0 if it is like nobody who has a name.
    """

    kind: str
    settles: float
    group: int | None = None
    face: int | None = None
    person: str = ""
    probability: float = 0.0


@dataclass(slots=True)
class _Unit:
    """A group, or a face without one; rows: of its faces. person: empty if it has no name."""

    group: int | None
    person: str
    rows: list[int] = field(default_factory=list)
    known: Known = field(default_factory=Known)


def questions(library: Library, most: int | None = None) -> list[Question]:
    """Return the questions that are open, those first whose answers are expected to settle most faces.

    An answer about a group settles all its faces. A face alone is settled if it is the person whom it is most like, so
    it is expected to settle as many faces as that is probable.
    most: at most so many.
    """
    units, scores, ids = _read(library)
    if scores is None:
        return []
    means, crowding = _means(units, scores)
    named = [at for at, unit in enumerate(units) if unit.person]
    unknown = [at for at, unit in enumerate(units) if not unit.person]
    guesses = _guesses(units, unknown, named, scores, means, crowding)
    asked = []
    for at, (guess, probability) in zip(unknown, guesses, strict=True):
        unit, person = units[at], units[guess].person if probability >= LEAST else ""
        if unit.group is not None:
            asked.append(Question(WHO, float(len(unit.rows)), unit.group, None, person, probability * bool(person)))
        elif person:
            asked.append(Question(IS_IT, probability, None, ids[unit.rows[0]], person, probability))
    asked.sort(key=lambda question: (-question.settles, question.group or 0, question.face or 0))
    return asked[:most]


def _read(library: Library) -> tuple[list[_Unit], Scores | None, list[int]]:
    rows = library.query(
        "SELECT faces.id, sha256, time, group_id, people.name, embedding FROM faces LEFT JOIN groups"
        " ON groups.id = group_id LEFT JOIN people ON people.id = groups.person"
        " WHERE quality > 0 AND status NOT IN (?, ?) ORDER BY faces.id",
        *(IGNORED, POOR),
    )
    fingerprint = library.fingerprint
    impostors = impostors_of(fingerprint.embedder) if fingerprint else None
    if not rows or impostors is None:
        return [], None, []
    ids = [row["id"] for row in rows]
    units: dict[object, _Unit] = {}
    for at, (row, known) in enumerate(zip(rows, known_of(library, ids), strict=True)):
        key = row["group_id"] or ("face", row["id"])
        unit = units.setdefault(key, _Unit(row["group_id"], row["name"] or ""))
        unit.rows.append(at)
        known.has.add((row["sha256"], row["time"]))
        known.refuses.add((row["sha256"], row["time"]))
        unit.known.take(known)
    for unit in units.values():
        unit.known.has |= {("is", unit.person)} if unit.person else set()
    embeddings = np.stack([np.frombuffer(row["embedding"], np.float32) for row in rows])
    return list(units.values()), Scores.of(impostors, embeddings), ids


def _means(units: Sequence[_Unit], scores: Scores) -> tuple[Floats, Floats]:
    means = np.stack([scores.embeddings[unit.rows].mean(axis=0) for unit in units])
    return means, np.array([scores.crowding[unit.rows].mean() for unit in units], np.float32)


def _guesses(
    units: Sequence[_Unit],
    unknown: Sequence[int],
    named: Sequence[int],
    scores: Scores,
    means: Floats,
    crowding: Floats,
) -> list[tuple[int, float]]:
    """Return for each unknown unit the named one that it most likely is, -1 for none, and the probability.

    It is that of two normal distributions, where each named person is as probable before as there are named people.
    """
    if not named:
        return [(-1, 0.0)] * len(unknown)
    sizes = np.array([len(unit.rows) for unit in units])
    guesses = []
    for start in range(0, len(unknown), step := max(1, BLOCK_SCORES // len(named))):
        block = list(unknown[start : start + step])
        similarity = means[block] @ means[named].T - (crowding[block][:, None] + crowding[named]) / 2
        value = scores.normalized(np.asarray(similarity, np.float32)).astype(np.float64)
        spread = np.sqrt(SHARED + (1 - SHARED) / (sizes[block][:, None] * sizes[named]))
        same = np.exp(-(((np.minimum(value, ALIKE) - ALIKE) / SCATTER) ** 2) / 2) / SCATTER
        other = np.exp(-((value / spread) ** 2) / 2) / spread
        probability = same / (same + len(named) * other)
        for row, at in enumerate(block):
            order = np.argsort(-probability[row])
            possible = (k for k in order[:10] if not units[at].known.conflicts(units[named[k]].known))
            best = next(possible, None)
            guesses.append((-1, 0.0) if best is None else (named[best], float(probability[row, best])))
    return guesses
