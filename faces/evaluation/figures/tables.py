"""Results as tables and lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faces.evaluation.figures.results import FARS, FPIRS, RANKS, Identification, PersonScore, Verification
from faces.evaluation.figures.shares import AtRate, Repeated, Share
from faces.metrics.wording import between, percent, rate_of

WORST_PEOPLE = 10  # rows
Row = list[object]


@dataclass(frozen=True, slots=True)
class Table:
    """Headings, and rows with as many cells each."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]


Page = tuple[str | Table, ...]  # paragraphs and tables, from top to bottom


def verification(result: Verification) -> Page:
    """Return every figure of one set of models."""
    protocol = f"threshold {result.thresholds[0]:.3f}, the best for these pairs"
    if result.standard_error is not None:
        span = f"{min(result.thresholds):.3f} to {max(result.thresholds):.3f}"
        folds, error = len(result.thresholds), percent(result.standard_error)
        protocol = f"{folds} folds, standard error {error}; threshold {span}, chosen on the other folds"
    auc = result.auc
    rows: list[Row] = [
        ["accuracy", percent(result.accuracy.value), between(result.accuracy), protocol],
        ["AUC", f"{auc.value:.4f}", f"{auc.low:.4f} to {auc.high:.4f}", ""],
        ["EER", percent(result.eer.value), between(result.eer), ""],
        *(_at_rate(f"TAR at FAR {rate_of(point.rate)}", point, "pairs of two people") for point in result.tar),
    ]
    return _pairs(result), Table(("", "value", "95 % interval", ""), tuple(rows)), _missing_pairs(result)


def compared_verifications(results: Sequence[Verification]) -> Page:
    """Return a row for each set of models."""
    rates = [f"TAR at FAR {rate_of(far)}" for far in FARS]
    rows: list[Row] = [
        [
            result.name,
            _with_interval(result.accuracy),
            f"{result.auc.value:.4f}",
            percent(result.eer.value),
            *(_with_interval(point.accepted) for point in result.tar),
            result.missing,
            _milliseconds(result.seconds),
        ]
        for result in results
    ]
    headings = ("", "accuracy (95 %)", "AUC", "EER", *rates, "pairs without a face", "ms a photograph")
    return _pairs(results[0]), Table(headings, tuple(rows))


def identification(result: Identification) -> Page:
    """Return every figure of one set of models, or of one recognizer."""
    rows: list[Row] = [[f"rank {rank}", *_repeated(share), ""] for rank, share in zip(RANKS, result.ranks, strict=True)]
    rows += [_open_set(rate, points) for rate, points in zip(FPIRS, result.tpir, strict=True)]
    threshold = f"threshold {result.threshold:.3f}, as trained"
    shares = {
        "right": result.right,
        "wrong": result.wrong,
        "unknown": result.unknown,
        "strangers named": result.strangers_named,
    }
    rows += [[name, *_repeated(share), threshold] for name, share in shares.items()]
    spread = ("value", "95 % interval") if len(result.searches) == 1 else ("mean", "deviation")
    page: list[str | Table] = [_searched(result), Table(("", *spread, ""), tuple(rows)), _missing_photographs(result)]
    if result.unenrolled:
        page.append(f"not enrolled, because no face was found: {', '.join(result.unenrolled)}")
    worst = _worst(result)
    return (*page, "most errors at that threshold:", worst) if worst.rows else tuple(page)


def compared_identifications(results: Sequence[Identification]) -> Page:
    """Return a row for each set of models, or recognizer."""
    rates = [f"TPIR at FPIR {rate_of(rate)}" for rate in FPIRS]
    headings = "", *(f"rank {rank}" for rank in RANKS), *rates, "right", "wrong", "strangers named"
    rows: list[Row] = [
        [
            result.name,
            *(_mean(share) for share in result.ranks),
            *(_mean(Repeated.accepted(points)) for points in result.tpir),
            _mean(result.right),
            _mean(result.wrong),
            _mean(result.strangers_named),
            len(result.no_face),
            _milliseconds(result.seconds),
        ]
        for result in results
    ]
    return _searched(results[0]), Table((*headings, "no face", "ms a photograph"), tuple(rows))


