"""Photographs of people who are known, scanned into a library, with the truth about the main face of each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.photographs import DATA
from faces.cli.progress import progress_bar
from faces.files.finding import find_images
from faces.photos import contents
from faces.photos.library import Library
from faces.photos.records import Face
from faces.photos.scanning.scan import scan
from faces.types import Faces, Floats

Labels = NDArray[np.intp]
STRANGER = "a stranger: "


@dataclass(frozen=True)
class Labelled:
    """All faces of a library, and who the main face of each photograph is; others have the label -1.

    truth: intp (N,), person; -1 for a face beside the main one, which counts for no figure.
    """

    library: Library
    faces: list[Face]
    embeddings: Floats
    truth: Labels
    names: list[str]


def people_and_strangers() -> list[tuple[Path, str]]:
    """24 people with 20 photographs each, 300 with one."""
    known = [(path, path.parent.name) for path in find_images(DATA / "people")]
    return known + [(path, STRANGER + path.stem) for path in find_images(DATA / "strangers")]


def lfw(least: int = 2) -> list[tuple[Path, str]]:
    """The people of LFW's View 1 test pairs with so many photographs or more."""
    paths = list(find_images(DATA / "lfw"))
    counts = {path.parent: 0 for path in paths}
    for path in paths:
        counts[path.parent] += 1
    return [(path, path.parent.name) for path in paths if counts[path.parent] >= least]


def colleagues() -> list[tuple[Path, str]]:
    """40 people with 5 photographs each, before one camera."""
    return [(path, path.parent.name) for path in find_images(DATA / "casia_v5")]


@contextmanager
def scanned(photographs: Sequence[tuple[Path, str]], folder: Path | None = None) -> Iterator[Labelled]:
    """Scan photographs, through links in one folder with no order, and label them.

    folder: where the library is kept for the next run; None: it is deleted.
    """
    with tempfile.TemporaryDirectory() as temporary:
        place = folder or Path(temporary)
        album = place / "album"
        album.mkdir(parents=True, exist_ok=True)
        names: dict[str, str] = {}
        for number, (path, name) in enumerate(photographs):
            link = album / f"IMG_{number:05}{path.suffix}"
            names[link.name] = name
            if not link.is_symlink():
                link.symlink_to(path)
        with Library(place / "photos.sqlite", create=True) as library, progress_bar() as bar:
            scan(library, album, workers=os.cpu_count() or 1, progress=bar)
            yield labelled(library, names)


def labelled(library: Library, names: dict[str, str]) -> Labelled:
    """Label the main face of each photograph; names: by the names of files."""
    faces = list(contents.faces(library))
    people = sorted(set(names.values()))
    number = {name: at for at, name in enumerate(people)}
    truth = np.full(len(faces), -1, np.intp)
    of_file: dict[Path, list[int]] = {}
    for row, face in enumerate(faces):
        of_file.setdefault(face.path, []).append(row)
    for path, rows in of_file.items():
        boxes = np.array([faces[row].xyxy for row in rows], np.float32)
        best = Faces(boxes, np.ones(len(rows), np.float32)).best(*faces[rows[0]].picture).xyxy[0]
        main = next(row for row, box in zip(rows, boxes, strict=True) if np.array_equal(box, best))
        truth[main] = number[names[path.name]]
    embeddings = contents.embeddings(library, [face.id for face in faces])
    return Labelled(library, faces, embeddings, truth, people)


def pairwise(labels: Labels, truth: Labels) -> tuple[float, float]:
    """Return the share of the pairs in one group that are of one person, and of one person's pairs in one group.

    labels, truth: (N,), groups and people; pairs with a face of truth -1 do not count.
    """
    labels, truth = labels[truth >= 0], truth[truth >= 0]
    both = np.unique(np.stack([labels, truth]), axis=1, return_counts=True)[1]
    together, same = (np.unique(values, return_counts=True)[1] for values in (labels, truth))
    right, found, wanted = (int((counts * (counts - 1) // 2).sum()) for counts in (both, together, same))
    return right / max(found, 1), right / max(wanted, 1)


def misplaced(labels: Labels, truth: Labels) -> float:
    """Return the share of faces that are in a group of which most other labelled faces are another person's."""
    labels, truth = labels[truth >= 0], truth[truth >= 0]
    wrong = 0
    for label in np.unique(labels):
        wrong += int((labels == label).sum() - np.bincount(truth[labels == label]).max())
    return wrong / max(len(labels), 1)
