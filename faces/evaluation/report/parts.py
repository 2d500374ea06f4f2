"""The parts that the templates of the report show: figures and plots."""

from __future__ import annotations

from dataclasses import dataclass

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
