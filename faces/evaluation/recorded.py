"""What the record of an evaluation's run says: the figures of its results, under names that stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from faces.evaluation.figures.results import FPIRS, RANKS, Identification, Repeated, Verification
from faces.records import Recorder


def take_down(run: Recorder, results: Sequence[Verification | Identification]) -> None:
    """Tell a run's record its figures and its models; where these are several, in a note for each."""
    for name, value in figures(results).items():
        run.figure(name, value)
    if len({one.fingerprint for one in results}) == 1:
        run.models(results[0].fingerprint)
        return
    for one in results:
        if models := one.fingerprint:
            run.note(f"{one.name}: {models.detector}, {models.aligner}, {models.embedder}")


def figures(results: Sequence[Verification | Identification]) -> dict[str, float]:
    """Those that could be told; where there are several results, after the name of each: ``sface: accuracy``."""
    found: dict[str, float] = {}
    for one in results:
        before = f"{one.name}: " if len(results) > 1 else ""
        told = _verification(one) if isinstance(one, Verification) else _identification(one)
        found |= {before + name: value for name, value in told if value is not None and isfinite(value)}
    return found


def _verification(one: Verification) -> Iterator[tuple[str, float | None]]:
    yield from (("pairs", len(one.same)), ("accuracy", one.accuracy.value), ("auc", one.auc.value))
    yield "eer", one.eer.value
    for point in one.tar:
        yield f"tar_at_far_{point.rate:g}", point.passing.value if point.passing else None
    yield from (("no_face", len(one.no_face)), ("seconds_per_photograph", one.seconds))


def _identification(one: Identification) -> Iterator[tuple[str, float | None]]:
    for rank, found in zip(RANKS, one.ranks, strict=True):
        yield f"rank_{rank}", found.mean
    for rate, points in zip(FPIRS, one.tpir, strict=True):
        yield f"tpir_at_fpir_{rate:g}", Repeated.passing(points).mean
    for name in ("right", "wrong", "unknown", "strangers_named"):
        share: Repeated = getattr(one, name)
        yield name, share.mean
    yield from (("no_face", len(one.no_face)), ("seconds_per_photograph", one.seconds))
