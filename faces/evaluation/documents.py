"""Results as what ``json.dumps`` takes: docs/evaluation.md names the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from faces.evaluation.figures.results import (
    FPIRS,
    RANKS,
    AtRate,
    Estimate,
    Identification,
    Mistake,
    Repeated,
    Share,
    Verification,
)


def to_json(results: Sequence[Verification] | Sequence[Identification], more: Mapping[str, Any]) -> dict[str, Any]:
    """All of them, under ``results``, and ``more``; a number that is not finite is None."""
    each = [_verification(one) if isinstance(one, Verification) else _identification(one) for one in results]
    return {"results": each, **{key: _finite(value) for key, value in more.items()}}


def _finite(content: Any) -> Any:
    """The same, with None for every number that is not finite."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return _number(content) if isinstance(content, float) else content


def _verification(one: Verification) -> dict[str, Any]:
    return {
        "kind": "verification",
        **_common(one),
        "pairs": len(one.same),
        "same": int(one.same.sum()),
        "different": int((~one.same).sum()),
        "folds": 0 if one.fold is None else len(one.thresholds),
        "accuracy": _share(one.accuracy),
        "standard_error": one.error,
        "thresholds": [_number(value) for value in one.thresholds],
        "auc": _estimate(one.auc),
        "eer": _estimate(one.eer),
        "tar": [_at_rate(point, "far", "tar") for point in one.tar],
        "missing_pairs": one.missing,
    }


def _identification(one: Identification) -> dict[str, Any]:
    return {
        "kind": "identification",
        **_common(one),
        "splits": [
            {
                "people": len(found.people),
                "enrolled": len(found.owner),
                "probes": len(found.probes),
                "strangers": len(found.strangers) - found.held_out,
                "held_out": found.held_out,
                "threshold": _number(found.threshold),
            }
            for found in one.searches
        ],
        "fpir": one.fpir,
        "ranks": [{"rank": rank, **_repeated(found)} for rank, found in zip(RANKS, one.ranks, strict=True)],
        "tpir": [
            {"fpir": rate, "splits": [_at_rate(point, "fpir", "tpir") for point in points]}
            for rate, points in zip(FPIRS, one.tpir, strict=True)
        ],
        "right": _repeated(one.right),
        "wrong": _repeated(one.wrong),
        "unknown": _repeated(one.unknown),
        "strangers_named": _repeated(one.strangers_named),
        "persons": [
            {"person": each.person, "recall": _share(each.recall), "precision": _share(each.precision)}
            for each in one.persons
        ],
        "confusion": {"people": list(one.confusion.people), "counts": one.confusion.counts.tolist()},
        "cmc": one.cmc.tolist(),
        "unenrolled": list(one.unenrolled),
    }


def _common(one: Verification | Identification) -> dict[str, Any]:
    return {
        "name": one.name,
        "models": None if one.fingerprint is None else one.fingerprint.to_dict(),
        "seconds_per_photograph": one.seconds,
        "no_face": [str(path) for path in one.no_face],
        "skip_missing": one.skipped,
        "mistakes": [_mistake(each) for each in one.mistakes],
    }


def _mistake(one: Mistake) -> dict[str, Any]:
    other = None if one.other is None else str(one.other)
    return {"what": one.what, "photograph": str(one.photograph), "other": other, "distance": _number(one.distance)}


def _share(one: Share) -> dict[str, Any]:
    return {"value": _number(one.value), "count": one.count, "low": one.low, "high": one.high}


def _estimate(one: Estimate) -> dict[str, Any]:
    return {"value": one.value, "low": one.low, "high": one.high}


def _repeated(one: Repeated) -> dict[str, Any]:
    return {"mean": _number(one.mean), "deviation": one.deviation, "splits": [_share(share) for share in one.splits]}


def _at_rate(one: AtRate, rate: str, passing: str) -> dict[str, Any]:
    told = None if one.passing is None else _share(one.passing)
    return {rate: one.rate, "others": one.others, "threshold": _number(one.threshold), passing: told}


def _number(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
