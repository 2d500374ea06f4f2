"""Probes and strangers looked for in a gallery, with the distances that the recognizer decides by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.errors import FacesError
from faces.evaluation.figures.results import NEVER, Indices, Search
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.trials import Trial
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Floats

AT_ONCE = 2**24  # probes x photographs: bounds memory
NOBODY = -1


def trained(trial: Trial, photographs: Photographs, fpir: float, threshold: float | None = None) -> FaceRecognizer:
    """A recognizer of a trial's gallery. Raises FacesError when no photograph in it has a face, or as its ``fit``."""
    rows = photographs.rows(path for _, path in trial.gallery)
    kept = photographs.found[rows]
    if not kept.any():
        raise FacesError(f"no face found in any of the {len(rows):,} photographs of the gallery: nobody is enrolled")
    names = tuple(name for (name, _), k in zip(trial.gallery, kept, strict=True) if k)
    gallery = Gallery(photographs.embeddings[rows[kept]], names, fingerprint=photographs.fingerprint)
    return FaceRecognizer(fpir, threshold).fit(gallery)


def search(recognizer: FaceRecognizer, trial: Trial, photographs: Photographs, skip_missing: bool = False) -> Search:
    """Look for everybody. Raises FacesError when no probe has a face."""
    names, people = recognizer.names_.tolist(), recognizer.people_
    found = dict(zip(photographs.paths, photographs.found.tolist(), strict=True))
    probes = [(who, path) for who, path in trial.probes if found[path] or not skip_missing]
    seen = np.array([found[path] for _, path in probes], np.bool_)
    if not seen.any():
        raise FacesError(f"no face found in any of the {len(trial.probes):,} probes")
    number = {name: k for k, name in enumerate(names)}
    own = np.array([number.get(who, NOBODY) for who, _ in probes], np.intp)

    embeddings = photographs.embeddings[photographs.rows(path for _, path in probes)][seen]
    closest = _closest(recognizer, embeddings, own[seen])
    count, (at,) = len(probes), np.nonzero(seen)
    rank, nearest = np.full(count, NEVER, np.intp), np.full(count, NOBODY, np.intp)
    genuine, distance = np.full(count, np.inf, np.float32), np.full(count, np.inf, np.float32)
    rank[at], nearest[at], genuine[at], distance[at] = closest.rank, closest.nearest, closest.genuine, closest.distance
    said: list[str | None] = [None] * count
    for k, who in zip(at, recognizer.identify(embeddings).names, strict=True):
        said[k] = who

    strangers = [path for path in trial.strangers if found[path]]
    theirs = photographs.embeddings[photographs.rows(strangers)]
    nobody = _closest(recognizer, theirs, np.full(len(strangers), NOBODY, np.intp))
    held_out = np.flatnonzero(seen & (own != NOBODY)) if trial.by_turns and len(names) > 1 else np.zeros(0, np.intp)
    turn = np.searchsorted(at, held_out)
    stranger_nearest = np.concatenate([nobody.nearest, closest.other[turn]])
    stranger_distance = np.concatenate([nobody.distance, closest.other_distance[turn]])
    limit = recognizer.threshold_.distance
    within = stranger_distance[len(strangers) :] <= limit
    said_held_out = [names[k] if near else None for k, near in zip(closest.other[turn], within, strict=True)]
    return Search(
        tuple(names),
        _enrolled(trial, found),
        people.owner,
        people.embeddings,
        tuple(path for _, path in probes),
        tuple(who for who, _ in probes),
        rank,
        tuple(None if k == NOBODY else names[k] for k in nearest),
        tuple(said),
        genuine,
        distance,
        (*strangers, *(probes[k][1] for k in held_out)),
        tuple(names[k] for k in stranger_nearest),
        (*recognizer.identify(theirs).names, *said_held_out),
        stranger_distance,
        len(held_out),
        limit,
    )


def _enrolled(trial: Trial, found: dict[Path, bool]) -> tuple[Path, ...]:
    """The photographs of a trial's gallery with a face, person after person, as a recognizer orders them."""
    kept = [(who, path) for who, path in trial.gallery if found[path]]
    return tuple(path for _, path in sorted(kept, key=lambda one: one[0]))


@dataclass(frozen=True, slots=True)
class _Closest:
    """Of N faces, (N,) each: how many people are closer than their own, who is the closest (``nearest``) and who of
    the others, and the distances to these three; ``NEVER`` and inf where there is no such person."""

    rank: Indices
    genuine: Floats
    nearest: Indices
    distance: Floats
    other: Indices
    other_distance: Floats


def _closest(recognizer: FaceRecognizer, embeddings: Floats, own: Indices) -> _Closest:
    """own: (N,), who each face is, or ``NOBODY``."""
    count = len(embeddings)
    rank, nearest, other = np.full(count, NEVER, np.intp), np.zeros(count, np.intp), np.zeros(count, np.intp)
    genuine, distance, apart = (np.full(count, np.inf, np.float32) for _ in range(3))
    step = max(1, AT_ONCE // len(recognizer.people_.embeddings))
    for some in (slice(start, start + step) for start in range(0, count, step)):
        found = recognizer.distances(embeddings[some])
        rows = np.arange(len(found))
        nearest[some] = found.argmin(axis=1)
        distance[some] = found[rows, nearest[some]]
        mine = own[some] != NOBODY
        genuine[some][mine] = found[rows[mine], own[some][mine]]
        rank[some][mine] = (found[mine] < genuine[some][mine, None]).sum(axis=1)
        found[rows[mine], own[some][mine]] = np.inf
        other[some] = found.argmin(axis=1)
        apart[some] = found[rows, other[some]]
    return _Closest(rank, genuine, nearest, distance, other, apart)
