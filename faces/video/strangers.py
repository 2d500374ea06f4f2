"""Keep photographs of unknown faces, one folder per stranger, to be named and moved into ``dataset/``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import chain
from pathlib import Path

import numpy as np

from faces.errors import FacesError, reason_of
from faces.files.finding import find_images
from faces.files.reading import read_file
from faces.files.temporary import sweep, temporary
from faces.files.writing import make_folder
from faces.images import write_image
from faces.pipeline import Pipeline
from faces.recognition.distances import People
from faces.recognition.thresholds import distance_at
from faces.types import Floats, Image
from faces.video.tracker import Track
from faces.video.votes import CLEAR_QUALITY

SAME_FAR = 1e-4  # rate at which two people share a folder; at 1e-3, many of several hundred strangers would
PREFIX, UNCLEAR = "unknown-", "unclear"
COMPARED_PHOTOGRAPHS = 3  # per folder, so that weeks of strangers are compared quickly


class Strangers:
    """Groups of photographs of the same unknown person, in ``folder/unknown-001/`` and so on.

    Runs continue each other: a stranger who has a folder, under any name, gets no second one. Photographs are never
    moved or replaced. If two folders turn out to show one person, both stay: in ``dataset/`` the user merges them.
    Faces that are too poor to compare are kept unsorted in ``folder/unclear/``.

    threshold: distance up to which two faces are one person, for embedders without measured operating points.
    Raises FacesError if the folder cannot be written.
    """

    def __init__(self, folder: Path, pipeline: Pipeline, threshold: float) -> None:
        self._folder = folder
        self._threshold = distance_at(pipeline.embedder.spec.operating_points, SAME_FAR, threshold)
        self._started = datetime.now()
        try:
            make_folder(folder)
            with temporary(folder / PREFIX):  # whether it can be written
                pass
            for place in _folders(folder):
                sweep(place)
            self._used_names = {path.name for path in _folders(folder)}  # including folders that are gone by now
            self._groups = [group for path in _folders(folder) if (group := _Group.read(path, pipeline))]
        except OSError as error:
            raise _write_error(folder, error) from error

    def keep(self, track: Track) -> None:
        """Keep the best photograph of a track that ended as an unknown person; ignore any other track."""
        best = track.identity.best
        if best is not None and track.identity.settled and track.identity.name is None:
            embedding = best.embedding if best.quality >= CLEAR_QUALITY else None
            self.add(best.picture, embedding, track.number, track.first)

    def add(self, picture: Image, embedding: Floats | None, track: int, time: float) -> Path:
        """Keep a photograph in the folder of the nearest person within the threshold, or in a new one.

        picture: the face with a margin.
        embedding: float32 (D,), unit length; None if the face is unclear.
        track: track number, for the file's name.
        time: s from the start.
        Returns the file. Raises FacesError if it cannot be written.
        """
        if embedding is None:
            return self._add_unclear(picture, track, time)
        group = self._nearest(embedding)
        try:
            make_folder(self._folder)
            if group is None:
                group = _Group(self._new_folder())
            elif not group.find(self._folder):
                group.move(self._new_folder())
        except OSError as error:
            raise _write_error(self._folder, error) from error
        path = self._new_file(group.folder, track, time)
        try:
            write_image(path, picture)
        except FacesError:
            with suppress(OSError):  # it is not empty
                group.folder.rmdir()
            raise
        if group not in self._groups:
            self._groups.append(group)
        self._used_names.add(group.folder.name)
        group.files.add(path.name)
        if len(group.embeddings) < COMPARED_PHOTOGRAPHS:
            group.embeddings.append(embedding)
        return path

    def _add_unclear(self, picture: Image, track: int, time: float) -> Path:
        folder = self._folder / UNCLEAR
        try:
            make_folder(folder)
        except OSError as error:
            raise _write_error(self._folder, error) from error
        path = self._new_file(folder, track, time)
        write_image(path, picture)
        return path

    def _nearest(self, embedding: Floats) -> _Group | None:
        if not self._groups:
            return None
        counts = [len(group.embeddings) for group in self._groups]
        embeddings = np.stack([row for group in self._groups for row in group.embeddings])
        distance = People.of(embeddings, np.cumsum(counts, dtype=np.intp) - counts).distances(embedding[None])[0]
        nearest = int(distance.argmin())
        return self._groups[nearest] if distance[nearest] <= self._threshold else None

    def _new_folder(self) -> Path:
        """Make the folder with the next number; another run may take the same number at the same time."""
        names = self._used_names.union(path.name for path in self._folder.glob(f"{PREFIX}*"))
        numbers = [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
        number = max((int(text) for text in numbers if text.isdecimal()), default=0)
        while True:
            number += 1
            path = self._folder / f"{PREFIX}{number:03}"
            with suppress(FileExistsError):
                make_folder(path, exist_ok=False)
                return path

    def _new_file(self, folder: Path, track: int, time: float) -> Path:
        """Return a free path that sorts by time: the start of the run, and the time in it."""
        stem = f"{self._started:%Y%m%d-%H%M%S}-{time:010.3f}s-track{track}"
        path, copy = folder / f"{stem}.jpg", 1
        while path.exists():
            copy += 1
            path = folder / f"{stem}-{copy}.jpg"
        return path


class _Group:
    """A stranger's folder, and the embeddings of some of its photographs.

    files: names of the photographs, which distinguish it from another folder that took its place or its inode.
    """

    def __init__(self, folder: Path) -> None:
        self.files: set[str] = set()
        self.embeddings: list[Floats] = []
        self.move(folder)

    def move(self, folder: Path) -> None:
        """Use another folder. Raises OSError."""
        self.folder, self._inode = folder, folder.stat().st_ino

    @classmethod
    def read(cls, folder: Path, pipeline: Pipeline) -> _Group | None:
        """Embed the best photographs of a folder, those of most bytes: large and sharp; None if none has a face."""
        group = cls(folder)
        with suppress(OSError):
            paths = sorted(find_images(folder), key=lambda path: -path.stat().st_size)
            group.files.update(str(path.relative_to(folder)) for path in paths)
            for path in paths:
                with suppress(OSError):
                    embedding = pipeline.enrol([read_file(path)])[0].embedding
                    group.embeddings += [] if embedding is None else [embedding]
                if len(group.embeddings) == COMPARED_PHOTOGRAPHS:
                    break
        return group if group.embeddings else None

    def find(self, parent: Path) -> bool:
        """Find the folder in ``parent``, even if it was renamed; make it again if it is gone.

        Returns False if another stranger's folder is in its place. Raises OSError.
        """
        renamed = (path for path in _folders(parent) if path.stat().st_ino == self._inode)
        for folder in chain([self.folder], renamed):
            if any((folder / file).exists() for file in self.files):
                self.move(folder)
                return True
        try:
            make_folder(self.folder, exist_ok=False)
        except FileExistsError:
            return False
        self.move(self.folder)
        return True


def _folders(folder: Path) -> Iterator[Path]:
    yield from (
        path for path in sorted(folder.iterdir()) if path.is_dir() and path.name != UNCLEAR and path.name[0] != "."
    )


def _write_error(folder: Path, error: OSError) -> FacesError:
    return FacesError(f"cannot write into {folder}: {reason_of(error)}")
