"""Judge whether a new recognizer is as good as the one in service, by photographs that neither was trained on.

Both are trained again without these photographs, each on its own gallery.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError
from faces.recognition.distances import Indices, by_person
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Floats
from faces.versions.version import Report

HELD_OUT = 5  # one in so many photographs of each person with two or more; at least one
MAX_HELD_OUT = 2000  # in all: enough to notice a loss of one in a hundred
SAME = 1 - 1e-4  # similarity of a photograph to itself: embedded on another machine, its last bits may differ
BLOCK_SIMILARITIES = 2**24  # computed together: bounds memory
COMPARED = {"left_out", "right", "wrong", "unknown", "photographs"}  # of training reports
THRESHOLD_RULES = 3  # raised whenever thresholds are derived in another way: the recognizer is then another one


@dataclass(frozen=True, slots=True)
class Score:
    """The numbers of photographs with the right name, a wrong name, and none."""

    right: int
    wrong: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the new recognizer may replace the old one, why, and the figures."""

    good: bool
    why: str
    check: dict[str, Any] = field(default_factory=dict)


def is_of_losses(check: Mapping[str, Any]) -> bool:
    """Return whether a version was rejected since too many photographs are gone, by the figures of its verdict."""
    return "gone" in check


def source(gallery: Gallery, fpir: float, threshold: float | None, classifier: str) -> str:
    """Return the SHA-256 of what a recognizer is made of: embeddings, names, models and options."""
    names, order, starts = by_person(gallery.names)
    models = gallery.fingerprint and gallery.fingerprint.to_dict()
    options = [fpir, threshold, classifier, THRESHOLD_RULES]
    digest = hashlib.sha256(json.dumps([names, starts.tolist(), models, *options]).encode())
    digest.update(np.ascontiguousarray(gallery.embeddings[order]).tobytes())
    return digest.hexdigest()


def gallery_of(recognizer: FaceRecognizer) -> Gallery:
    """Return the gallery that a recognizer was trained on: embeddings, names and fingerprint."""
    names = recognizer.names_[recognizer.people_.owner].tolist()
    return Gallery(recognizer.people_.embeddings, tuple(names), fingerprint=recognizer.fingerprint_)


def judge(old: FaceRecognizer, new: FaceRecognizer, tolerance: float, accept_losses: bool = False) -> Verdict:
    """Compare two recognizers of the same models by held-out photographs of the new one's gallery.

    The new one is good if it loses at most a share ``tolerance`` of the right ones, or one photograph, and at most half
    of the old gallery's photographs are gone, or more with ``accept_losses``.
    """
    before, now = gallery_of(old).of_people(), gallery_of(new)
    gone = _missing(before, now)
    if 2 * gone > len(before) and not accept_losses:
        return _gone(gone, len(before))
    held = _held_out(new, set(before.names))
    if len(held) == 0:
        return Verdict(True, "no person of the version before has two photographs to compare it by")
    probes, truth = now.embeddings[held], np.array(now.names)[held]
    try:
        old_without, new_without = (_without(recognizer, probes) for recognizer in (old, new))
    except FacesError:  # too few are left to train on
        return Verdict(True, "too few photographs to compare it by")
    both = np.isin(truth, np.intersect1d(old_without.names_, new_without.names_))
    probes, truth = probes[both], truth[both]
    old_score, new_score = (_score(recognizer, probes, truth) for recognizer in (old_without, new_without))
    check = {"photographs": len(truth), "before": asdict(old_score), "now": asdict(new_score)}
    why = f"{new_score.right} of {len(truth)} held-out photographs right, before {old_score.right}"
    return Verdict(_tolerable(old_score.right - new_score.right, len(truth), tolerance), why, check)


