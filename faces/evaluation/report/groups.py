"""The groups of people and the degraded photographs in the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faces.evaluation.groups.degradations import KINDS
from faces.evaluation.groups.robustness import Robustness
from faces.evaluation.report import plots
from faces.evaluation.report.parts import Plot
from faces.metrics.groups import Group, Grouped, describe_gap, summary
from faces.metrics.wording import percent


@dataclass(frozen=True, slots=True)
class GroupTable:
    """A row for each group, and a column for each of M figures.

    rows: a label, and M groups; None if the figure has no such group.
    gaps: M gaps with their intervals, as text; None if there is none. Empty if no figure has a gap.
    notes: a sentence about each figure.
    """

    title: str
    measures: list[Grouped]
    rows: list[tuple[str, list[Group | None]]]
    gaps: list[tuple[str, str] | None]
    notes: list[str]


def tables(grouped: Sequence[Grouped]) -> list[GroupTable]:
    """Return a table for each grouping of each result."""
    several = len({each.target for each in grouped}) > 1
    made = []
    for by, target in dict.fromkeys((each.by[0], each.target) for each in grouped):
        measures = [each for each in grouped if (each.by[0], each.target) == (by, target)]
        title = f"By {by.replace('_', ' ')}{f', {target}' if several else ''}"
        groups = {(each.measure, str(group)): group for each in measures for group in each.groups}
        rows = [
            (label, [groups.get((each.measure, label)) for each in measures])
            for label in sorted({label for _, label in groups})
        ]
        gaps = [describe_gap(each) for each in measures]
        notes = [f"{each.measure}: {words}" for each in measures if (words := summary(each))]
        made.append(GroupTable(title, measures, rows, gaps if any(gaps) else [], notes))
    return made


def robustness_plots(robustness: Robustness) -> list[Plot]:
    """Return a plot for each kind of degradation."""
    return [_plot(robustness, kind) for kind in KINDS]


def _plot(robustness: Robustness, kind: str) -> Plot:
    levels = robustness.of_kind(kind)
    known = [k for k in range(len(robustness.measures)) if any(level.figures[k].count for level in levels)]
    lines = {robustness.measures[k]: [level.figures[k].value for level in levels] for k in known}
    ticks = ["as it is", *(f"{level.degradation.level:g}" for level in levels if level.degradation)]
    drawn = plots.levels(lines, ticks, KINDS[kind].words.format("…"), f"{robustness.name} {kind}")
    name, values = next(iter(lines.items()))
    caption = f"{name.capitalize()}: {percent(values[0])} unchanged, {percent(values[-1])} at worst."
    return Plot(drawn, kind[0].upper() + kind[1:], caption)
