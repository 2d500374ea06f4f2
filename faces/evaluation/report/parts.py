"""The parts that the templates of the report show: figures and plots."""

from __future__ import annotations

from dataclasses import dataclass

from faces.evaluation.figures.shares import Repeated
from faces.metrics.wording import between, percent

TOO_FEW = "too few to tell"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the summary.

    value: a number, or a few words if ``is_text``.
    spread: its interval, deviation or unit; may be empty.
    """

    name: str
    value: str
    spread: str
    meaning: str
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """An SVG from ``plots`` with its title and a caption, which screen readers read instead of the picture."""

    svg: str
    title: str
    caption: str

    @property
    def attributes_and_content(self) -> str:
        """The SVG without its opening ``<svg``, so that a template can add attributes."""
        return self.svg.removeprefix("<svg ")


def time_figure(seconds: float) -> Figure:
    """Return the time for a photograph."""
    return Figure("Time", f"{seconds * 1000:.0f} ms", "per photograph", "one at a time, models loaded")


def spread(share: Repeated) -> str:
    """Return the deviation between splits, or the interval of a single split."""
    if share.deviation is not None:
        return f"± {percent(share.deviation)} between {len(share.splits)} splits"
    return between(share.splits[0]) if share.splits else ""
