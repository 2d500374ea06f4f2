"""A data set whose photographs are words, and an output folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from faces.datasets import Folder
from faces.enrolment import Enrolment
from faces.extraction import known
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.known import Previous
from faces.extraction.results import Extraction
from faces.extraction.update import build_gallery
from faces.recognition.gallery import Gallery
from faces.types import Faces, Fingerprint, ModelId

PRINT = Fingerprint(ModelId("det", "1" * 64), ModelId("ali", "2" * 64), ModelId("emb", "3" * 64))
SETTINGS = known.settings("built-in")
LONG_AGO = 1_000_000_000  # seconds


def enrolment(data: bytes) -> Enrolment:
    """As a pipeline would make it of a file: a face that its content alone decides; none of a wall."""
    sha256 = hashlib.sha256(data).hexdigest()
    if data.startswith(b"wall"):
        return Enrolment(sha256=sha256, reason="no face")
    if data.startswith(b"with "):  # several faces: of "with Dan and Cy" the main one is that of a file "Dan"
        return Enrolment.of_faces([replace(enrolment(name), sha256=sha256) for name in data[5:].split(b" and ")])
    embedding = np.random.default_rng(int(sha256[:8], 16)).normal(size=8).astype(np.float32)
    face = Faces(np.array([[1, 2, 3, 4]], np.float32), np.array([0.75], np.float32))
    return Enrolment(face, embedding / np.linalg.norm(embedding), sha256)


@dataclass
class World:
    """A data set, an output folder, and what the last run looked at. dies: before the photograph after so many.

    unreadable: the path of a photograph that workers cannot read.
    """

    folder: Path
    gallery: Gallery | None = None
    looked_at: list[str] = field(default_factory=list)
    dies: int = 1000
    unreadable: str = ""

    def put(self, path: str, content: str, when: float = LONG_AGO) -> None:
        file = self.folder / "data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode())
        os.utime(file, (when, when))

    def enrol(self, paths: Sequence[str]) -> Generator[tuple[str, Enrolment], None, None]:
        for path in reversed(paths):  # workers have an order of their own
            if len(self.looked_at) == self.dies:
                raise KeyboardInterrupt
            self.looked_at.append(path)
            if path == self.unreadable:
                yield path, Enrolment(reason="unreadable: gone")
                continue
            try:
                yield path, enrolment(Folder(self.folder / "data").read(path))
            except OSError as error:
                yield path, Enrolment(reason=f"unreadable: {error.strerror}")

    def run(self, anew: bool = False, made_with: str = SETTINGS, between: object = None) -> Extraction:
        """One extraction; ``between``: is called between listing and reading."""
        dataset = Folder(self.folder / "data")
        self.looked_at = []
        checkpoint = Checkpoint(self.folder / "checkpoint", made_with, anew)
        listing = dataset.listing()
        if callable(between):
            between()
        try:
            of_folder, on_server = (None, None) if self.gallery is None else self.gallery.split()
            old = Previous(None if anew else of_folder, on_server)
            result = build_gallery(dataset, listing, old, checkpoint, self.enrol, PRINT, made_with)
        finally:
            checkpoint.save()
        checkpoint.remove()
        self.gallery = result.gallery
        return result


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Ada with two photographs and a wall, Bob with one; extracted once."""
    world = World(tmp_path)
    for path in ("Ada/1.jpg", "Ada/2.jpg", "Bob/1.jpg"):
        world.put(path, path)
    world.put("Ada/wall.jpg", "wall")
    first = world.run()
    assert (first.new, first.known, first.moved, first.gone, first.lost) == (4, 0, 0, 0, [])
    return world


def rows(gallery: Gallery) -> dict[str, tuple[str, list[float]]]:
    """By path: whose photograph, and its embedding."""
    parts = zip(gallery.paths, gallery.names, gallery.embeddings.tolist(), strict=True)
    return {path: (name, embedding) for path, name, embedding in parts}
