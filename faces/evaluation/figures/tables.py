"""Results as tables and lines of text, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faces.evaluation.figures.results import (
    FARS,
    FPIRS,
    RANKS,
    AtRate,
    Identification,
    PersonScore,
    Repeated,
    Share,
    Verification,
)
from faces.metrics.wording import between, percent, rate_of

WORST = 10  # people
Row = list[object]


@dataclass(frozen=True, slots=True)
class Table:
    """Headings, and as many cells in each row."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]


Page = tuple[str | Table, ...]  # what is said, one under the other


def verification(one: Verification) -> Page:
    """Every figure of one set of models."""
    how = f"threshold {one.thresholds[0]:.3f}, the best for these pairs"
    if one.error is not None:
        span = f"{min(one.thresholds):.3f} to {max(one.thresholds):.3f}"
        how = f"{len(one.thresholds)} folds, standard error {percent(one.error)}; threshold {span}, of the other folds"
    rows: list[Row] = [
        ["accuracy", percent(one.accuracy.value), between(one.accuracy), how],
        ["AUC", f"{one.auc.value:.4f}", f"{one.auc.low:.4f} to {one.auc.high:.4f}", ""],
        ["EER", percent(one.eer.value), between(one.eer), ""],
        *(_at_rate(f"TAR at FAR {rate_of(point.rate)}", point, "pairs of two people") for point in one.tar),
    ]
    return _pairs(one), Table(("", "value", "95 % interval", ""), tuple(rows)), _missing(one)


def verifications(several: Sequence[Verification]) -> Page:
    """A row for each set of models."""
    rates = [f"TAR at FAR {rate_of(far)}" for far in FARS]
    rows: list[Row] = [
        [
            one.name,
            _with_interval(one.accuracy),
            f"{one.auc.value:.4f}",
            percent(one.eer.value),
            *(_with_interval(point.passing) for point in one.tar),
            one.missing,
            _milliseconds(one.seconds),
        ]
        for one in several
    ]
    headings = ("", "accuracy (95 %)", "AUC", "EER", *rates, "pairs without a face", "ms a photograph")
    return _pairs(several[0]), Table(headings, tuple(rows))


def identification(one: Identification) -> Page:
    """Every figure of one set of models, or one recognizer."""
    rows: list[Row] = [[f"rank {rank}", *_repeated(found), ""] for rank, found in zip(RANKS, one.ranks, strict=True)]
    rows += [_open_set(rate, points) for rate, points in zip(FPIRS, one.tpir, strict=True)]
    limit = float(np.mean([found.threshold for found in one.searches]))
    at = f"threshold {limit:.3f}, as trained"
    told = {"right": one.right, "wrong": one.wrong, "unknown": one.unknown, "strangers named": one.strangers_named}
    rows += [[name, *_repeated(found), at] for name, found in told.items()]
    spread = ("value", "95 % interval") if len(one.searches) == 1 else ("mean", "deviation")
    page: list[str | Table] = [_searched(one), Table(("", *spread, ""), tuple(rows)), _faceless(one)]
    if one.unenrolled:
        page.append(f"not enrolled for want of a face, so never right: {', '.join(one.unenrolled)}")
    worst = _worst(one)
    return (*page, "most errors, at that threshold:", worst) if worst.rows else tuple(page)


def identifications(several: Sequence[Identification]) -> Page:
    """A row for each set of models, or recognizer."""
    rates = [f"TPIR at FPIR {rate_of(rate)}" for rate in FPIRS]
    headings = "", *(f"rank {rank}" for rank in RANKS), *rates, "right", "wrong", "strangers named"
    rows: list[Row] = [
        [
            one.name,
            *(_mean(found) for found in one.ranks),
            *(_mean(Repeated.passing(points)) for points in one.tpir),
            _mean(one.right),
            _mean(one.wrong),
            _mean(one.strangers_named),
            len(one.no_face),
            _milliseconds(one.seconds),
        ]
        for one in several
    ]
    return _searched(several[0]), Table((*headings, "no face", "ms a photograph"), tuple(rows))


def _pairs(one: Verification) -> str:
    same = int(one.same.sum())
    return f"{len(one.same):,} pairs: {same:,} of one person, {len(one.same) - same:,} of two people"


def _missing(one: Verification) -> str:
    if not one.missing:
        return "every face was found"
    how = "left out" if one.skipped else "counted as errors"
    return (
        f"{one.missing:,} pairs with a face that was not found, {how}; {len(one.no_face):,} photographs without a face"
    )


def _searched(one: Identification) -> str:
    first, splits = one.searches[0], len(one.searches)
    strangers = len(first.strangers) - first.held_out
    who = [f"{strangers:,} photographs of strangers"] if strangers else []
    who += [f"{first.held_out:,} probes once more as strangers, their person being held out"] if first.held_out else []
    of = f", mean of {splits} splits" if splits > 1 else ""
    return (
        f"{len(first.people):,} people, {len(first.owner):,} photographs enrolled; {len(first.probes):,} probes;"
        f" {' and '.join(who) or 'no strangers'}{of}"
    )


def _faceless(one: Identification) -> str:
    if not one.no_face:
        return "every face was found"
    how = "probes among them left out" if one.skipped else "probes among them counted as errors"
    return f"{len(one.no_face):,} photographs without a face, {how}"


def _worst(one: Identification) -> Table:
    """Who is missed, or taken for others, most often; nobody where there is no error."""

    def errors(each: PersonScore) -> float:
        return (1 - each.recall.value) + (1 - each.precision.value if each.precision.count else 0)

    worst = sorted((each for each in one.persons if errors(each) > 0), key=lambda each: (-errors(each), each.person))
    rows: list[Row] = [
        [
            each.person,
            percent(each.recall.value),
            f"{each.recall.count:,} probes",
            percent(each.precision.value),
            f"{each.precision.count:,} times named",
        ]
        for each in worst[:WORST]
    ]
    return Table(("person", "recall", "of", "precision", "of"), tuple(rows))


def _with_interval(found: Share | None) -> str:
    return "too few to tell" if found is None else f"{percent(found.value)} ({between(found)})"


def _at_rate(name: str, point: AtRate, kind: str) -> Row:
    if point.passing is None or point.threshold is None:
        return [name, "–", "", f"too few {kind} to tell: {point.others:,}; {round(1 / point.rate):,} are needed"]
    where = f"threshold {point.threshold:.3f}" if np.isfinite(point.threshold) else "no threshold: too few faces found"
    return [name, percent(point.passing.value), between(point.passing), where]


def _open_set(rate: float, points: Sequence[AtRate]) -> Row:
    """Of all splits; too few in one is too few."""
    name, told = f"TPIR at FPIR {rate_of(rate)}", Repeated.passing(points)
    if len(points) == 1 or not told.splits:
        return _at_rate(name, min(points, key=lambda point: point.others), "strangers")
    thresholds = np.array([point.threshold for point in points], np.float64)
    spread = f"threshold {thresholds.mean():.3f} ± {thresholds.std(ddof=1):.3f}"
    return [name, *_repeated(told), spread]


def _repeated(found: Repeated) -> list[str]:
    if found.deviation is None:
        return [percent(found.mean), between(found.splits[0])]
    return [percent(found.mean), percent(found.deviation)]


def _mean(found: Repeated) -> str:
    if not found.splits:
        return "too few to tell"
    return percent(found.mean) + (f" ± {percent(found.deviation)}" if found.deviation is not None else "")


def _milliseconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.0f}"
