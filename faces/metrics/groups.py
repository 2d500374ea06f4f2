"""Figures by group of people, and the gap between the best and the worst group."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import hypot
from typing import Any

from faces.metrics.wording import percent, points

ENOUGH = 30  # faces: of fewer, a group's figure says little
NOT_TOLD = "not told"  # those of whom nobody said where they belong: no group to be compared with others


@dataclass(frozen=True, slots=True)
class Group:
    """Some people, and how well they are judged.

    of: their labels, in the order of ``Grouped.by``. value: of ``Grouped.measure``. low, high: its 95 % interval.
    """

    of: tuple[str, ...]
    count: int
    value: float
    low: float
    high: float

    @property
    def enough(self) -> bool:
        """Whether the value says something."""
        return self.count >= ENOUGH

    def __str__(self) -> str:
        return ", ".join(self.of)


@dataclass(frozen=True, slots=True)
class Gap:
    """How far apart two groups are.

    value: what their figures differ by. low, high: its 95 % interval, from those of both (MOVER: Zou and Donner,
    Statistics in Medicine 2008), as if one had known which two to compare. times: of error rates, how many times as
    often the worst one errs; None where the best one does not err at all, and of other figures.
    """

    best: Group
    worst: Group
    value: float
    low: float
    high: float
    times: float | None


@dataclass(frozen=True, slots=True)
class Grouped:
    """A target's figure for each group that occurs.

    measure: such as ``accuracy`` or ``mean absolute error``. unit: ``years``; of shares none. cases: what are counted.
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
        """The groups that are told, with enough faces, best first."""
        sign = 1 if self.lower_is_better else -1
        known = (group for group in self.groups if group.enough and group.of != (NOT_TOLD,))
        return sorted(known, key=lambda group: sign * group.value)

    @property
    def gap(self) -> Gap | None:
        """Between the best and the worst group; None where there are no two with enough faces."""
        if len(ranked := self.ranked) < 2:
            return None
        best, worst = ranked[0], ranked[-1]
        less, more = sorted((best, worst), key=lambda group: group.value)
        value = more.value - less.value
        low = max(value - hypot(more.value - more.low, less.high - less.value), 0.0)
        high = value + hypot(more.high - more.value, less.value - less.low)
        errors = self.lower_is_better and not self.unit and best.value > 0
        return Gap(best, worst, value, low, high, worst.value / best.value if errors else None)


def gap_to_json(grouped: Grouped) -> dict[str, Any] | None:
    """What ``json.dumps`` takes; the best and the worst group by name."""
    if (gap := grouped.gap) is None:
        return None
    return {**asdict(gap), "best": str(gap.best), "worst": str(gap.worst)}


def in_words(grouped: Grouped) -> str:
    """Who fares best and who worst, and of whom too little is known to tell."""
    said, unit = [], grouped.unit
    if gap := grouped.gap:
        best, worst = gap.best, gap.worst
        apart = "" if _overlap(best, worst) else " Their 95 % intervals do not meet."
        said.append(
            f"Best: {best} ({with_unit(best.value, unit)}). Worst: {worst} ({with_unit(worst.value, unit)}).{apart}"
        )
    if few := [group for group in grouped.groups if not group.enough]:
        which = "is 1 group" if len(few) == 1 else f"are {len(few)} groups"
        said.append(f"There {which} of fewer than {ENOUGH} {grouped.cases}: too few to tell.")
    return " ".join(said)


def gap_in_words(grouped: Grouped) -> tuple[str, str] | None:
    """How far apart the best and the worst group are, and its 95 % interval: points, and how many times as often."""
    if (gap := grouped.gap) is None:
        return None
    if grouped.unit:
        return with_unit(gap.value, grouped.unit), f"{gap.low:.1f} to {gap.high:.1f} {grouped.unit}"
    often = f", {gap.times:.{0 if gap.times >= 10 else 1}f} times as often" if gap.times else ""
    return points(gap.value) + often, f"{percent(gap.low).removesuffix('%')} to {points(gap.high)}"


def _overlap(a: Group, b: Group) -> bool:
    return a.low <= b.high and b.low <= a.high


def with_unit(value: float, unit: str) -> str:
    return f"{value:.1f} {unit}" if unit else percent(value)
