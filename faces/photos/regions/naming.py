"""Take the names that other programs gave to faces as answers about the faces of a library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.errors import FacesError, UsageError
from faces.photos import answers, contents, groups
from faces.photos.library import Library, path_of, stored
from faces.photos.records import READ, Face
from faces.photos.regions import picasa
from faces.photos.regions.labels import Labels, folded
from faces.photos.regions.places import sidecars
from faces.photos.regions.reading import read_labels
from faces.photos.regions.region import Box, overlap, same_face
from faces.recognition.recognizers import Recognizer, identify_together

BATCH = 200  # photographs after whose metadata are read it is stored that they were

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken over.

    faces: faces whose names were taken. notes: of each photograph, what could not be used, and why.
    """

    faces: int
    notes: tuple[tuple[Path, str], ...]


def take_labels(
    library: Library, recognizer: Recognizer | None = None, progress: Progress = lambda done, total: None
) -> Taken:
    """Take the names in photographs' metadata as answers: of regions that overlap a face, and of single faces.

    Only photographs whose file or sidecar changed since the last time are read. Names that the library itself wrote
    are no answers.
    recognizer: of enrolled people; a name in metadata that it contradicts counts, and is told.
    Raises FacesError if the library cannot be written.
    """
    spelled = {folded(name): name for name in groups.people(library)}
    taken, notes = 0, list[tuple[Path, str]]()
    waiting = list(_waiting(library))
    seen: list[tuple[bytes, str]] = []
    for done, (path, stamp) in enumerate(waiting, 1):
        progress(done, len(waiting))
        try:
            labels = read_labels(path)
        except FacesError as error:
            notes.append((path, str(error).removeprefix(f"{path}: ")))
        else:
            matches = list(_matches(labels, list(contents.faces(library, path=path)), spelled))
            enrolled = _enrolled(library, recognizer, [face for face, _ in matches])
            spelled = {folded(name): name for name in (*(name for _, name in matches), *enrolled) if name} | spelled
            matches = [(face, spelled[folded(name)]) for face, name in matches]
            number, told = _take(library, path, matches)
            told += _contradicted(matches, enrolled)
            taken += number
            notes += [(path, note) for note in (*labels.notes, *told)]
            seen.append((stored(path), stamp))
        if len(seen) == BATCH or done == len(waiting):
            with library.write() as database:
                database.executemany("INSERT OR REPLACE INTO regions_read VALUES (?, ?)", seen)
            seen.clear()
    return Taken(taken, tuple(notes))


def _take(library: Library, path: Path, matches: Sequence[tuple[Face, str]]) -> tuple[int, list[str]]:
    """Take names as answers, and return their number and what is wrong with others."""
    sql = "SELECT person FROM regions_written WHERE path = ?"
    own = {folded(row[0]) for row in library.query(sql, stored(path))}
    count = Counter(name for _, name in matches)  # two faces of one picture are never one person
    told = [f"more than one face is {name!r}; none of them is taken" for name, faces in count.items() if faces > 1]
    taken = 0
    for face, name in matches:
        if count[name] == 1 and folded(name) not in own:
            try:
                answers.name_region(library, path, np.array(face.xyxy, np.float32), name)
                taken += 1
            except UsageError as error:
                told.append(str(error))
    return taken, told


def _enrolled(library: Library, recognizer: Recognizer | None, faces: Sequence[Face]) -> list[str | None]:
    """Return whom the recognizer takes faces of one picture for."""
    if recognizer is None or not faces:
        return [None] * len(faces)
    return list(identify_together(recognizer, contents.embeddings(library, [face.id for face in faces])).names)


def _contradicted(matches: Sequence[tuple[Face, str]], enrolled: Sequence[str | None]) -> list[str]:
    pairs = [(name, other) for (_, name), other in zip(matches, enrolled, strict=True) if other is not None]
    clashing = [(name, other) for name, other in pairs if folded(name) != folded(other)]
    return [f"a face is {name!r} there, which counts, but {other!r} to the recognizer" for name, other in clashing]


def shares(face: Face) -> Box:
    """Return the box of a face as shares of its picture."""
    (x1, y1, x2, y2), (width, height) = face.xyxy, face.picture
    return x1 / width, y1 / height, x2 / width, y2 / height


def stamp_of(photograph: Path) -> str:
    """Return what changes when a photograph, one of its sidecars, or Picasa's file of its folder changes."""
    files = (photograph, *sidecars(photograph), *(photograph.with_name(name) for name in picasa.NAMES))
    return repr([(path.name, *state) for path in files if (state := _state(path))])


def _state(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size


def _waiting(library: Library) -> Iterator[tuple[Path, str]]:
    """Yield the photographs with faces whose metadata were not read, and their stamps."""
    known = {row[0]: row[1] for row in library.query("SELECT path, stamp FROM regions_read")}
    sql = (
        "SELECT path FROM files WHERE state = ? AND EXISTS"
        " (SELECT 1 FROM faces WHERE faces.sha256 = files.sha256 AND time IS NULL) ORDER BY path"
    )
    for (value,) in library.query(sql, READ):
        path = path_of(value)
        if (stamp := stamp_of(path)) != known.get(value) and path.exists():
            yield path, stamp


def _matches(labels: Labels, faces: Sequence[Face], spelled: dict[str, str]) -> Iterator[tuple[Face, str]]:
    """Yield faces with the names of their regions, each face and each region once, the best overlap first.

    A single face without a region has the single name among the photograph's keywords.
    """
    named = [region for region in labels.regions if region.name]
    pairs = [(overlap(shares(face), region.box), face, region) for face in faces for region in named]
    faces_left, regions_left = list(faces), list(named)
    for _, face, region in sorted(pairs, key=lambda pair: -pair[0]):
        if face in faces_left and region in regions_left and same_face(shares(face), region.box):
            faces_left.remove(face)
            regions_left.remove(region)
            yield face, region.name
    names = {folded(name): name for name in labels.names(spelled.values())}
    if len(faces) == len(names) == 1 and not labels.regions:
        yield faces[0], next(iter(names.values()))
