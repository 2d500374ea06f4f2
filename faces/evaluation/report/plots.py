"""Plots of an evaluation, as SVG for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from faces.evaluation.figures.shares import Curve, Numbers
from faces.evaluation.report.canvas import INK, SERIES, axes
from faces.metrics.wording import shown
from faces.types import Floats

DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
MARKERS = "os^Dv*PX"
MAX_POINTS = 400  # of a line; more cannot be seen
LOWEST_RATE = 1e-5  # a logarithmic axis goes down to it at most
MAX_NAMES = 30  # with more people, the map has no room for their names


def roc(curves: Mapping[str, Curve], rates: Sequence[float]) -> str:
    """Plot TAR by FAR: a line for each name, with dots at the given rates."""
    return _traded(curves, rates, "different people accepted (FAR)", "same person accepted (TAR)")


def tpir(curves: Mapping[str, Curve], rates: Sequence[float]) -> str:
    """Plot TPIR by FPIR: a line for each name, with dots at the given rates."""
    return _traded(curves, rates, "strangers given a name (FPIR)", "probes given their name (TPIR)")


def det(curves: Mapping[str, Curve], rates: Sequence[float]) -> str:
    """Plot the two error rates of verification against each other on logarithmic axes."""
    with axes("det") as (panel, svg):
        lowest = [_lowest(curve.impostor_rate) for curve in curves.values()]
        for index, (name, curve) in enumerate(curves.items()):
            missed = 1 - curve.genuine_rate
            x, y = _thinned(curve.impostor_rate, np.maximum(missed, _lowest(missed) / 3))
            panel.plot(np.maximum(x, min(lowest) / 3), y, label=name, drawstyle="steps-post", **_line(index))
            _mark(panel, curve, rates, index, missed=True)
        panel.set(xscale="log", xlabel="different people accepted (FAR)", xlim=(min(lowest) / 2, 1))
        panel.set(yscale="log", ylabel="same person missed (1 − TAR)")
        _percents(panel, "xy")
        _legend(panel, curves)
    return svg[0]


def histogram(genuine: Floats, impostor: Floats, labels: tuple[str, str], threshold: float | None) -> str:
    """Plot the distributions of distances, (N,) and (M,); infinite ones are left out.

    labels: of the two distributions, for the legend.
    """
    with axes("histogram") as (panel, svg):
        finite = [values[np.isfinite(values)] for values in (genuine, impostor)]
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
    """Plot the shares (R,) of the probes whose person is among the 1, 2, ... closest: a line for each name."""
    with axes("cmc") as (panel, svg):
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
    """Plot shares by level.

    lines: one share per level, by name.
    ticks: names of the levels.
    label: of the horizontal axis.
    name: unique in the page; the SVG's identifiers are derived from it.
    """
    with axes(f"levels {name}", (4.0, 3.2)) as (panel, svg):
        for index, (line, values) in enumerate(lines.items()):
            panel.plot(range(len(values)), values, label=line, **_line(index), **_dots(index))
        panel.set_xticks(range(len(ticks)), ticks)
        panel.set(xlabel=label, ylim=(-0.03, 1.03))
        _percents(panel, "y")
        panel.figure.legend(loc="outside upper left")
    return svg[0]


def scatter(points: Floats, names: Sequence[str]) -> str:
    """Plot a map of N photographs: points (N, 2) and the N names of their people. The axes mean nothing."""
    with axes("map", (5.0, 4.0)) as (panel, svg):
        people = sorted(set(names))
        owner = np.array(names)
        for index, person in enumerate(people):
            x, y = points[owner == person].T
            marker = MARKERS[index // len(SERIES) % len(MARKERS)]
            panel.scatter(x, y, s=30, marker=marker, color=SERIES[index % len(SERIES)], alpha=0.75, linewidths=0)
            if len(people) <= MAX_NAMES:
                panel.annotate(
                    shown(person),
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
    with axes(xlabel) as (panel, svg):
        lowest = min((_lowest(curve.impostor_rate) for curve in curves.values()), default=LOWEST_RATE)
        least = 1.0
        for index, (name, curve) in enumerate(curves.items()):
            x, y = _thinned(curve.impostor_rate, curve.genuine_rate)
            panel.plot(np.maximum(x, lowest / 3), y, label=name, drawstyle="steps-post", **_line(index))
            _mark(panel, curve, rates, index)
            least = min(least, float(curve.genuine_rate[curve.impostor_rate <= lowest].max(initial=0)))
        panel.set(xscale="log", xlabel=xlabel, ylabel=ylabel, xlim=(lowest / 2, 1))
        _near_one(panel, least)
        _percents(panel, "xy")
        _legend(panel, curves)
    return svg[0]


def _mark(panel: Any, curve: Curve, rates: Sequence[float], index: int, missed: bool = False) -> None:
    for rate in rates:
        true = float(curve.genuine_rate[curve.impostor_rate <= rate].max(initial=0))
        if missed and true >= 1:
            continue
        panel.plot([rate], [1 - true if missed else true], marker="o", markersize=5, color=SERIES[index % len(SERIES)])


def _near_one(panel: Any, least: float) -> None:
    """Let the vertical axis go from just below the least value to just above 1."""
    room = max(1 - least, 0.005)
    panel.set_ylim(max(0.0, least - 0.15 * room), 1 + 0.06 * room)


def _lowest(rates: Numbers) -> float:
    """Return the least rate above 0, for a logarithmic axis."""
    positive = rates[rates > 0]
    return max(float(positive.min()), LOWEST_RATE) if len(positive) else 0.1


def _thinned(x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """Keep the last point at each x, and no more points than can be seen at both ends of a logarithmic axis."""
    corners = np.append(np.flatnonzero(np.diff(x)), len(x) - 1)
    x, y = x[corners], y[corners]
    last = len(x) - 1
    if last < 2 * MAX_POINTS:
        return x, y
    places = np.geomspace(1, last, MAX_POINTS).astype(int)
    kept = np.unique(np.concatenate([[0], places, last - places]))
    return x[kept], y[kept]


def _line(index: int) -> dict[str, Any]:
    return {"color": SERIES[index % len(SERIES)], "linestyle": DASHES[index % len(DASHES)]}


def _dots(index: int) -> dict[str, Any]:
    return {"marker": MARKERS[index % len(MARKERS)], "markersize": 4}


def _legend(panel: Any, names: Sequence[str] | Mapping[str, object]) -> None:
    if len(names) > 1:
        panel.figure.legend(loc="outside upper left", ncols=2)


def _percents(panel: Any, names: str) -> None:
    from matplotlib.ticker import PercentFormatter

    class UpToAll(PercentFormatter):
        """With as many digits as tell the ticks apart; none above 100 %."""

        def __call__(self, x: float, pos: Any = None) -> str:
            return "" if x > 1 + 1e-9 else super().__call__(x, pos)

    for axis in (getattr(panel, f"{name}axis") for name in names):
        if axis.get_scale() == "log":
            axis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
            axis.set_minor_formatter(lambda *_: "")
        else:
            axis.set_major_formatter(UpToAll(1, symbol=" %"))