def judge_reports(old: Report, new: Report, tolerance: float, accept_losses: bool = False) -> Verdict:
    """Compare the training reports of recognizers of different models, whose embeddings cannot be compared."""
    if any(not report.keys() >= COMPARED or report["left_out"] < 1 for report in (old, new)):
        return Verdict(True, "there is nothing to compare it by")
    if 2 * new["photographs"] < old["photographs"] and not accept_losses:
        return _gone(old["photographs"] - new["photographs"], old["photographs"])
    before, now = (report["right"] / report["left_out"] for report in (old, new))
    check: dict[str, Any] = {"before": _leave_one_out(old), "now": _leave_one_out(new)}
    why = f"by other models; {now:.1%} right when one photograph is left out, before {before:.1%}"
    return Verdict(_tolerable((before - now) * new["left_out"], new["left_out"], tolerance), why, check)


def _leave_one_out(report: Report) -> dict[str, int]:
    return {name: report[name] for name in ("left_out", "right", "wrong", "unknown")}


def _tolerable(lost: float, of: int, tolerance: float) -> bool:
    """Return whether a loss is small enough; one photograph always is: it is no evidence."""
    return round(lost - max(1.0, tolerance * of), 6) <= 0


def _gone(photographs: int, of: int) -> Verdict:
    why = f"{photographs} of {of} photographs known before are gone: is a disk not mounted?"
    return Verdict(False, why, {"gone": photographs, "of": of})


def _missing(before: Gallery, now: Gallery) -> int:
    """Return how many photographs are gone: under any name, and without another one of the same name instead.

    Names alone decide unless they show a loss, which may be a renaming.
    """
    by_name = (Counter(before.names) - Counter(now.names)).total()
    if 2 * by_name <= len(before):
        return by_name
    old, new = _other_rows(before.embeddings, now.embeddings), _other_rows(now.embeddings, before.embeddings)
    return (Counter(before.names[row] for row in old) - Counter(now.names[row] for row in new)).total()


def _other_rows(embeddings: Floats, others: Floats) -> Indices:
    """Return the rows that are not, bit for bit, among the others."""
    known = {row.tobytes() for row in others}
    return np.array([k for k, row in enumerate(embeddings) if row.tobytes() not in known], np.intp)


def _held_out(recognizer: FaceRecognizer, names: set[str]) -> Indices:
    """Return the rows of one in ``HELD_OUT`` photographs of each of these people: always the same ones, by content."""
    people = recognizer.people_
    known = np.array([name in names for name in recognizer.names_.tolist()])
    share = np.where(known & (people.counts > 1), np.maximum(1, people.counts // HELD_OUT), 0)
    keys = np.array([_key(row) for row in people.embeddings], np.uint64)
    order = np.lexsort((keys, people.owner))
    place = np.arange(len(keys)) - np.repeat(people.starts, people.counts)
    chosen = order[place < np.repeat(share, people.counts)]
    return np.asarray(chosen[np.argsort(keys[chosen])][:MAX_HELD_OUT])


def _key(embedding: Floats) -> int:
    """Return a number that depends on a photograph's content only."""
    return int.from_bytes(hashlib.sha256(embedding.tobytes()).digest()[:8], "big")


def _without(recognizer: FaceRecognizer, probes: Floats) -> FaceRecognizer:
    """Return a recognizer trained in the same way without these photographs."""
    gallery = gallery_of(recognizer)
    step, held = max(1, BLOCK_SIMILARITIES // len(probes)), np.zeros(len(gallery), np.bool_)
    for block in (slice(start, start + step) for start in range(0, len(gallery), step)):
        held[block] = (gallery.embeddings[block] @ probes.T).max(axis=1) > SAME
    names = tuple(name for name, out in zip(gallery.names, held, strict=True) if not out)
    rest = Gallery(gallery.embeddings[~held], names, fingerprint=gallery.fingerprint)
    return FaceRecognizer(recognizer.fpir, recognizer.threshold, recognizer.classifier).fit(rest)


def _score(recognizer: FaceRecognizer, probes: Floats, truth: NDArray[Any]) -> Score:
    names = recognizer.identify(probes).names
    right = sum(name == true for name, true in zip(names, truth.tolist(), strict=True))
    unknown = names.count(None)
    return Score(right, len(names) - right - unknown, unknown)
