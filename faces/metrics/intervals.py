"""Confidence intervals of shares."""

from __future__ import annotations

from math import sqrt

Z_95 = 1.96  # standard deviations on each side of a 95 % interval


def wilson(share: float, count: int) -> tuple[float, float]:
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
