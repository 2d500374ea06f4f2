"""Shares as text, with as many digits as they need, and names that a figure can show."""

from __future__ import annotations

from math import floor, isnan, log10
from typing import Protocol


class Interval(Protocol):
    """Anything with a 95 % interval."""

    @property
    def low(self) -> float:
        """The lower limit."""

    @property
    def high(self) -> float:
        """The upper limit."""


def shown(name: str) -> str:
    r"""Return a name for a figure: bytes of a file name that are no UTF-8 become escapes, which fonts can draw.

    >>> print(shown("Ren\udce9"), shown("René"))
    Ren\udce9 René
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def percent(value: float) -> str:
    """Format a share in [0, 1], with more digits near 0 and 1; NaN is a dash.

    >>> percent(0.982), percent(0.00047), percent(0.9996)
    ('98.2%', '0.047%', '99.96%')
    """
    if isnan(value):
        return "–"
    value, digits = round(value, 9), 1
    if 0 < value < 0.01:
        digits = max(2, -1 - floor(log10(value)))
    elif 0.999 <= value < 1:
        digits = max(2, -2 - floor(log10(1 - value)))
    return f"{value:.{digits}%}"


def between(interval: Interval) -> str:
    """Format the 95 % interval of a share: ``98.2% to 99.5%``."""
    return f"{percent(interval.low)} to {percent(interval.high)}"


def points(difference: float) -> str:
    """Format the difference of two shares in percentage points: ``1.5 points``."""
    return f"{percent(difference).removesuffix('%')} points"


def rate_of(value: float) -> str:
    """Format a rate that was asked for, without trailing zeros.

    >>> rate_of(0.001)
    '0.1%'
    """
    return f"{value * 100:g}%"
