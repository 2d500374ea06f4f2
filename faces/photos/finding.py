"""Find photographs by the people in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path

import numpy as np

from faces.errors import FacesError, UsageError
from faces.photos import contents, groups
from faces.photos.grouping import FALSE_MERGE
from faces.photos.library import Library, path_of
from faces.photos.records import IGNORED, POOR, Face
from faces.recognition.impostors import impostors_of
from faces.types import Floats

TAKEN = "COALESCE(NULLIF(taken, ''), strftime('%Y-%m-%dT%H:%M:%S', modified / 1000000000, 'unixepoch'))"


@dataclass(frozen=True, slots=True)
class Found:
    """A photograph or film that was found.

    taken: when, ISO 8601; when the file was changed, if it does not say. people: the names of those in it.
    similarity: of the face that is most like an example, as a cosine; None without an example.
    """

    path: Path
    taken: str
    people: tuple[str, ...]
    similarity: float | None = None


def find(
    library: Library,
    people: Collection[str] = (),
    without: Collection[str] = (),
    since: str = "",
    only: bool = False,
    like: Floats | None = None,
    far: float = FALSE_MERGE,
) -> list[Found]:
    """Return the files that show all of some people, by the time at which they were taken.

    people, without: names of those in the picture, and of those who are not. Raises UsageError for an unknown name.
    since: the beginning of an ISO 8601 date, such as ``2019``; files from then on.
    only: nobody else is in the picture, with or without a name; ignored and unclear faces do not count.
    like: float32 (D,), the embedding of a face that a face of the picture is like; then the most similar come first.
    far: share of different people that may count as like, in (0, 1).
    """
    known = groups.people(library)
    for name in (*people, *without):
        if name not in known:
            names = ", ".join(sorted(known)[:10]) or "none yet; run: faces photos name"
            raise UsageError(f"nobody in {library.path} has the name {name!r}; there are: {names}")
    alike = None if like is None else _alike(library, like, far)
    found = []
    for file, others, ids in _files(library):
        seen = set(file.people)
        if not set(people) <= seen or not seen.isdisjoint(without) or file.taken < since:
            continue
        if only and (others or seen - set(people)):
            continue
        best = None if alike is None else max((alike[face] for face in ids if face in alike), default=None)
        if alike is None or best is not None:
            found.append(replace(file, similarity=best))
    return sorted(found, key=lambda one: (-(one.similarity or 0), one.taken, one.path))


def since_date(text: str) -> str:
    """Return a date such as ``2019``, ``2019-05`` or ``2019-05-20`` as it is; raise ValueError for another text."""
    for pattern in ("%Y", "%Y-%m", "%Y-%m-%d"):
        try:
            datetime.strptime(text, pattern)
        except ValueError:
            continue
        if len(text) == len(datetime(2000, 1, 1).strftime(pattern)):
            return text
    raise ValueError(text)


def _files(library: Library) -> Iterator[tuple[Found, int, list[int]]]:
    """Yield each file with faces, the number of its faces without a name, and the numbers of all its faces."""
    sql = (
        f"SELECT path, {TAKEN} AS at, faces.id, status, name FROM files JOIN contents USING (sha256)"
        " JOIN faces USING (sha256) LEFT JOIN people ON people.id = faces.person ORDER BY path"
    )
    for (path, at), rows in groupby(library.each(sql), key=lambda row: (row["path"], row["at"])):
        faces = list(rows)
        names = sorted({row["name"] for row in faces if row["name"]})
        others = sum(row["name"] is None and row["status"] not in (IGNORED, POOR) for row in faces)
        yield Found(path_of(path), at, tuple(names)), others, [row["id"] for row in faces]


def _alike(library: Library, like: Floats, far: float) -> dict[int, float]:
    """Return the faces that are like an example, and their cosine to it."""
    fingerprint = library.fingerprint
    impostors = impostors_of(fingerprint.embedder) if fingerprint else None
    if impostors is None:
        raise FacesError(f"{library.path}: its embedder was not measured, so faces cannot be compared with an example")
    rows = library.query("SELECT id, embedding FROM faces ORDER BY id")
    if not rows:
        return {}
    embeddings = np.stack([np.frombuffer(row["embedding"], np.float32) for row in rows])
    crowding = impostors.crowding(embeddings) + impostors.crowding(like[None])
    cosine = embeddings @ like
    distance = np.sqrt(np.maximum(2 - 2 * cosine, 0))
    near = np.flatnonzero(distance <= impostors.limits_between(far, crowding))
    return {rows[row]["id"]: float(cosine[row]) for row in near}


def best_faces(library: Library, group: int, most: int) -> list[Face]:
    """Return the clearest and most typical faces of a group, one for each picture and track."""
    chosen: dict[object, Face] = {}
    for face in contents.faces(library, group=group, best_first=True):
        chosen.setdefault((face.sha256, face.track), face)
        if len(chosen) == most:
            break
    return list(chosen.values())
