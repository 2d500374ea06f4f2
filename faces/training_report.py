"""How good a gallery is: every photograph against all others, and who should be looked at again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from faces.classifiers import SHORTLIST
from faces.gallery import Gallery
from faces.images import write_bytes
from faces.people import Indices, People, by_person, closer
from faces.recognizers import FaceRecognizer
from faces.types import Floats

ENOUGH = 3  # photographs a person, from which on more of them change little: docs/accuracy.md
ROWS = 10  # of a list, for people to read; the file has all

# Comparisons of a photograph with a person. In a larger gallery some photographs stand for all: as many as this allows.
COMPARISONS = 50_000_000
AT_LEAST = 1000
AT_ONCE = 2**22  # bounds memory


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A photograph that would be given somebody else's name: is it in the wrong folder, or one person in two?

    distance: to the other photographs of its own person; None when there are none. other_distance: to ``looks_like``.
    """

    photograph: str
    person: str
    distance: float | None
    looks_like: str
    other_distance: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many of a person's photographs are closest to somebody else."""

    person: str
    taken_for: str
    photographs: int


@dataclass(frozen=True, slots=True)
class TooFew:
    """Somebody of fewer than ``ENOUGH`` photographs."""

    person: str
    photographs: int


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What leaving out one photograph after the other says of a gallery and a threshold.

    compared: photographs that were, all or a random sample. left_out: those of them whose person has others, and so
    ``right``, ``wrong`` or ``unknown`` without it. The rest is ordered, what matters most first.
    """

    people: int
    photographs: int
    classifier: str
    threshold: float
    threshold_origin: str
    compared: int
    left_out: int
    right: int
    wrong: int
    unknown: int
    confused: tuple[Confusion, ...]
    lookalikes: tuple[Lookalike, ...]
    too_few: tuple[TooFew, ...]

    def save(self, path: Path) -> None:
        """Write it as JSON. Raises FacesError."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        write_bytes(path, text.encode("utf-8", "backslashreplace") + b"\n")  # of a path that is no text: JSON's escape

    def lines(self) -> list[str]:
        """It in short, for people: a single line where all is well."""
        return [
            self._leave_one_out(),
            *_listed(
                "people most often confused:",
                [f"{one.person} with {one.taken_for}: {_photographs(one.photographs)}" for one in self.confused],
            ),
            *_listed(
                "photographs that look like somebody else (in the wrong folder?):",
                [
                    f"{one.photograph}: {one.person}{'' if one.distance is None else f' at {one.distance:.3f}'},"
                    f" {one.looks_like} at {one.other_distance:.3f}"
                    for one in self.lookalikes
                ],
            ),
            *_listed(
                f"people with fewer than {ENOUGH} photographs, who are missed more often:",
                [f"{one.person}: {one.photographs}" for one in self.too_few],
            ),
        ]

    def _leave_one_out(self) -> str:
        if not self.left_out:
            return "leaving one photograph out: nobody has another one to be known by"
        shares = (
            f"{count / self.left_out:.1%} {what}"
            for count, what in ((self.right, "right"), (self.wrong, "wrong"), (self.unknown, "unknown"))
        )
        some = "a random " if self.compared < self.photographs else ""
        return f"leaving one photograph out: {', '.join(shares)} (of {some}{_photographs(self.left_out)})"


