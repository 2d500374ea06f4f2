"""Shares in words, as precise as they are worth."""

from __future__ import annotations

from math import floor, isnan, log10
from typing import Protocol


class Sure(Protocol):
    """What has a 95 % interval."""

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...


def percent(value: float) -> str:
    """With more digits near 0 and 1, such as ``0.047%`` and ``99.96%``; NaN is a dash."""
    if isnan(value):
        return "–"
    value, digits = round(value, 9), 1
    if 0 < value < 0.01:
        digits = max(2, -1 - floor(log10(value)))
    elif 0.999 <= value < 1:
        digits = max(2, -2 - floor(log10(1 - value)))
    return f"{value:.{digits}%}"


def between(found: Sure) -> str:
    """The 95 % interval of a share."""
    return f"{percent(found.low)} to {percent(found.high)}"


def points(difference: float) -> str:
    """Between two shares, in percentage points."""
    return f"{percent(difference).removesuffix('%')} points"


def rate_of(value: float) -> str:
    """A rate that was asked for, such as ``0.1%``."""
    return f"{value * 100:g}%"
