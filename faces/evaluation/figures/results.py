"""What an evaluation finds: figures with their intervals, and the distances that they follow from.

Distances are Euclidean, between embeddings of unit length, or as ``FaceRecognizer.distances``: lower is closer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.metrics.intervals import wilson
from faces.types import Fingerprint, Floats

Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]

FARS = (1e-2, 1e-3, 1e-4)
FPIRS = (1e-2, 1e-3)
RANKS = (1, 5)
NEVER = 2**31 - 1  # the rank of a probe whose person cannot be found


@dataclass(frozen=True, slots=True)
class Share:
    """Part of ``count`` cases, and its 95 % interval; NaN, from 0 to 1, where there are none."""

    value: float
    count: int
    low: float
    high: float

    @classmethod
    def of(cls, part: int, count: int) -> Share:
        """The interval is Wilson's."""
        value = part / count if count else float("nan")
        return cls(value, count, *wilson(value, count))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure that is no share of anything, and its 95 % interval, by bootstrap."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same share of K splits of the data."""

    splits: tuple[Share, ...]

    @classmethod
    def passing(cls, points: Sequence[AtRate]) -> Repeated:
        """Who passes at one rate, of each split; of none where one has too few to tell."""
        told = tuple(point.passing for point in points if point.passing is not None)
        return cls(told if len(told) == len(points) else ())

    @property
    def mean(self) -> float:
        """NaN where there is no split, or nothing in one."""
        return float(np.mean([share.value for share in self.splits])) if self.splits else float("nan")

    @property
    def deviation(self) -> float | None:
        """The standard deviation between splits; None of one."""
        return float(np.std([share.value for share in self.splits], ddof=1)) if len(self.splits) > 1 else None


