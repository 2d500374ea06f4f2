"""Plots of an evaluation as SVG to put into a page, whose style gives them their colours: in the light and in the dark.

Matplotlib draws them in colours that stand for those of the page (``INKS``). No text is drawn as outlines.
"""

from __future__ import annotations

import importlib
import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from faces.errors import UsageError
from faces.evaluation.figures.results import Curve, Numbers
from faces.types import Floats

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
DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
MARKERS = "os^Dv*PX"
SIZE = (5.0, 3.5)  # inches of 72 px
POINTS = 400  # of a line; more cannot be seen
LOWEST = 1e-5  # rate that a logarithmic axis goes down to, at most
NAMED = 30  # people: of more, a map has no room for their names


def roc(curves: Mapping[str, Curve], rates: Sequence[float]) -> str:
    """TAR by FAR, a line for each name, and dots at some rates."""
    return _traded(curves, rates, "different people accepted (FAR)", "same person accepted (TAR)")


def tpir(curves: Mapping[str, Curve], rates: Sequence[float]) -> str:
    """TPIR by FPIR, a line for each name, and dots at some rates."""
    return _traded(curves, rates, "strangers given a name (FPIR)", "probes given their name (TPIR)")


def det(curves: Mapping[str, Curve], rates: Sequence[float]) -> str:
    """The two errors of verification by each other, on logarithmic axes; what is nearer to the corner is better."""
    with _axes("det") as (panel, svg):
        lowest = [_lowest(curve.false) for curve in curves.values()]
        for index, (name, curve) in enumerate(curves.items()):
            missed = 1 - curve.true
            x, y = _thinned(curve.false, np.maximum(missed, _lowest(missed) / 3))
            panel.plot(np.maximum(x, min(lowest) / 3), y, label=name, drawstyle="steps-post", **_line(index))
            _mark(panel, curve, rates, index, missed=True)
        panel.set(xscale="log", xlabel="different people accepted (FAR)", xlim=(min(lowest) / 2, 1))
        panel.set(yscale="log", ylabel="same person missed (1 − TAR)")
        _percents(panel, "xy")
        _legend(panel, curves)
    return svg[0]


def histogram(mine: Floats, others: Floats, labels: tuple[str, str], threshold: float | None) -> str:
    """Distances (N,) and (M,), those to the same person and to somebody else; what is infinite is left out."""
    with _axes("histogram") as (panel, svg):
        finite = [values[np.isfinite(values)] for values in (mine, others)]
        ends = [float(value) for values in finite if len(values) for value in (values.min(), values.max())]
        bins = np.linspace(min(ends, default=0), max([*ends, min(ends, default=0) + 1e-3]), 41)
        for index, (values, label) in enumerate(zip(finite, labels, strict=True)):
            shares = np.histogram(values, bins)[0] / max(len(values), 1)
            panel.stairs(shares, bins, fill=True, alpha=0.3, color=SERIES[index])
            panel.stairs(shares, bins, label=f"{label} ({len(values):,})", **_line(index))
        if threshold is not None and np.isfinite(threshold):
            panel.axvline(threshold, color=INK, linestyle=":", label=f"threshold {threshold:.3f}")
        panel.set(xlabel="distance (closer is more alike)", ylabel="share")
        _percents(panel, "y")
        panel.figure.legend(loc="outside upper left", ncols=2)
    return svg[0]


def cmc(ranks: Mapping[str, Numbers]) -> str:
    """Shares (R,) of the probes whose person is among the 1, 2, ... closest; a line for each name."""
    with _axes("cmc") as (panel, svg):
        for index, (name, shares) in enumerate(ranks.items()):
            shown = shares[:20]
            panel.plot(range(1, len(shown) + 1), shown, label=name, **_line(index), **_dots(index))
        panel.set(xlabel="among the closest ... people", ylabel="probes")
        panel.xaxis.get_major_locator().set_params(integer=True)
        lowest = min((float(shares.min()) for shares in ranks.values() if len(shares)), default=0)
        _near_one(panel, lowest)
        _percents(panel, "y")
        _legend(panel, ranks)
    return svg[0]


def levels(lines: Mapping[str, Sequence[float]], ticks: Sequence[str], label: str, name: str) -> str:
    """Shares at one level after the other, whose words are ``ticks``. name: sets it apart from others in the page."""
    with _axes(f"levels {name}", (4.0, 3.2)) as (panel, svg):
        for index, (line, values) in enumerate(lines.items()):
            panel.plot(range(len(values)), values, label=line, **_line(index), **_dots(index))
        panel.set_xticks(range(len(ticks)), ticks)
        panel.set(xlabel=label, ylim=(-0.03, 1.03))
        _percents(panel, "y")
        panel.figure.legend(loc="outside upper left")
    return svg[0]


