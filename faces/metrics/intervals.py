"""How sure a figure is: 95 % intervals."""

from __future__ import annotations

from math import sqrt

SURE = 1.96  # standard deviations of a 95 % interval


def wilson(share: float, count: int) -> tuple[float, float]:
    """Of a share of so many; from 0 to 1 where there are none. Source: Wilson, 1927."""
    if count == 0:
        return 0.0, 1.0
    middle = (share + SURE**2 / (2 * count)) / (1 + SURE**2 / count)
    spread = SURE / (1 + SURE**2 / count) * sqrt(share * (1 - share) / count + SURE**2 / (4 * count**2))
    low, high = max(middle - spread, 0.0), min(middle + spread, 1.0)
    return 0.0 if share == 0 else low, 1.0 if share == 1 else high  # whatever the rounding