def report(gallery: Gallery, recognizer: FaceRecognizer) -> TrainingReport:
    """Compare a gallery's photographs with each other, by the distance that decides, whatever the classifier.

    gallery: that the recognizer was trained on. A photograph is right when its person's other photographs are closest,
    and within the threshold. Of everybody else, those are looked at whose centres are closest.
    """
    people, threshold = recognizer.people_, recognizer.threshold_
    names = recognizer.names_.tolist()
    order = by_person(gallery.names)[1]
    rows = _some(people)
    own = _own_distance(people, rows)
    other, other_distance = _closest_other(people, rows)
    person = people.owner[rows]

    judged = np.isfinite(own)
    closest_is_other = judged & (other_distance < own)
    within = np.minimum(own, other_distance) <= threshold.distance
    lookalike = (other_distance < own) & (other_distance <= threshold.distance)
    pairs = Counter(zip(person[closest_is_other].tolist(), other[closest_is_other].tolist(), strict=True))
    counts = people.counts
    return TrainingReport(
        people=len(people),
        photographs=len(gallery),
        classifier=recognizer.classifier_,
        threshold=threshold.distance,
        threshold_origin=threshold.origin,
        compared=len(rows),
        left_out=int(judged.sum()),
        right=int((judged & ~closest_is_other & within).sum()),
        wrong=int((closest_is_other & within).sum()),
        unknown=int((judged & ~within).sum()),
        confused=tuple(Confusion(names[a], names[b], number) for (a, b), number in pairs.most_common()),
        lookalikes=tuple(
            Lookalike(
                gallery.paths[order[rows[k]]] if gallery.paths else f"photograph {order[rows[k]] + 1}",
                names[person[k]],
                round(float(own[k]), 3) if judged[k] else None,
                names[other[k]],
                round(float(other_distance[k]), 3),
            )
            for k in np.flatnonzero(lookalike)[np.argsort(other_distance[lookalike], kind="stable")]
        ),
        too_few=tuple(
            TooFew(names[k], int(counts[k])) for k in np.argsort(counts, kind="stable") if counts[k] < ENOUGH
        ),
    )


def _some(people: People) -> Indices:
    """The photographs to compare: all, or in a large gallery a random sample, the same one each time."""
    number = max(AT_LEAST, COMPARISONS // len(people))
    if number >= len(people.embeddings):
        return np.arange(len(people.embeddings))
    return np.sort(np.random.default_rng(0).choice(len(people.embeddings), number, replace=False))


def _own_distance(people: People, rows: Indices) -> Floats:
    """float32 (N,): the distance of photographs to their person's others, as ``People.distance``; infinite if none."""
    person, photographs = people.owner[rows], people.embeddings[rows]
    counts = people.counts[person]
    their_rows, first = people.photographs(person)
    gap = people.embeddings[their_rows] - np.repeat(photographs, counts, axis=0)
    to_each = np.where(their_rows == np.repeat(rows, counts), np.inf, np.linalg.norm(gap, axis=1))
    others = np.maximum(counts - 1, 1)
    # Without x, the centre c of n is (n c - x) / (n - 1), which is n / (n - 1) times as far from x as c.
    to_centre = np.linalg.norm(photographs - people.centres[person], axis=1) * counts / others
    return np.asarray((to_centre + np.minimum.reduceat(to_each, first)) / 2 / closer(others), np.float32)


def _closest_other(people: People, rows: Indices) -> tuple[Indices, Floats]:
    """For photographs (N,), the closest person (N,) who is not theirs, and the distance (N,); infinite if none."""
    other, distance = np.zeros(len(rows), np.intp), np.full(len(rows), np.inf, np.float32)
    step = max(1, AT_ONCE // len(people))
    for start in range(0, len(rows) if len(people) > 1 else 0, step):
        some = rows[start : start + step]
        person, photographs = people.owner[some], people.embeddings[some]
        similarity = photographs @ people.centres.T
        similarity[np.arange(len(some)), person] = -np.inf
        few, apart = people.closest(similarity, photographs, SHORTLIST)
        apart = np.where(few == person[:, None], np.inf, apart)
        best = apart.argmin(axis=1)[:, None]
        other[start : start + step] = np.take_along_axis(few, best, axis=1)[:, 0]
        distance[start : start + step] = np.take_along_axis(apart, best, axis=1)[:, 0]
    return other, distance


def _photographs(number: int) -> str:
    return "1 photograph" if number == 1 else f"{number:,} photographs"


def _listed(title: str, rows: Sequence[str]) -> list[str]:
    """A title and its first rows, indented; nothing where there are none."""
    more = [f"and {len(rows) - ROWS:,} more"] if len(rows) > ROWS else []
    return [title, *(f"  {row}" for row in [*rows[:ROWS], *more])] if rows else []