def scatter(points: Floats, names: Sequence[str]) -> str:
    """Points (N, 2), one of each photograph, and whose they are; the axes mean nothing."""
    with _axes("map", (5.0, 4.0)) as (panel, svg):
        people = sorted(set(names))
        owner = np.array(names)
        for index, person in enumerate(people):
            x, y = points[owner == person].T
            marker = MARKERS[index // len(SERIES) % len(MARKERS)]
            panel.scatter(x, y, s=30, marker=marker, color=SERIES[index % len(SERIES)], alpha=0.75, linewidths=0)
            if len(people) <= NAMED:
                panel.annotate(
                    person,
                    (float(np.median(x)), float(np.median(y))),
                    fontsize=8,
                    ha="center",
                    va="bottom",
                    xytext=(0, 5),
                    textcoords="offset points",
                    annotation_clip=False,
                )
        panel.set_axis_off()
    return svg[0]


def _traded(curves: Mapping[str, Curve], rates: Sequence[float], xlabel: str, ylabel: str) -> str:
    with _axes(xlabel) as (panel, svg):
        lowest = min((_lowest(curve.false) for curve in curves.values()), default=LOWEST)
        least = 1.0
        for index, (name, curve) in enumerate(curves.items()):
            x, y = _thinned(curve.false, curve.true)
            panel.plot(np.maximum(x, lowest / 3), y, label=name, drawstyle="steps-post", **_line(index))
            _mark(panel, curve, rates, index)
            least = min(least, float(curve.true[curve.false <= lowest].max(initial=0)))
        panel.set(xscale="log", xlabel=xlabel, ylabel=ylabel, xlim=(lowest / 2, 1))
        _near_one(panel, least)
        _percents(panel, "xy")
        _legend(panel, curves)
    return svg[0]


def _mark(panel: Any, curve: Curve, rates: Sequence[float], index: int, missed: bool = False) -> None:
    for rate in rates:
        true = float(curve.true[curve.false <= rate].max(initial=0))
        if missed and true >= 1:
            continue
        panel.plot([rate], [1 - true if missed else true], marker="o", markersize=5, color=SERIES[index % len(SERIES)])


def _near_one(panel: Any, least: float) -> None:
    """A vertical axis from a little below the least value to a little above 1."""
    room = max(1 - least, 0.005)
    panel.set_ylim(max(0.0, least - 0.15 * room), 1 + 0.06 * room)


def _lowest(rates: Numbers) -> float:
    """The least rate that is not none, for a logarithmic axis."""
    some = rates[rates > 0]
    return max(float(some.min()), LOWEST) if len(some) else 0.1


def _thinned(x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """One point for each x, the last, and no more than can be seen, at both ends of a logarithmic axis."""
    corners = np.append(np.flatnonzero(np.diff(x)), len(x) - 1)
    x, y = x[corners], y[corners]
    last = len(x) - 1
    if last < 2 * POINTS:
        return x, y
    places = np.geomspace(1, last, POINTS).astype(int)
    kept = np.unique(np.concatenate([[0], places, last - places]))
    return x[kept], y[kept]


def _line(index: int) -> dict[str, Any]:
    return {"color": SERIES[index % len(SERIES)], "linestyle": DASHES[index % len(DASHES)]}


def _dots(index: int) -> dict[str, Any]:
    return {"marker": MARKERS[index % len(MARKERS)], "markersize": 4}


def _legend(panel: Any, names: Sequence[str] | Mapping[str, object]) -> None:
    if len(names) > 1:
        panel.figure.legend(loc="outside upper left", ncols=2)


def _percents(panel: Any, axes: str) -> None:
    for axis in axes:
        getattr(panel, f"{axis}axis").set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
        if getattr(panel, f"get_{axis}scale")() == "log":
            getattr(panel, f"{axis}axis").set_minor_formatter(lambda *_: "")


@contextmanager
def _axes(name: str, size: tuple[float, float] = SIZE) -> Iterator[tuple[Any, list[str]]]:
    """Axes to draw on, and a list that holds the SVG in the end. name: makes its identifiers its own."""
    matplotlib, figures = _matplotlib()
    svg: list[str] = []
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser has it
        figure = figures.Figure(size, layout="constrained")
        yield figure.add_subplot(), svg
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg.append(_for_page(file.getvalue()))


def _for_page(svg: str) -> str:
    """Without what only a file of its own needs, and in the colours of the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'^<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 xmlns:xlink="http://www.w3.org/1999/xlink">', svg)
    for stands, colour in INKS.items():
        svg = svg.replace(stands, colour)
    return svg


def _matplotlib() -> tuple[ModuleType, ModuleType]:
    """Without pyplot, which would look for a screen. Raises UsageError where it is not installed."""
    try:
        return importlib.import_module("matplotlib"), importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise UsageError("Matplotlib is not installed; run: pip install -r requirements.txt") from error
