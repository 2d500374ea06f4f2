"""Faces that nobody knows, kept as photographs: a folder a stranger, to be named and moved into ``dataset/``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np

from faces.errors import FacesError
from faces.images import find_images, write_image
from faces.metrics import distance_at
from faces.people import People
from faces.pipeline import Pipeline
from faces.types import Floats, Image

SAME_FAR = 1e-4  # rate at which two people's photographs may come into one folder; at 1e-3, of hundreds, many do
PREFIX, UNCLEAR = "unknown-", "unclear"
BEST = 3  # photographs of a folder that tell who is in it, so that weeks of strangers are compared in no time


class Strangers:
    """Groups of photographs of the same unknown person, ``folder/unknown-001/`` and so on.

    Runs continue each other: whoever has a folder already, by whatever name, gets no second one. Photographs are never
    moved or replaced. When two folders turn out to be of one person, both stay: in ``dataset/`` both go into theirs.

    Faces that are too poor to tell are kept in ``folder/unclear/``, sorted by nobody.

    threshold: distance up to which two faces are of one person, where the embedder's operating points do not tell.
    Raises FacesError when the folder cannot be written.
    """

    def __init__(self, folder: Path, pipeline: Pipeline, threshold: float) -> None:
        self._folder = folder
        self._threshold = distance_at(pipeline.embedder.spec.operating_points, SAME_FAR, threshold)
        self._started = datetime.now()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            NamedTemporaryFile(dir=folder, prefix=".").close()
            self._groups = [group for path in _folders(folder) if (group := _Group.read(path, pipeline))]
        except OSError as error:
            raise _unwritable(folder, error) from error

    def add(self, picture: Image, embedding: Floats | None, track: int, time: float) -> Path:
        """Keep a photograph with the others of the person, the nearest within the threshold, or else of a new one.

        picture: of the face and its surroundings. embedding: float32 (D,), unit length; None if the face is unclear.
        track: for the file's name. time: s from the start. Returns the file.
        Raises FacesError when it cannot be written.
        """
        if embedding is None:
            return self._keep_unclear(picture, track, time)
        group = self._nearest(embedding)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            folder = self._new_folder() if group is None else group.find(self._folder)
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        path = self._new_file(folder, track, time)
        try:
            write_image(path, picture)
        except FacesError:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
            raise
        if group is None:
            group = _Group(folder)
            self._groups.append(group)
        if len(group.embeddings) < BEST:
            group.embeddings.append(embedding)
        return path

    def _keep_unclear(self, picture: Image, track: int, time: float) -> Path:
        folder = self._folder / UNCLEAR
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        path = self._new_file(folder, track, time)
        write_image(path, picture)
        return path

    def _nearest(self, embedding: Floats) -> _Group | None:
        if not self._groups:
            return None
        counts = [len(group.embeddings) for group in self._groups]
        embeddings = np.stack([each for group in self._groups for each in group.embeddings])
        distance = People.of(embeddings, np.cumsum(counts, dtype=np.intp) - counts).distances(embedding[None])[0]
        nearest = int(distance.argmin())
        return self._groups[nearest] if distance[nearest] <= self._threshold else None

    def _new_folder(self) -> Path:
        """Made with the number after the highest one; another run may be about to do the same."""
        numbers = [path.name.removeprefix(PREFIX) for path in self._folder.glob(f"{PREFIX}*")]
        number = max((int(text) for text in numbers if text.isdecimal()), default=0)
        while True:
            number += 1
            path = self._folder / f"{PREFIX}{number:03}"
            with suppress(FileExistsError):
                path.mkdir()
                return path

    def _new_file(self, folder: Path, track: int, time: float) -> Path:
        """A name that is free, and sorts by time: when the run began, and the time in it."""
        stem = f"{self._started:%Y%m%d-%H%M%S}-{time:010.3f}s-track{track}"
        path, copy = folder / f"{stem}.jpg", 1
        while path.exists():
            copy += 1
            path = folder / f"{stem}-{copy}.jpg"
        return path


class _Group:
    """What is known of one stranger: a folder, also when it is renamed, and embeddings of photographs."""

    def __init__(self, folder: Path, embeddings: list[Floats] | None = None) -> None:
        self._path = folder
        self._inode = folder.stat().st_ino
        self.embeddings = embeddings or []

    @classmethod
    def read(cls, folder: Path, pipeline: Pipeline) -> _Group | None:
        """Of the best photographs in a folder, those of most bytes: large and sharp; None when none has a face."""
        embeddings: list[Floats] = []
        with suppress(OSError):
            for path in sorted(find_images(folder), key=lambda path: -path.stat().st_size):
                with suppress(OSError):
                    embedding = pipeline.enrol([path.read_bytes()])[0].embedding
                    embeddings += [] if embedding is None else [embedding]
                if len(embeddings) == BEST:
                    break
        return cls(folder, embeddings) if embeddings else None

    def find(self, parent: Path) -> Path:
        """Where the folder is now, among those of ``parent``; made again if it was moved away. Raises OSError."""
        if not self._path.is_dir():
            renamed = [path for path in _folders(parent) if path.stat().st_ino == self._inode]
            self._path = renamed[0] if renamed else self._path
            self._path.mkdir(exist_ok=True)
            self._inode = self._path.stat().st_ino
        return self._path


def _folders(folder: Path) -> Iterator[Path]:
    yield from (
        path for path in sorted(folder.iterdir()) if path.is_dir() and path.name != UNCLEAR and path.name[0] != "."
    )


def _unwritable(folder: Path, error: OSError) -> FacesError:
    return FacesError(f"cannot write into {folder}: {(error.strerror or str(error)).lower()}")
