"""The results of an evaluation: figures, and the distances they are computed from.

Lower distances are closer. They are Euclidean distances of unit-length embeddings, or those of
``FaceRecognizer.distances``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.evaluation.figures.shares import AtRate, Curve, Estimate, Flags, Indices, Numbers, Repeated, Share
from faces.types import Fingerprint, Floats

FARS = (1e-2, 1e-3, 1e-4)
FPIRS = (1e-2, 1e-3)
RANKS = (1, 5)
NO_RANK = 2**31 - 1  # the rank of a probe without a face, or whose person is not enrolled


@dataclass(frozen=True, slots=True)
class Mistake:
    """An error and the photographs that show it.

    description: what went wrong.
    other: the pair's second photograph; in identification, the closest enrolled photograph of the person who was named,
        or of the probe's own person if nobody was named.
    distance: inf if no face was found.
    """

    description: str
    photograph: Path
    other: Path | None
    distance: float

    @property
    def photographs(self) -> tuple[Path, ...]:
        """The one or two photographs."""
        return (self.photograph,) if self.other is None else (self.photograph, self.other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of verifying N pairs.

    first, second: N paths each.
    distance: float32 (N,), inf if a face was not found.
    same: bool (N,), the truth.
    fold: intp (N,), from 0, or None without folds.
    right: bool (N,), whether the pair was judged correctly; with folds, at a threshold chosen on the other folds.
    accuracy: mean over the folds; its interval treats all pairs as one sample.
    standard_error: of the accuracy over folds, or None.
    thresholds: one per fold, or the single best one.
    tar: one point for each of ``FARS``.
    no_face: photographs without a face.
    missing: number of pairs with such a photograph. Each counts as an error, unless ``skipped``: then it is not among
        the N.
    mistakes: the worst errors, farthest from the threshold first.
    seconds: median time for a photograph, one at a time; None if not measured.
    """

    name: str
    first: tuple[Path, ...]
    second: tuple[Path, ...]
    distance: Floats
    same: Flags
    fold: Indices | None
    right: Flags
    accuracy: Share
    standard_error: float | None
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
        """Distances that make a missing face an error at any threshold, float32 (N,).

        A pair with a missing face is at inf if it shows one person, and at -inf if it shows two.
        """
        return np.where(np.isfinite(self.distance) | self.same, self.distance, np.float32(-np.inf))


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One gallery of P people, searched for N probes and S strangers.

    people: P names, sorted.
    enrolled: M paths of the gallery's photographs, person after person; empty if the recognizer does not know them.
    owner: intp (M,), the person's index for each photograph.
    embeddings: float32 (M, D).
    probes: N paths.
    truth: N names. A name is not in ``people`` if no face was found in any photograph of the person.
    rank: intp (N,), number of people who are closer than the right one, or ``NO_RANK``.
    nearest: N names of the closest person; None without a face.
    named: N names that the recognizer gives; None for unknown.
    genuine: float32 (N,), distance to the right person; inf if there is none.
    distance: float32 (N,), distance to the closest person; inf without a face.
    strangers: S paths.
    stranger_shown: S keys of whom they show.
    stranger_nearest, stranger_named, stranger_distance: as for the probes, (S,).
    held_out: the last ``held_out`` strangers are probes, searched with their own person left out of the gallery.
    threshold: the recognizer's.
    """

    people: tuple[str, ...]
    enrolled: tuple[Path, ...]
    owner: Indices
    embeddings: Floats
    probes: tuple[Path, ...]
    truth: tuple[str, ...]
    rank: Indices
    nearest: tuple[str | None, ...]
    named: tuple[str | None, ...]
    genuine: Floats
    distance: Floats
    strangers: tuple[Path, ...]
    stranger_shown: tuple[Path | str, ...]
    stranger_nearest: tuple[str | None, ...]
    stranger_named: tuple[str | None, ...]
    stranger_distance: Floats
    held_out: int
    threshold: float


@dataclass(frozen=True, slots=True)
class PersonScore:
    """The figures of one person at the recognizer's threshold, over all splits.

    recall: share of the person's probes that get their name.
    precision: share of the photographs given that name, strangers included, that show the person.
    """

    person: str
    recall: Share
    precision: Share


@dataclass(frozen=True, slots=True)
class Confusion:
    """The K people with the most errors, and the names that their probes get.

    counts: intp (K, K + 2), one row per true person. The last two columns are everybody else, and unknown.
    """

    people: tuple[str, ...]
    counts: Indices


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """The result of identification in one or more searches.

    fpir: the rate that the recognizer's threshold was chosen for.
    ranks: one for each of ``RANKS``; no threshold is used.
    tpir: for each of ``FPIRS``, one point per split.
    right, wrong, unknown: shares of the probes, at the recognizer's threshold.
    strangers_named: share of the strangers, at the recognizer's threshold.
    cmc: float64 (R,), share of the probes whose person is among the 1, 2, ... R closest; mean of the splits.
    curve: TPIR by FPIR, over all splits.
    no_face: photographs of gallery, probes and strangers without a face.
    unenrolled: people without a face in any of their gallery photographs; all their probes are errors.
    skipped: whether probes without a face were left out; otherwise they are errors. Strangers without a face are always
        left out: they cannot get a name.
    mistakes: the worst errors, farthest from the threshold first.
    seconds: median time for a photograph, one at a time; None if not measured.
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

    @property
    def threshold(self) -> float:
        """The recognizer's threshold, mean of the splits."""
        return float(np.mean([search.threshold for search in self.searches]))


Results = Sequence[Verification] | Sequence[Identification]