def _pairs(result: Verification) -> str:
    same = int(result.same.sum())
    return f"{len(result.same):,} pairs: {same:,} of one person, {len(result.same) - same:,} of two people"


def _missing_pairs(result: Verification) -> str:
    if not result.missing:
        return "every face was found"
    treatment = "left out" if result.skipped else "counted as errors"
    photographs = f"{len(result.no_face):,} photographs without a face"
    return f"{photographs}; {result.missing:,} pairs with one of them, {treatment}"


def _searched(result: Identification) -> str:
    first, splits = result.searches[0], len(result.searches)
    strangers = len(first.strangers) - first.held_out
    parts = [f"{strangers:,} photographs of strangers"] if strangers else []
    parts += [f"{first.held_out:,} probes also as strangers, their person held out"] if first.held_out else []
    mean = f", mean of {splits} splits" if splits > 1 else ""
    return (
        f"{len(first.people):,} people, {len(first.owner):,} photographs enrolled; {len(first.probes):,} probes;"
        f" {' and '.join(parts) or 'no strangers'}{mean}"
    )


def _missing_photographs(result: Identification) -> str:
    if not result.no_face:
        return "every face was found"
    treatment = "probes among them left out" if result.skipped else "probes among them counted as errors"
    return f"{len(result.no_face):,} photographs without a face, {treatment}"


def _worst(result: Identification) -> Table:
    """Return the people who are missed, or named wrongly, most often; no rows if there is no error."""

    def errors(score: PersonScore) -> float:
        return (1 - score.recall.value) + (1 - score.precision.value if score.precision.count else 0)

    with_errors = (score for score in result.persons if errors(score) > 0)
    rows: list[Row] = [
        [
            score.person,
            percent(score.recall.value),
            f"{score.recall.count:,} probes",
            percent(score.precision.value),
            f"{score.precision.count:,} times named",
        ]
        for score in sorted(with_errors, key=lambda score: (-errors(score), score.person))[:WORST_PEOPLE]
    ]
    return Table(("person", "recall", "of", "precision", "of"), tuple(rows))


def _with_interval(share: Share | None) -> str:
    return "too few to tell" if share is None else f"{percent(share.value)} ({between(share)})"


def _at_rate(name: str, point: AtRate, kind: str) -> Row:
    if point.accepted is None or point.threshold is None:
        return [name, "–", "", f"too few {kind} to tell: {point.impostors:,}; {round(1 / point.rate):,} are needed"]
    finite = np.isfinite(point.threshold)
    threshold = f"threshold {point.threshold:.3f}" if finite else "no threshold: too few faces found"
    return [name, percent(point.accepted.value), between(point.accepted), threshold]


def _open_set(rate: float, points: Sequence[AtRate]) -> Row:
    """Return the row of one rate over all splits; if one split has too few strangers, the figure is missing."""
    name, accepted = f"TPIR at FPIR {rate_of(rate)}", Repeated.accepted(points)
    if len(points) == 1 or not accepted.splits:
        return _at_rate(name, min(points, key=lambda point: point.impostors), "strangers")
    thresholds = np.array([point.threshold for point in points], np.float64)
    return [name, *_repeated(accepted), f"threshold {thresholds.mean():.3f} ± {thresholds.std(ddof=1):.3f}"]


def _repeated(share: Repeated) -> list[str]:
    if share.deviation is None:
        return [percent(share.mean), between(share.splits[0])]
    return [percent(share.mean), percent(share.deviation)]


def _mean(share: Repeated) -> str:
    if not share.splits:
        return "too few to tell"
    return percent(share.mean) + (f" ± {percent(share.deviation)}" if share.deviation is not None else "")


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.0f}"
