"""Shares with intervals, and accept rates by threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.metrics.intervals import wilson

Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of ``count`` cases and its 95 % interval; without cases, NaN and the interval 0 to 1."""

    value: float
    count: int
    low: float
    high: float

    @classmethod
    def of(cls, part: int, count: int) -> Share:
        """Return ``part`` of ``count`` with Wilson's interval."""
        value = part / count if count else float("nan")
        return cls(value, count, *wilson(value, count))


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
