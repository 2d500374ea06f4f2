"""Figures as a report shows them: large, with the interval, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence

from faces.evaluation.figures.results import Repeated, Share
from faces.evaluation.report.markup import Markup, element
from faces.metrics.wording import between, percent


def figure(name: str, value: str, spread: str, means: str, few: bool = False) -> Markup:
    """One of a summary. few: the value is words."""
    return element(
        "div",
        element("dt", name),
        element("dd", value, class_="few" if few else "value"),
        element("dd", spread, class_="range") if spread else "",
        element("dd", means, class_="means"),
    )


def figures(several: Sequence[Markup]) -> Markup:
    return element("dl", *several, class_="figures")


def spread(found: Repeated) -> str:
    """Between splits, or of one its interval."""
    if found.deviation is not None:
        return f"± {percent(found.deviation)} between {len(found.splits)} splits"
    return between(found.splits[0]) if found.splits else ""


def with_interval(found: Share | None) -> Markup | str:
    """A cell of a table."""
    if found is None:
        return "too few to tell"
    if not found.count:
        return "–"
    return element("td", percent(found.value), " ", element("span", between(found), class_="range"))
