"""How good a gallery is: every photograph against all others, and who should be looked at again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from faces.files.writing import write_bytes
from faces.recognition.classifiers import SHORTLIST
from faces.recognition.distances import AT_ONCE as FETCHED_AT_ONCE
from faces.recognition.distances import Indices, People, by_person, closer, euclidean
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Floats

ENOUGH = 3  # photographs a person, from which on more of them change little: docs/accuracy.md
ROWS = 10  # of a list, for people to read; the file has all

# Comparisons of a photograph with a person or photograph: about a second. In a larger gallery some photographs stand
# for all, as many as this allows.
COMPARISONS = 100_000_000
FETCHED = 16  # comparisons with everything in order cost as much as one that has to fetch what it is with
AT_LEAST = 1000
AT_ONCE = 2**23  # of them: bounds memory


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
    and within the threshold.
    """
    people, threshold = recognizer.people_, recognizer.threshold_
    names = recognizer.names_.tolist()
    order = by_person(gallery.names)[1]
    rows = _some(people)
    own, other, other_distance = _compare(people, rows)
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
    photographs = len(people.embeddings)
    number = max(AT_LEAST, int(COMPARISONS / min(_fetching(people), photographs)))
    if number >= photographs:
        return np.arange(photographs)
    return np.sort(np.random.default_rng(0).choice(photographs, number, replace=False))


def _fetching(people: People) -> float:
    """What comparing a photograph with everyone's centre, and with the photographs of the few who come into question,
    takes, in comparisons."""
    own, theirs = (people.counts**2).sum() / len(people.embeddings), SHORTLIST * people.counts.mean()
    return float(len(people) + FETCHED * (own + theirs))


def _compare(people: People, rows: Indices) -> tuple[Floats, Indices, Floats]:
    """For photographs (N,), the distances of ``People.distance``: (N,) to their person's other photographs, infinite if
    there are none, and the closest person (N,) who is not theirs with the distance (N,) to them, infinite if none."""
    if _fetching(people) < len(people.embeddings):
        return _own_distance(people, rows), *_closest_other(people, rows)
    return _compare_with_all(people, rows)


def _compare_with_all(people: People, rows: Indices) -> tuple[Floats, Indices, Floats]:
    """``_compare``, with every photograph."""
    own, distance = np.zeros((2, len(rows)), np.float32)
    other = np.zeros(len(rows), np.intp)
    step = max(1, AT_ONCE // len(people.embeddings))
    for block in (slice(start, start + step) for start in range(0, len(rows), step)):
        some = rows[block]
        person, each = people.owner[some], np.arange(len(some))
        to_photographs = euclidean(people.embeddings[some], people.embeddings)
        to_photographs[each, some] = np.inf
        nearest = np.minimum.reduceat(to_photographs, people.starts, axis=1)
        to_centre = euclidean(people.embeddings[some], people.centres)
        # Without x, the centre c of n is (n c - x) / (n - 1), which is n / (n - 1) times as far from x as c.
        others = np.maximum(people.counts[person] - 1, 1)
        to_own_centre = to_centre[each, person] * people.counts[person] / others
        own[block] = (to_own_centre + nearest[each, person]) / 2 / closer(others)
        to_everyone = (to_centre + nearest) / 2 / people.closer
        to_everyone[each, person] = np.inf
        other[block] = to_everyone.argmin(axis=1)
        distance[block] = to_everyone[each, other[block]]
    return own, other, distance


def _own_distance(people: People, rows: Indices) -> Floats:
    """float32 (N,): the distance of photographs to their person's others, as ``People.distance``; infinite if none."""
    if len(rows) > (step := max(1, FETCHED_AT_ONCE // int(people.counts.max()))):
        parts = (rows[start : start + step] for start in range(0, len(rows), step))
        return np.concatenate([_own_distance(people, part) for part in parts])
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
