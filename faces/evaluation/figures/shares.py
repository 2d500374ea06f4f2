"""Shares with intervals, and accept rates by threshold."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.metrics.intervals import independent_cases, wilson

Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of ``count`` cases and its 95 % interval; without cases, NaN and the interval 0 to 1.

    independent: number of cases that count for the interval: ``independent_cases``.
    """

    value: float
    count: int
    low: float
    high: float
    independent: float

    @classmethod
    def of(cls, part: int, count: int) -> Share:
        """Return ``part`` of ``count`` cases that have nothing to do with each other, with Wilson's interval."""
        return cls.estimated(part / count if count else float("nan"), count, count)

    @classmethod
    def by_person(cls, cases: Flags, persons: Sequence[Hashable]) -> Share:
        """Return the share of cases, bool (N,), whose interval takes each person's cases for one sample.

        persons: N, of whom each case is.
        """
        value = float(np.mean(cases)) if len(cases) else float("nan")
        return cls.estimated(value, len(cases), independent_cases(cases, persons))

    @classmethod
    def estimated(cls, value: float, count: int, independent: float) -> Share:
        """Return a share of ``count`` cases with the interval of so many independent ones."""
        return cls(value, count, *wilson(value, independent), independent)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure that is not a share of cases, with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same share, measured on each of K splits of the data."""

    splits: tuple[Share, ...]

    @classmethod
    def accepted(cls, points: Sequence[AtRate]) -> Repeated:
        """Return the accepted share at one rate for each split; no splits if one of them has too few cases."""
        shares = tuple(point.accepted for point in points if point.accepted is not None)
        return cls(shares if len(shares) == len(points) else ())

    @property
    def mean(self) -> float:
        """The mean over the splits; NaN without splits, or if a split has no cases."""
        return float(np.mean([share.value for share in self.splits])) if self.splits else float("nan")

    @property
    def whole(self) -> Share:
        """The mean as a share, with the interval of one split: the splits have the same photographs.

        Without splits, or if a split has no cases, it has no cases.
        """
        if not self.splits or any(not share.count for share in self.splits):
            return Share.of(0, 0)
        independent = float(np.mean([share.independent for share in self.splits]))
        return Share.estimated(self.mean, sum(share.count for share in self.splits), independent)

    @property
    def deviation(self) -> float | None:
        """The standard deviation between splits; None for a single split."""
        return float(np.std([share.value for share in self.splits], ddof=1)) if len(self.splits) > 1 else None


@dataclass(frozen=True, slots=True)
class AtRate:
    """The loosest threshold with at most a given rate of false accepts.

    rate: of accepted pairs of different people (FAR), or of strangers who get a name (FPIR).
    impostors: number of those pairs or strangers.
    threshold: None if there are fewer than 1 / ``rate`` impostors.
    accepted: genuine pairs or probes within the threshold; None as for ``threshold``.
    """

    rate: float
    impostors: int
    threshold: float | None
    accepted: Share | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Accept rates at every threshold, from the strictest to the loosest.

    threshold: float64 (K,), ascending; the first is -inf.
    impostor_rate: float64 (K,), share of the impostors within the threshold.
    genuine_rate: float64 (K,), share of the genuine cases within the threshold.
    """

    threshold: Numbers
    impostor_rate: Numbers
    genuine_rate: Numbers
