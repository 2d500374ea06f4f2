"""The figures of an evaluation in the record of its run. Their names are stable."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from faces.evaluation.figures.results import FPIRS, RANKS, Identification, Results, Verification
from faces.evaluation.figures.shares import Repeated
from faces.records import Recorder


def record_results(run: Recorder, results: Results) -> None:
    """Add the figures and the models of the results to a run's record.

    If the results have different models, a note for each names them.
    """
    for name, value in figures(results).items():
        run.figure(name, value)
    if len({result.fingerprint for result in results}) == 1:
        run.models(results[0].fingerprint)
        return
    for result in results:
        if models := result.fingerprint:
            run.note(f"{result.name}: {models.detector}, {models.aligner}, {models.embedder}")


def figures(results: Results) -> dict[str, float]:
    """Return the figures that are known; with several results, each name starts with theirs: ``sface: accuracy``."""
    known: dict[str, float] = {}
    for result in results:
        prefix = f"{result.name}: " if len(results) > 1 else ""
        each = _verification(result) if isinstance(result, Verification) else _identification(result)
        known |= {prefix + name: value for name, value in each if value is not None and isfinite(value)}
    return known


def _verification(result: Verification) -> Iterator[tuple[str, float | None]]:
    yield from (("pairs", len(result.same)), ("accuracy", result.accuracy.value), ("auc", result.auc.value))
    yield "eer", result.eer.value
    for point in result.tar:
        yield f"tar_at_far_{point.rate:g}", point.accepted.value if point.accepted else None
    yield from (("no_face", len(result.no_face)), ("seconds_per_photograph", result.seconds))


def _identification(result: Identification) -> Iterator[tuple[str, float | None]]:
    for rank, share in zip(RANKS, result.ranks, strict=True):
        yield f"rank_{rank}", share.mean
    for rate, points in zip(FPIRS, result.tpir, strict=True):
        yield f"tpir_at_fpir_{rate:g}", Repeated.accepted(points).mean
    yield from (("right", result.right.mean), ("wrong", result.wrong.mean), ("unknown", result.unknown.mean))
    yield "strangers_named", result.strangers_named.mean
    yield from (("no_face", len(result.no_face)), ("seconds_per_photograph", result.seconds))
