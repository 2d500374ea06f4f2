"""What a report says of verification."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faces.evaluation.figures.curves import curve
from faces.evaluation.figures.results import AtRate, Curve, Verification
from faces.evaluation.report import plots
from faces.evaluation.report.markup import Markup, element, joined, plot, section
from faces.evaluation.report.montage import montage
from faces.evaluation.report.wording import figure, figures
from faces.metrics.wording import between, percent, rate_of

TITLE = "Are two photographs of one person?"


def lead(one: Verification) -> str:
    """What was done, for somebody who has never heard of it."""
    same = int(one.same.sum())
    return (
        f"{len(one.same):,} pairs of photographs were compared, {same:,} of one person and {len(one.same) - same:,} of"
        " two people. A pair counts as one person when the distance between the two faces is at most a threshold."
    )


def summary(one: Verification) -> Markup:
    """The figures, each with its interval and what it means."""
    told = [
        figure("Told right", percent(one.accuracy.value), between(one.accuracy), _protocol(one)),
        *(_at_rate(point) for point in one.tar),
        figure("Equal error rate", percent(one.eer.value), between(one.eer), "where both errors are equally frequent"),
        figure(
            "AUC",
            f"{one.auc.value:.4f}",
            f"{one.auc.low:.4f} to {one.auc.high:.4f}",
            "how often a pair of one person is closer than a pair of two; 1 is perfect",
        ),
        figure("Faces not found", f"{len(one.no_face):,}", "photographs", _missing(one)),
    ]
    if one.seconds is not None:
        told.append(figure("Time", f"{one.seconds * 1000:.0f} ms", "a photograph", "one by one, models loaded"))
    return joined([figures(told), element("p", _at_a_door(one))])


def curves(several: Sequence[Verification]) -> Markup:
    """ROC and DET of all."""
    traded = {one.name: _curve(one) for one in several}
    rates = [point.rate for point in several[0].tar if point.passing]
    return section(
        "curves",
        "What a threshold trades",
        element(
            "p",
            "A stricter threshold lets in fewer of those who are somebody else, and turns away more of those who"
            " are not. Each point of a curve is one threshold; dots are at the rates of the summary.",
        ),
        element(
            "div",
            plot(plots.roc(traded, rates), "ROC", "The higher and the further to the left, the better."),
            plot(plots.det(traded, rates), "DET", "The two errors against each other: the lower, the better."),
            class_="plots",
        ),
    )


def details(one: Verification, faces: bool) -> Markup:
    """Of one: its distances, and its worst errors."""
    threshold = float(np.median(one.thresholds))
    drawn = plots.histogram(one.distance[one.same], one.distance[~one.same], ("one person", "two people"), threshold)
    told = "The less the two hills overlap, the better. Faces that were not found have no distance and are left out."
    wrong = int((~one.right).sum())
    return joined(
        [
            element("div", plot(drawn, "Distances of the pairs", told), class_="plots"),
            element("h3", f"Worst errors ({len(one.mistakes):,} of {wrong:,})"),
            montage(one.mistakes, faces),
        ]
    )


def _curve(one: Verification) -> Curve:
    return curve(one.counted[~one.same], one.counted[one.same])


def _protocol(one: Verification) -> str:
    if one.error is None:
        return f"of {len(one.same):,} pairs, at the threshold that is best for them, {one.thresholds[0]:.3f}"
    folds = len(one.thresholds)
    return f"mean of {folds} folds ± {percent(one.error)} standard error; each fold's threshold comes from the others"


def _at_rate(point: AtRate) -> Markup:
    name = f"Same person accepted at FAR {rate_of(point.rate)}"
    if point.passing is None or point.threshold is None:
        few = f"{point.others:,} pairs of two people; it takes {round(1 / point.rate):,}"
        return figure(name, "too few to tell", "", few, few=True)
    means = f"threshold {point.threshold:.3f}, which lets in 1 of {round(1 / point.rate):,} who are somebody else"
    return figure(name, percent(point.passing.value), between(point.passing), means)


def _missing(one: Verification) -> str:
    if not one.missing:
        return "in all pairs there were two faces"
    return f"{one.missing:,} pairs have one, " + ("and are left out" if one.skipped else "and count as errors")


def _at_a_door(one: Verification) -> str:
    """The strictest threshold that there are enough pairs for, in people."""
    known = [point for point in one.tar if point.passing is not None]
    if not known:
        return ""
    point = known[-1]
    assert point.passing is not None
    turned_away = 1000 * (1 - point.passing.value)
    return (
        f"In people: with the threshold of FAR {rate_of(point.rate)}, of 1,000 who say that they are somebody else"
        f" about {1000 * point.rate:g} get through, and of 1,000 who are who they say about {turned_away:.0f} are"
        " turned away; on photographs like these, and if nobody tries to deceive with a picture or a mask."
    )
