"""Axes that become an SVG for the report, whose style sheet gives it its colours in light and dark mode.

Matplotlib draws with placeholder colours, which are replaced by those of the page (``INKS``). Text stays text.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from faces import optional

INK, QUIET, LINE = "#010101", "#020202", "#030303"
SERIES = tuple(f"#0400{index:02d}" for index in range(1, 9))
INKS = {INK: "currentColor", QUIET: "var(--quiet)", LINE: "var(--line)"} | {
    colour: f"var(--series-{index})" for index, colour in enumerate(SERIES, 1)
}
STYLE = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": LINE,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "font.size": 10,
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "text.parse_math": False,
    "lines.linewidth": 1.8,
}
SIZE = (5.0, 3.5)  # inches of 72 px


@contextmanager
def axes(name: str, size: tuple[float, float] = SIZE) -> Iterator[tuple[Any, list[str]]]:
    """Yield axes to draw on, and a list that holds the SVG afterwards. name: makes the SVG's identifiers unique."""
    matplotlib, figures = require_matplotlib()
    svg: list[str] = []
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser has it
        figure = figures.Figure(size, layout="constrained")
        yield figure.add_subplot(), svg
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg.append(_for_page(file.getvalue()))


def _for_page(svg: str) -> str:
    """Remove what only a separate file needs, and use the colours of the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'^<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 xmlns:xlink="http://www.w3.org/1999/xlink">', svg)
    for placeholder, colour in INKS.items():
        svg = svg.replace(placeholder, colour)
    return svg


def require_matplotlib() -> tuple[ModuleType, ModuleType]:
    """Return ``matplotlib`` and ``matplotlib.figure``. Raises UsageError if Matplotlib is not installed.

    ``pyplot`` is not used: it would need a screen.
    """
    return (
        optional.require("matplotlib", "plots", "report"),
        optional.require("matplotlib.figure", "plots", "report"),
    )
