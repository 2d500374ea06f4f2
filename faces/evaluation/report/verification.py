"""The figures and plots of a verification in the report."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from faces.evaluation.figures.curves import curve
from faces.evaluation.figures.results import Verification
from faces.evaluation.figures.shares import AtRate, Curve
from faces.evaluation.report import plots
from faces.evaluation.report.parts import TOO_FEW, Figure, Plot, time_figure
from faces.metrics.wording import between, percent, rate_of

TEMPLATE = "verification.html.j2"


def figures(result: Verification) -> list[Figure]:
    """Return the figures of the summary."""
    auc = result.auc
    auc_meaning = "how often a pair of one person is closer than a pair of two; 1 is perfect"
    each = [
        Figure("Judged correctly", percent(result.accuracy.value), between(result.accuracy), _protocol(result)),
        *(_at_rate(point) for point in result.tar),
        Figure("Equal error rate", percent(result.eer.value), between(result.eer), "both errors are equally frequent"),
        Figure("AUC", f"{auc.value:.4f}", f"{auc.low:.4f} to {auc.high:.4f}", auc_meaning),
        Figure("Faces not found", f"{len(result.no_face):,}", "photographs", _missing(result)),
    ]
    return each if result.seconds is None else [*each, time_figure(result.seconds)]


def in_practice(result: Verification) -> dict[str, str] | None:
    """Return the figures of the strictest threshold with enough pairs, in people; None if there is no such threshold.

    Keys: ``far``, the rate; ``accepted`` and ``rejected``, of 1,000 impostors and of 1,000 genuine people.
    """
    measured = [(point.rate, point.accepted) for point in result.tar if point.accepted is not None]
    if not measured:
        return None
    rate, accepted = measured[-1]
    return {
        "far": rate_of(rate),
        "accepted": f"{1000 * rate:g}",
        "rejected": f"{ceil(1000 * (1 - accepted.low))}",
    }


def curves(results: Sequence[Verification]) -> list[Plot]:
    """Return the ROC and the DET curve with a line for each result."""
    lines = {result.name: _curve(result) for result in results}
    rates = [point.rate for point in results[0].tar if point.accepted]
    return [
        Plot(plots.roc(lines, rates), "ROC", "The higher and the further to the left, the better."),
        Plot(plots.det(lines, rates), "DET", "The two errors against each other: the lower, the better."),
    ]


def details(result: Verification) -> dict[str, Any]:
    """Return what the template shows about one result: ``plots``, and ``wrong``, the number of errors."""
    threshold = float(np.median(result.thresholds))
    same, different = result.distance[result.same], result.distance[~result.same]
    histogram = plots.histogram(same, different, ("one person", "two people"), threshold)
    caption = "The less the two distributions overlap, the better. Pairs with a missing face have no distance."
    return {
        "plots": [Plot(histogram, "Distances of the pairs", caption)],
        "wrong": int((~result.right).sum()),
    }


def _curve(result: Verification) -> Curve:
    return curve(result.counted[~result.same], result.counted[result.same])


def _protocol(result: Verification) -> str:
    if result.standard_error is None:
        return f"of {len(result.same):,} pairs, at the best threshold for them, {result.thresholds[0]:.3f}"
    folds, error = len(result.thresholds), percent(result.standard_error)
    return f"mean of {folds} folds ± {error} standard error; a fold's threshold is chosen on the others"


def _at_rate(point: AtRate) -> Figure:
    name = f"Same person accepted at FAR {rate_of(point.rate)}"
    if point.accepted is None or point.threshold is None:
        meaning = f"{point.impostors:,} pairs of two people; {round(1 / point.rate):,} are needed"
        return Figure(name, TOO_FEW, "", meaning, is_text=True)
    meaning = f"threshold {point.threshold:.3f}, which accepts 1 of {round(1 / point.rate):,} pairs of two people"
    return Figure(name, percent(point.accepted.value), between(point.accepted), meaning)


def _missing(result: Verification) -> str:
    if not result.missing:
        return "both faces were found in every pair"
    treatment = "left out" if result.skipped else "counted as errors"
    return f"{result.missing:,} pairs have one of them: {treatment}"
