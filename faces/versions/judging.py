"""Is a new recognizer as good as the one in service? Photographs that neither was trained on tell.

Both are trained once more without them, each on its own gallery: the recognizers to be compared have seen them.
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

ONE_IN = 5  # of each person's photographs, at least one of those who have two
AT_MOST = 2000  # of all: so many tell a loss of one in a hundred
SAME = 1 - 1e-4  # similarity of one photograph to itself: embedded again, elsewhere, its last bits may differ
AT_ONCE = 2**24  # similarities: bounds memory
THRESHOLDS = 2  # how a threshold follows from a gallery: a recognizer of an older way is not the same one


@dataclass(frozen=True, slots=True)
class Score:
    """How many photographs were given the right name, a wrong one, or none."""

    right: int
    wrong: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the new recognizer may replace the old one, why, and the figures."""

    good: bool
    why: str
    check: dict[str, Any] = field(default_factory=dict)


def source(gallery: Gallery, fpir: float, threshold: float | None, classifier: str) -> str:
    """The SHA-256 of what makes a recognizer: embeddings and names, in any order of people, models and options."""
    names, order, starts = by_person(gallery.names)
    models = gallery.fingerprint and gallery.fingerprint.to_dict()
    options = [fpir, threshold, classifier, THRESHOLDS]
    digest = hashlib.sha256(json.dumps([names, starts.tolist(), models, *options]).encode())
    digest.update(np.ascontiguousarray(gallery.embeddings[order]).tobytes())
    return digest.hexdigest()


def gallery_of(recognizer: FaceRecognizer) -> Gallery:
    """The photographs that a recognizer was trained on, as far as it remembers them."""
    names = recognizer.names_[recognizer.people_.owner].tolist()
    return Gallery(recognizer.people_.embeddings, tuple(names), fingerprint=recognizer.fingerprint_)


def judge(old: FaceRecognizer, new: FaceRecognizer, tolerance: float) -> Verdict:
    """Compare two recognizers of the same models by photographs of the new one's gallery.

    The new one may get fewer right by a share ``tolerance`` of them, or by one photograph; and more than half of the
    photographs of the old one may not be gone.
    """
    before, now = gallery_of(old).of_people(), gallery_of(new)
    gone = _missing(before, now)
    if 2 * gone > len(before):
        return _gone(gone, len(before))
    held = _held_out(new, set(before.names))
    if len(held) == 0:
        return Verdict(True, "nobody of a name known before has two photographs to compare it by")
    probes, truth = now.embeddings[held], np.array(now.names)[held]
    try:
        one, other = (_without(recognizer, probes) for recognizer in (old, new))
    except FacesError:  # too little is left to train on
        return Verdict(True, "too few photographs to compare it by")
    both = np.isin(truth, np.intersect1d(one.names_, other.names_))
    probes, truth = probes[both], truth[both]
    was, found = (_score(recognizer, probes, truth) for recognizer in (one, other))
    check = {"photographs": len(truth), "before": asdict(was), "now": asdict(found)}
    why = f"{found.right} of {len(truth)} held-out photographs right, before {was.right}"
    return Verdict(_tolerable(was.right - found.right, len(truth), tolerance), why, check)


def judge_reports(old: Mapping[str, Any], new: Mapping[str, Any], tolerance: float) -> Verdict:
    """Compare two training reports: embeddings of different models cannot be compared, but these figures can."""
    if not old.get("left_out") or not new.get("left_out"):
        return Verdict(True, "there is nothing to compare it by")
    if 2 * new["photographs"] < old["photographs"]:
        return _gone(old["photographs"] - new["photographs"], old["photographs"])
    was, found = (report["right"] / report["left_out"] for report in (old, new))
    kept = ("left_out", "right", "wrong", "unknown")
    check = {"before": {key: old[key] for key in kept}, "now": {key: new[key] for key in kept}}
    why = f"by other models; {found:.1%} right when one photograph is left out, before {was:.1%}"
    return Verdict(_tolerable((was - found) * new["left_out"], new["left_out"], tolerance), why, check)


def _tolerable(lost: float, of: int, tolerance: float) -> bool:
    """One photograph is no evidence, however few there are."""
    return round(lost - max(1.0, tolerance * of), 6) <= 0


def _gone(photographs: int, of: int) -> Verdict:
    why = f"{photographs} of {of} photographs known before are gone: is a disk not mounted?"
    return Verdict(False, why, {"gone": photographs, "of": of})


def _missing(before: Gallery, now: Gallery) -> int:
    """How many photographs are gone: not there by whatever name, and no other one of the same name instead.

    Names alone settle it but where they tell of a loss, which may be of names only.
    """
    by_name = (Counter(before.names) - Counter(now.names)).total()
    if 2 * by_name <= len(before):
        return by_name
    old, new = _other_rows(before.embeddings, now.embeddings), _other_rows(now.embeddings, before.embeddings)
    return (Counter(before.names[row] for row in old) - Counter(now.names[row] for row in new)).total()


def _other_rows(embeddings: Floats, others: Floats) -> Indices:
    """The rows that are not, bit for bit, among the others; a rename keeps them."""
    known = {row.tobytes() for row in others}
    return np.array([k for k, row in enumerate(embeddings) if row.tobytes() not in known], np.intp)


def _held_out(recognizer: FaceRecognizer, names: set[str]) -> Indices:
    """The rows of about one in ``ONE_IN`` photographs of each of these people: always the same ones, by content."""
    people = recognizer.people_
    known = np.array([name in names for name in recognizer.names_.tolist()])
    share = np.where(known & (people.counts > 1), np.maximum(1, people.counts // ONE_IN), 0)
    keys = np.array([_key(row) for row in people.embeddings], np.uint64)
    order = np.lexsort((keys, people.owner))
    place = np.arange(len(keys)) - np.repeat(people.starts, people.counts)
    chosen = order[place < np.repeat(share, people.counts)]
    return np.asarray(chosen[np.argsort(keys[chosen])][:AT_MOST])


def _key(embedding: Floats) -> int:
    """A number that stands for a photograph's content."""
    return int.from_bytes(hashlib.sha256(embedding.tobytes()).digest()[:8], "big")


def _without(recognizer: FaceRecognizer, probes: Floats) -> FaceRecognizer:
    """Trained in the same way, without these photographs."""
    gallery = gallery_of(recognizer)
    step, held = max(1, AT_ONCE // len(probes)), np.zeros(len(gallery), np.bool_)
    for some in (slice(start, start + step) for start in range(0, len(gallery), step)):
        held[some] = (gallery.embeddings[some] @ probes.T).max(axis=1) > SAME
    names = tuple(name for name, out in zip(gallery.names, held, strict=True) if not out)
    rest = Gallery(gallery.embeddings[~held], names, fingerprint=gallery.fingerprint)
    return FaceRecognizer(recognizer.fpir, recognizer.threshold, recognizer.classifier).fit(rest)


def _score(recognizer: FaceRecognizer, probes: Floats, truth: NDArray[Any]) -> Score:
    names = recognizer.identify(probes).names
    right = sum(name == true for name, true in zip(names, truth.tolist(), strict=True))
    unknown = names.count(None)
    return Score(right, len(names) - right - unknown, unknown)
