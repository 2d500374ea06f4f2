"""Results as JSON; docs/evaluation.md describes the keys."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from faces.evaluation.figures.results import FPIRS, RANKS, Identification, Mistake, Results, Verification
from faces.evaluation.figures.shares import AtRate, Estimate, Repeated, Share


def to_json(results: Results, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results under the key ``results``, and the items of ``more``.

    A number that is not finite becomes None.
    """
    objects = [
        _verification(result) if isinstance(result, Verification) else _identification(result) for result in results
    ]
    return {"results": objects, **{key: _finite(value) for key, value in more.items()}}


def _finite(content: Any) -> Any:
    """Return the content with None for every number that is not finite."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return _number(content) if isinstance(content, float) else content


def _verification(result: Verification) -> dict[str, Any]:
    return {
        "kind": "verification",
        **_common(result),
        "pairs": len(result.same),
        "same": int(result.same.sum()),
        "different": int((~result.same).sum()),
        "folds": 0 if result.fold is None else len(result.thresholds),
        "accuracy": _share(result.accuracy),
        "standard_error": result.standard_error,
        "thresholds": [_number(value) for value in result.thresholds],
        "auc": _estimate(result.auc),
        "eer": _estimate(result.eer),
        "tar": [_at_rate(point, "far", "tar") for point in result.tar],
        "missing_pairs": result.missing,
    }


def _identification(result: Identification) -> dict[str, Any]:
    return {
        "kind": "identification",
        **_common(result),
        "splits": [
            {
                "people": len(search.people),
                "enrolled": len(search.owner),
                "probes": len(search.probes),
                "strangers": len(search.strangers) - search.held_out,
                "held_out": search.held_out,
                "threshold": _number(search.threshold),
            }
            for search in result.searches
        ],
        "fpir": result.fpir,
        "ranks": [{"rank": rank, **_repeated(share)} for rank, share in zip(RANKS, result.ranks, strict=True)],
        "tpir": [
            {"fpir": rate, "splits": [_at_rate(point, "fpir", "tpir") for point in points]}
            for rate, points in zip(FPIRS, result.tpir, strict=True)
        ],
        "right": _repeated(result.right),
        "wrong": _repeated(result.wrong),
        "unknown": _repeated(result.unknown),
        "strangers_named": _repeated(result.strangers_named),
        "persons": [
            {"person": score.person, "recall": _share(score.recall), "precision": _share(score.precision)}
            for score in result.persons
        ],
        "confusion": {"people": list(result.confusion.people), "counts": result.confusion.counts.tolist()},
        "cmc": result.cmc.tolist(),
        "unenrolled": list(result.unenrolled),
    }


def _common(result: Verification | Identification) -> dict[str, Any]:
    return {
        "name": result.name,
        "models": None if result.fingerprint is None else result.fingerprint.to_dict(),
        "seconds_per_photograph": result.seconds,
        "no_face": [str(path) for path in result.no_face],
        "skip_missing": result.skipped,
        "mistakes": [_mistake(mistake) for mistake in result.mistakes],
    }


def _mistake(mistake: Mistake) -> dict[str, Any]:
    return {
        "what": mistake.description,
        "photograph": str(mistake.photograph),
        "other": None if mistake.other is None else str(mistake.other),
        "distance": _number(mistake.distance),
    }


def _share(share: Share) -> dict[str, Any]:
    return {"value": _number(share.value), "count": share.count, "low": share.low, "high": share.high}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _repeated(share: Repeated) -> dict[str, Any]:
    splits = [_share(split) for split in share.splits]
    whole = share.whole
    mean = {"mean": _number(share.mean), "low": whole.low, "high": whole.high, "deviation": share.deviation}
    return {**mean, "splits": splits}


def _at_rate(point: AtRate, rate: str, accepted: str) -> dict[str, Any]:
    return {
        rate: point.rate,
        "others": point.impostors,
        "threshold": _number(point.threshold),
        accepted: None if point.accepted is None else _share(point.accepted),
    }


def _number(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
