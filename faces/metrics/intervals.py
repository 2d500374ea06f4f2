"""Confidence intervals of shares."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Z_95 = 1.96  # standard deviations on each side of a 95 % interval
CORRELATION = 0.1  # between errors of one person, where few are made: the highest that was measured; most are near 0


def wilson(share: float, count: float) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson, 1927).

    share: in [0, 1].
    count: number of cases. Without any, the interval is 0 to 1.

    >>> [round(limit, 3) for limit in wilson(0.5, 100)]
    [0.404, 0.596]
    """
    if count == 0:
        return 0.0, 1.0
    middle = (share + Z_95**2 / (2 * count)) / (1 + Z_95**2 / count)
    spread = Z_95 / (1 + Z_95**2 / count) * sqrt(share * (1 - share) / count + Z_95**2 / (4 * count**2))
    low, high = max(middle - spread, 0.0), min(middle + spread, 1.0)
    return 0.0 if share == 0 else low, 1.0 if share == 1 else high  # exact despite rounding


def independent_cases(cases: NDArray[np.bool_], persons: Sequence[Hashable]) -> float:
    """Return how many independent cases would tell as much as these: fewer where one person's cases are alike.

    It is the effective sample size of a sample of persons (Kish, Survey Sampling, 1965): the variance of independent
    cases over that of the share, whose cases are drawn person by person. Since few errors cannot tell how alike a
    person's cases are, they are taken to be at least as alike as errors are in general. One person is one case.

    cases: bool (N,).
    persons: N, of whom each case is.

    >>> independent_cases(np.array([True, True, False, False]), "AABB")
    1.0
    >>> independent_cases(np.array([True, False, True, False]), "ABCD")
    4.0
    """
    if not len(cases):
        return 0.0
    if len(people := set(persons)) == 1:
        return 1.0
    number: dict[Hashable, int] = {}
    owner = np.array([number.setdefault(person, len(number)) for person in persons], np.intp)
    each = float((np.bincount(owner) ** 2).sum()) / len(cases)  # cases of the person of an average case
    most = len(cases) / (1 + (each - 1) * CORRELATION)
    share = float(np.mean(cases))
    variance = float((np.bincount(owner, cases - share) ** 2).sum()) / len(cases) ** 2
    if len(people) < len(cases):  # of few persons the variance would be too small
        variance *= len(people) / (len(people) - 1)
    return most if variance == 0 else min(max(share * (1 - share) / variance, 1.0), most)
