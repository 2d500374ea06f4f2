"""Search one gallery for probes and strangers, with the distances that the recognizer uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.errors import FacesError
from faces.evaluation.figures.results import NO_RANK, Search
from faces.evaluation.figures.shares import Indices
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.trials import Trial
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Floats

BATCH_DISTANCES = 2**24  # probes x photographs: bounds memory
NOBODY = -1


def train_recognizer(
    trial: Trial, photographs: Photographs, fpir: float, threshold: float | None = None
) -> FaceRecognizer:
    """Train a recognizer on a trial's gallery.

    fpir: false positive identification rate that the threshold is chosen for.
    threshold: distance to use instead.

    Raises FacesError if no photograph of the gallery has a face, or as ``FaceRecognizer.fit`` does.
    """
    rows = photographs.rows(path for _, path in trial.gallery)
    kept = photographs.has_face[rows]
    if not kept.any():
        raise FacesError(f"no face found in any of the {len(rows):,} photographs of the gallery: nobody is enrolled")
    names = tuple(name for (name, _), has_face in zip(trial.gallery, kept, strict=True) if has_face)
    gallery = Gallery(photographs.embeddings[rows[kept]], names, fingerprint=photographs.fingerprint)
    return FaceRecognizer(fpir, threshold).fit(gallery)


def search_gallery(
    recognizer: FaceRecognizer, trial: Trial, photographs: Photographs, skip_missing: bool = False
) -> Search:
    """Search a recognizer's gallery for the probes and strangers of a trial.

    skip_missing: leave out probes without a face.

    Raises FacesError if no probe has a face.
    """
    names, people = recognizer.names_.tolist(), recognizer.people_
    has_face = dict(zip(photographs.paths, photographs.has_face.tolist(), strict=True))
    probes = [(person, path) for person, path in trial.probes if has_face[path] or not skip_missing]
    with_face = np.array([has_face[path] for _, path in probes], np.bool_)
    if not with_face.any():
        raise FacesError(f"no face found in any of the {len(trial.probes):,} probes")
    number = {name: k for k, name in enumerate(names)}
    own = np.array([number.get(person, NOBODY) for person, _ in probes], np.intp)

    embeddings = photographs.embeddings[photographs.rows(path for _, path in probes)][with_face]
    closest = _closest(recognizer, embeddings, own[with_face])
    count, (at,) = len(probes), np.nonzero(with_face)
    rank, nearest = np.full(count, NO_RANK, np.intp), np.full(count, NOBODY, np.intp)
    genuine, distance = np.full(count, np.inf, np.float32), np.full(count, np.inf, np.float32)
    rank[at], nearest[at], genuine[at], distance[at] = closest.rank, closest.nearest, closest.genuine, closest.distance
    named: list[str | None] = [None] * count
    for k, name in zip(at, recognizer.identify(embeddings).names, strict=True):
        named[k] = name

    strangers = [path for path in trial.strangers if has_face[path]]
    stranger_embeddings = photographs.embeddings[photographs.rows(strangers)]
    closest_stranger = _closest(recognizer, stranger_embeddings, np.full(len(strangers), NOBODY, np.intp))
    may_hold_out = trial.hold_out and len(names) > 1
    held_out = np.flatnonzero(with_face & (own != NOBODY)) if may_hold_out else np.zeros(0, np.intp)
    rows = np.searchsorted(at, held_out)
    threshold = recognizer.threshold_.distance
    held_out_named = [
        names[k] if distance <= threshold else None
        for k, distance in zip(closest.other[rows], closest.other_distance[rows], strict=True)
    ]
    return Search(
        people=tuple(names),
        enrolled=_enrolled(trial, has_face),
        owner=people.owner,
        embeddings=people.embeddings,
        probes=tuple(path for _, path in probes),
        truth=tuple(person for person, _ in probes),
        rank=rank,
        nearest=tuple(None if k == NOBODY else names[k] for k in nearest),
        named=tuple(named),
        genuine=genuine,
        distance=distance,
        strangers=(*strangers, *(probes[k][1] for k in held_out)),
        stranger_shown=(*map(trial.shown, strangers), *(probes[k][0] for k in held_out)),
        stranger_nearest=tuple(names[k] for k in (*closest_stranger.nearest, *closest.other[rows])),
        stranger_named=(*recognizer.identify(stranger_embeddings).names, *held_out_named),
        stranger_distance=np.concatenate([closest_stranger.distance, closest.other_distance[rows]]),
        held_out=len(held_out),
        threshold=threshold,
    )


def _enrolled(trial: Trial, has_face: dict[Path, bool]) -> tuple[Path, ...]:
    """Return the gallery's photographs with a face in the recognizer's order: person after person."""
    kept = [(person, path) for person, path in trial.gallery if has_face[path]]
    return tuple(path for _, path in sorted(kept, key=lambda item: item[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Closest:
    """The closest people of N faces, (N,) each; ``NO_RANK`` and inf if there is no such person.

    rank: number of people who are closer than the face's own person.
    genuine: distance to the own person.
    nearest, distance: index of the closest person, and the distance.
    other, other_distance: the same, without the own person.
    """

    rank: Indices
    genuine: Floats
    nearest: Indices
    distance: Floats
    other: Indices
    other_distance: Floats


def _closest(recognizer: FaceRecognizer, embeddings: Floats, own: Indices) -> _Closest:
    """Find the closest people. own: intp (N,), index of each face's own person, or ``NOBODY``."""
    count = len(embeddings)
    rank, nearest, other = np.full(count, NO_RANK, np.intp), np.zeros(count, np.intp), np.zeros(count, np.intp)
    genuine, distance, other_distance = (np.full(count, np.inf, np.float32) for _ in range(3))
    step = max(1, BATCH_DISTANCES // len(recognizer.people_.embeddings))
    for batch in (slice(start, start + step) for start in range(0, count, step)):
        distances = recognizer.distances(embeddings[batch])
        rows = np.arange(len(distances))
        nearest[batch] = distances.argmin(axis=1)
        distance[batch] = distances[rows, nearest[batch]]
        has_own = own[batch] != NOBODY
        genuine[batch][has_own] = distances[rows[has_own], own[batch][has_own]]
        rank[batch][has_own] = (distances[has_own] < genuine[batch][has_own, None]).sum(axis=1)
        distances[rows[has_own], own[batch][has_own]] = np.inf
        other[batch] = distances.argmin(axis=1)
        other_distance[batch] = distances[rows, other[batch]]
    return _Closest(
        rank=rank,
        genuine=genuine,
        nearest=nearest,
        distance=distance,
        other=other,
        other_distance=other_distance,
    )
