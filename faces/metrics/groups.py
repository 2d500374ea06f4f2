"""Figures by group of people, and the gap between the best and the worst group."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import hypot
from typing import Any

from faces.metrics.wording import percent, points

MIN_CASES = 30  # a group with fewer is too small for a useful figure
UNLABELLED = "unlabelled"  # the group of those without a label; it is never the best or the worst


@dataclass(frozen=True, slots=True)
class Group:
    """The figure of one group of people.

    of: the group's labels, one for each grouping in ``Grouped.by``.
    count: cases.
    value: the figure named by ``Grouped.measure``.
    low, high: its 95 % interval.
    """

    of: tuple[str, ...]
    count: int
    value: float
    low: float
    high: float

    @property
    def enough(self) -> bool:
        """Whether the group has enough cases for a useful figure."""
        return self.count >= MIN_CASES

    def __str__(self) -> str:
        return ", ".join(self.of)


@dataclass(frozen=True, slots=True)
class Gap:
    """The difference between the best and the worst group.

    value: absolute difference of their figures.
    low, high: its 95 % interval, computed from those of the two groups (MOVER: Zou and Donner, Statistics in Medicine
        2008), as if the two groups had been chosen before measuring.
    times: for error rates, the worst figure divided by the best; None if the best is 0, and for other figures.
    """

    best: Group
    worst: Group
    value: float
    low: float
    high: float
    times: float | None


@dataclass(frozen=True, slots=True)
class Grouped:
    """One figure for every group of people.

    target: what is evaluated: a set of models, or an attribute.
    measure: the figure, such as ``accuracy`` or ``mean absolute error``.
    by: names of the groupings, such as ``gender``.
    unit: such as ``years``; empty for shares.
    cases: what is counted, in the plural.
    """

    target: str
    measure: str
    by: tuple[str, ...]
    groups: tuple[Group, ...]
    lower_is_better: bool = False
    unit: str = ""
    cases: str = "faces"

    @property
    def ranked(self) -> list[Group]:
        """The labelled groups with enough cases, best first."""
        sign = 1 if self.lower_is_better else -1
        comparable = (group for group in self.groups if group.enough and group.of != (UNLABELLED,))
        return sorted(comparable, key=lambda group: sign * group.value)

    @property
    def gap(self) -> Gap | None:
        """The gap between the best and the worst group; None if fewer than two groups have enough cases."""
        if len(ranked := self.ranked) < 2:
            return None
        best, worst = ranked[0], ranked[-1]
        less, more = sorted((best, worst), key=lambda group: group.value)
        value = more.value - less.value
        low = max(value - hypot(more.value - more.low, less.high - less.value), 0.0)
        high = value + hypot(more.high - more.value, less.value - less.low)
        is_error_rate = self.lower_is_better and not self.unit and best.value > 0
        return Gap(best, worst, value, low, high, worst.value / best.value if is_error_rate else None)


def gap_to_json(grouped: Grouped) -> dict[str, Any] | None:
    """Return the gap as a JSON object with the names of the best and the worst group; None if there is no gap."""
    if (gap := grouped.gap) is None:
        return None
    return {**asdict(gap), "best": str(gap.best), "worst": str(gap.worst)}


def summary(grouped: Grouped) -> str:
    """Return sentences that name the best and the worst group, and the number of groups that are too small."""
    sentences, unit = [], grouped.unit
    if gap := grouped.gap:
        best, worst = gap.best, gap.worst
        apart = "" if _overlap(best, worst) else " Their 95 % intervals do not overlap."
        sentences.append(
            f"Best: {best} ({with_unit(best.value, unit)}). Worst: {worst} ({with_unit(worst.value, unit)}).{apart}"
        )
    if small := [group for group in grouped.groups if not group.enough]:
        number = "1 group has" if len(small) == 1 else f"{len(small)} groups have"
        sentences.append(f"{number} fewer than {MIN_CASES} {grouped.cases}: too few to tell.")
    return " ".join(sentences)


def describe_gap(grouped: Grouped) -> tuple[str, str] | None:
    """Return the gap and its 95 % interval as text; None if there is no gap.

    The gap of shares is in percentage points; for error rates the ratio follows.
    """
    if (gap := grouped.gap) is None:
        return None
    if grouped.unit:
        return with_unit(gap.value, grouped.unit), f"{gap.low:.1f} to {gap.high:.1f} {grouped.unit}"
    ratio = f", {gap.times:.{0 if gap.times >= 10 else 1}f} times as often" if gap.times else ""
    return points(gap.value) + ratio, f"{percent(gap.low).removesuffix('%')} to {points(gap.high)}"


def _overlap(a: Group, b: Group) -> bool:
    return a.low <= b.high and b.low <= a.high


def with_unit(value: float, unit: str) -> str:
    """Format a figure: with one decimal and its unit, or as a percentage if ``unit`` is empty."""
    return f"{value:.1f} {unit}" if unit else percent(value)
