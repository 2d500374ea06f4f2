"""What a report says of groups of people, and of photographs that are made worse."""

from __future__ import annotations

from collections.abc import Sequence

from faces.evaluation.groups.degradations import KINDS
from faces.evaluation.groups.predicted import WARNING
from faces.evaluation.groups.robustness import Robustness
from faces.evaluation.report import plots
from faces.evaluation.report.markup import Markup, element, joined, plot, section, table
from faces.evaluation.report.wording import with_interval
from faces.metrics.groups import ENOUGH, Group, Grouped, gap_in_words, in_words
from faces.metrics.wording import between, percent


def groups(several: Sequence[Grouped], predicted: bool) -> Markup:
    """A table for each grouping, a column for each figure, and how far apart the groups are."""
    parts: list[object] = [
        element(
            "p",
            "One threshold for all. False matches are those between people of the same group, as in NIST's report"
            " on demographics (NISTIR 8280).",
        )
    ]
    if predicted:
        parts.append(element("p", element("strong", "Nobody told these groups: "), WARNING, ".", class_="warning"))
    names = {one.target for one in several}
    for by, target in dict.fromkeys((one.by[0], one.target) for one in several):
        measures = [one for one in several if (one.by[0], one.target) == (by, target)]
        parts.append(_grouping(by.replace("_", " ") + (f", {target}" if len(names) > 1 else ""), measures))
    return section("groups", "Is it as good for everybody?", *parts)


def robustness(several: Sequence[Robustness]) -> Markup:
    """A curve for each kind, and a table of all levels."""
    parts: list[object] = [
        element(
            "p",
            "Photographs made worse on purpose, and compared with good ones; thresholds stay as they are, but"
            " for that of TPIR, which is each level's own. Sizes are told in shares of the distance between the"
            " eyes: of a face that is 100 px wide it is about 45 px. A face that is not found any more is an error.",
        )
    ]
    for one in several:
        parts.append(element("h3", f"{one.name}: {one.worsened}") if len(several) > 1 else "")
        parts.append(element("div", *(_kind(one, kind) for kind in KINDS), class_="plots small"))
        rows = [
            [
                str(level),
                *(with_interval(share if share.count else None) for share in level.figures),
                percent(level.no_face.value),
            ]
            for level in one.levels
        ]
        told = f"Made worse: {one.worsened}. Intervals are of 95 %."
        head = ["photographs", *one.measures, "no face found"]
        parts.append(table("Every level", told, head, rows, "stacked"))
    return section("robustness", "How bad may photographs be?", *parts)


def _grouping(name: str, measures: Sequence[Grouped]) -> Markup:
    found = {(one.measure, str(group)): group for one in measures for group in one.groups}
    labels = sorted({label for _, label in found})
    rows = [[label, *(_figure(found.get((one.measure, label)), one.cases) for one in measures)] for label in labels]
    if any(one.gap for one in measures):
        rows.append(["gap", *(_gap(one) for one in measures)])
    whole = table(f"By {name}", "", ["group", *(one.measure for one in measures)], rows, "stacked")
    said = [element("li", f"{one.measure}: {words}") for one in measures if (words := in_words(one))]
    return joined([whole, element("ul", *said, class_="quiet") if said else ""])


def _figure(group: Group | None, cases: str) -> Markup | str:
    if group is None:
        return "–"
    value = percent(group.value) if group.enough else "too few to tell"
    told = f"{between(group)}, of {group.count:,} {cases}"
    return element("td", value, " ", element("span", told, class_="range"), title=None if group.enough else _FEW)


def _gap(one: Grouped) -> Markup | str:
    if (gap := gap_in_words(one)) is None:
        return "too few to tell"
    return element("td", gap[0], " ", element("span", gap[1], class_="range"))


_FEW = f"fewer than {ENOUGH}"


def _kind(one: Robustness, kind: str) -> Markup:
    levels = one.kind(kind)
    told = [k for k in range(len(one.measures)) if any(level.figures[k].count for level in levels)]
    lines = {one.measures[k]: [level.figures[k].value for level in levels] for k in told}
    ticks = ["as it is", *(f"{level.how.level:g}" for level in levels if level.how)]
    drawn = plots.levels(lines, ticks, KINDS[kind].words.format("…"), f"{one.name} {kind}")
    name, values = next(iter(lines.items()))
    ends = f"{name.capitalize()}: {percent(values[0])} as it is, {percent(values[-1])} at the worst."
    return plot(drawn, kind[0].upper() + kind[1:], ends)
