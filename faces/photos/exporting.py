"""Put the best and most different photographs of people into a data set: ``dataset/<person>/``."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.errors import FacesError, UsageError, reason_of
from faces.files.writing import OWNER_FILE, make_folder
from faces.images import write_image
from faces.photos import contents, groups
from faces.photos.answers import is_folder_name
from faces.photos.library import Library
from faces.photos.pictures import picture_of, square
from faces.photos.records import Face
from faces.photos.scanning.looking import is_film
from faces.types import FAR_LARGER

MOST = 10  # photographs of a person
ALONE_SIDE = 400  # px of a face that is cut out of a picture with others
CLEAR = 0.2  # quality of a face from which it is worth enrolling


@dataclass(frozen=True, slots=True)
class Exported:
    """What was put into a data set: people, photographs, and photographs that were there before."""

    people: int
    photographs: int
    known: int


def export(
    library: Library, dataset: Path, people: Sequence[str] = (), most: int = MOST, copy: bool = False
) -> Exported:
    """Put photographs of people into ``dataset/<person>/``, those with clear faces that are least like each other.

    A photograph of one person becomes a link. Of one with other faces about as large, and of a film, the face is cut
    out with a margin, so that it is the person who is enrolled. What is there already stays as it is.
    people: names; default: everybody with a name. most: photographs of each. copy: copies instead of links.
    Raises UsageError for an unknown name, one that cannot be a folder, and where nobody has a name; FacesError if a
    file cannot be written.
    """
    known = groups.people(library)
    if not known:
        raise UsageError(f"nobody in {library.path} has a name; run: faces photos name")
    if unknown := [name for name in people if name not in known]:
        raise UsageError(f"nobody in {library.path} has the name {unknown[0]!r}")
    if unusable := [name for name in people or known if not is_folder_name(name)]:  # of enrolled people
        raise UsageError(f"{unusable[0]!r} cannot be a folder; rename this person, or name the people to export")
    made = there = 0
    for name in people or known:
        folder = dataset / name
        for face in choose(library, name, most):
            path = folder / f"{face.sha256[:16]}-{face.id}{_suffix(library, face)}"
            if path.exists() or path.is_symlink():
                there += 1
                continue
            made += _put(library, face, path, copy)
    return Exported(len(people or known), made, there)


def choose(library: Library, person: str, most: int) -> list[Face]:
    """Return a person's faces to enrol: the clearest first, then always the one that is least like those chosen."""
    faces: dict[object, Face] = {}
    for face in contents.faces(library, person=person, best_first=True):
        if face.quality >= CLEAR or not faces:
            faces.setdefault((face.sha256, face.track), face)
    listed = list(faces.values())
    if not listed:
        return []
    embeddings = contents.embeddings(library, [face.id for face in listed])
    typical = np.array([face.likeness if face.likeness is not None else np.inf for face in listed])
    usable = np.flatnonzero(typical >= np.quantile(typical, 0.1)) if len(listed) > most else np.arange(len(listed))
    chosen = [int(usable[0])]
    while len(chosen) < min(most, len(usable)):
        nearest = (embeddings[usable] @ embeddings[chosen].T).max(axis=1)
        chosen.append(int(usable[int(nearest.argmin())]))
    return [listed[row] for row in chosen]


def _suffix(library: Library, face: Face) -> str:
    return ".jpg" if _with_others(library, face) else face.path.suffix.lower()


def _with_others(library: Library, face: Face) -> bool:
    """Return whether the face has to be cut out: of a film, or of a picture with another face about as large."""
    if is_film(face.path):
        return True
    beside = [other for other in contents.faces(library, path=face.path) if other.id != face.id]
    return any(_side(other) * FAR_LARGER >= _side(face) for other in beside)


def _side(face: Face) -> float:
    x1, y1, x2, y2 = face.xyxy
    return float(np.sqrt(max(x2 - x1, 0) * max(y2 - y1, 0)))


def _put(library: Library, face: Face, path: Path, copy: bool) -> bool:
    """Make a photograph of a face; return whether it could be read."""
    try:
        make_folder(path.parent)
        if _with_others(library, face):
            if (image := picture_of(face)) is None:
                return False
            write_image(path, square(image, face.xyxy, ALONE_SIDE))
        elif not face.path.is_file():
            return False
        elif copy:
            shutil.copyfile(face.path, path)
            path.chmod(OWNER_FILE)
        else:
            path.symlink_to(face.path)
    except OSError as error:
        raise FacesError(f"cannot write {path}: {reason_of(error)}") from error
    return True