@dataclass(frozen=True, slots=True)
class AtRate:
    """A threshold that lets in no more than a share ``rate`` of those who are somebody else, and who then passes.

    rate: of pairs of different people (FAR), or of strangers who are given a name (FPIR).
    threshold, passing: None where there are fewer than 1 / ``rate`` of them: too few to tell.
    """

    rate: float
    others: int
    threshold: float | None
    passing: Share | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Everything that a threshold can trade, from the strictest to the loosest.

    threshold, false, true: float64 (K,), ascending: shares of those who are somebody else, and of those who are not,
    within the threshold. The first is -inf, the last lets in all who have a face.
    """

    threshold: Numbers
    false: Numbers
    true: Numbers


@dataclass(frozen=True, slots=True)
class Mistake:
    """An error, with the photographs that show it.

    what: in words. other: the pair's other photograph, or the closest one enrolled of the person who was taken for the
    right one, or should have been. distance: inf where no face was found.
    """

    what: str
    photograph: Path
    other: Path | None
    distance: float


@dataclass(frozen=True, slots=True)
class Verification:
    """Are two photographs of one person? N pairs.

    first, second: N paths each. distance: float32 (N,), inf where a face was not found. same: bool (N,), the truth.
    fold: intp (N,), from 0, or None. right: bool (N,), whether each was told right, by a threshold that it had no
    say in where there are folds.
    accuracy: the mean of the folds, its interval as if of all pairs. error: its standard error over folds, or None.
    thresholds: one of each fold, or the best one of all.
    tar: at each of ``FARS``. no_face: photographs. missing: pairs with one of them: each is an error, whatever
    the truth, unless ``skipped``, when they are none of the N.
    mistakes: the worst errors, the farthest from the threshold first.
    seconds: for a photograph, the median of some, one by one; None where it was not measured.
    """

    name: str
    first: tuple[Path, ...]
    second: tuple[Path, ...]
    distance: Floats
    same: Flags
    fold: Indices | None
    right: Flags
    accuracy: Share
    error: float | None
    thresholds: tuple[float, ...]
    auc: Estimate
    eer: Estimate
    tar: tuple[AtRate, ...]
    no_face: tuple[Path, ...]
    missing: int
    skipped: bool
    mistakes: tuple[Mistake, ...]
    fingerprint: Fingerprint | None = None
    seconds: float | None = None

    @property
    def counted(self) -> Floats:
        """float32 (N,): distances in which a pair with a missing face is an error at any threshold: it is inf of one
        person and -inf of two."""
        return np.where(np.isfinite(self.distance) | self.same, self.distance, np.float32(-np.inf))


@dataclass(frozen=True, slots=True)
class Search:
    """One gallery, and who N probes and S strangers are taken for in it.

    people: P names, sorted. enrolled: M paths of their photographs, person after person, with ``embeddings`` float32
    (M, D) and ``owner`` intp (M,), whose each is; none of the paths where a recognizer does not know them.
    probes: N paths. truth: N names, which need not be in ``people``, when nobody's face was found to enrol.
    rank: intp (N,), how many people are closer than the right one; ``NEVER`` where there is no face, or they are not
    enrolled.
    nearest: N, the closest person's name, None where there is no face. said: N, the name that the recognizer gives,
    None for unknown. genuine: float32 (N,), the distance to the right person. distance: float32 (N,), to the nearest;
    inf where there is none.
    strangers: S paths. stranger_nearest, stranger_said, stranger_distance: the same of them. held_out: how many of
    the last of them are probes, each as if its person were not enrolled.
    threshold: of the recognizer, which ``--fpir`` chose.
    """

    people: tuple[str, ...]
    enrolled: tuple[Path, ...]
    owner: Indices
    embeddings: Floats
    probes: tuple[Path, ...]
    truth: tuple[str, ...]
    rank: Indices
    nearest: tuple[str | None, ...]
    said: tuple[str | None, ...]
    genuine: Floats
    distance: Floats
    strangers: tuple[Path, ...]
    stranger_nearest: tuple[str | None, ...]
    stranger_said: tuple[str | None, ...]
    stranger_distance: Floats
    held_out: int
    threshold: float


@dataclass(frozen=True, slots=True)
class PersonScore:
    """How one person fares at the recognizer's threshold, over all splits.

    recall: of their probes, given their name. precision: of all who were given their name, strangers too, themselves.
    """

    person: str
    recall: Share
    precision: Share


@dataclass(frozen=True, slots=True)
class Confusion:
    """The people of most errors (K), and who they are taken for. counts: intp (K, K + 2), rows the truth; the last
    two columns are everybody else, and unknown."""

    people: tuple[str, ...]
    counts: Indices


@dataclass(frozen=True, slots=True)
class Identification:
    """Who is this, or nobody of those enrolled? Of one or more splits.

    ranks: at each of ``RANKS``, by the closest alone. tpir: at each of ``FPIRS``, of each split.
    right, wrong, unknown: of the probes, and strangers_named, at the recognizer's threshold.
    cmc: float64 (R,), share of the probes whose person is among the 1, 2, ... R closest, the mean of the splits.
    curve: TPIR by FPIR, of all splits together.
    no_face: photographs without one, of gallery, probes and strangers. unenrolled: people, none of whose
    photographs has a face: all their probes are errors. skipped: whether probes without a face were left out; else
    they are errors. Strangers without one are left out always: they cannot be named.
    """

    name: str
    searches: tuple[Search, ...]
    fpir: float
    ranks: tuple[Repeated, ...]
    tpir: tuple[tuple[AtRate, ...], ...]
    right: Repeated
    wrong: Repeated
    unknown: Repeated
    strangers_named: Repeated
    persons: tuple[PersonScore, ...]
    confusion: Confusion
    cmc: Numbers
    curve: Curve
    no_face: tuple[Path, ...]
    unenrolled: tuple[str, ...]
    skipped: bool
    mistakes: tuple[Mistake, ...]
    fingerprint: Fingerprint | None = None
    seconds: float | None = None
