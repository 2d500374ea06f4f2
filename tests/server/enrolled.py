"""Enrolled people for tests: each person is a colour."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np

from faces.embedding.embedders import unit
from faces.pipeline import Pipeline
from faces.recognition.gallery import Gallery
from faces.server.people.enrolled_people import EnrolledPeople
from faces.server.people.gallery_file import GalleryFile
from faces.server.search.confidence import Confidence
from faces.server.search.matching import Indexes
from faces.server.store.database import Database
from faces.server.vision.pixels import PixelLimit
from faces.server.vision.vision import MEGAPIXELS_IN_WORK, Vision
from faces.types import Floats
from tests.crowd import COLOURS, ColourEmbedder
from tests.fakes import FakeDetector, noise
from tests.server.colours import FINGERPRINT

CONFIDENCE = Confidence(0.6, 20)
SETTINGS = "confidence 0.5, rules 3"


def colour(name: str, number: int = 0) -> Floats:
    """Return an embedding (3,) of a person; each number gives a slightly different one."""
    (vector,) = unit(np.array([COLOURS[name]], np.float32) + 9 * number * np.array([[1, 2, 3]], np.float32))
    return np.asarray(vector, np.float32)


def photo(name: str, number: int = 0) -> bytes:
    """A file that stands for a photograph."""
    return b"\xff\xd8\xff" + f"photograph {number} of {name}".encode()


def jpeg(name: str, number: int = 0) -> bytes:
    """Return a photograph that is one face for ``vision``."""
    image = (noise(64, 64, seed=number) // 3 + 0.6 * np.array(COLOURS[name])).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", image)[1])


def vision() -> Vision:
    """Everything that is not black is a face, known by its colour."""
    predictor: Any = SimpleNamespace(predict=lambda image, faces, boxes: faces)
    embedder: Any = ColourEmbedder()
    embedder.accepts = lambda scheme: True
    pipeline = Pipeline(cast(Any, FakeDetector()), embedder, predictor)
    return PlainVision(pipeline)


class PlainVision(Vision):
    """Of a pipeline, without models of looks."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self._pixels = pipeline, PixelLimit(MEGAPIXELS_IN_WORK * 10**6)


class People:
    """An enrolment with its parts, in a folder; opened again it is a server that was started anew."""

    def __init__(
        self, folder: Path, gallery: bool = False, keep_photos: bool = False, database: str = "faces.db", url: str = ""
    ) -> None:
        self.path = folder / "output" / "embeddings.pickle"
        self.heard: list[tuple[str, dict[str, str]]] = []
        self.database = Database(url or f"sqlite:///{folder / database}", FINGERPRINT, 3)
        self.indexes = Indexes()
        self.file = GalleryFile(self.path, SETTINGS) if gallery else None
        self.enrolled = EnrolledPeople(
            self.database,
            self.indexes,
            CONFIDENCE,
            keep_photos,
            self.file,
            3,
            lambda action, **details: self.heard.append((action, details)),
        )
        self.enrolled.synchronize()

    def enrol(self, name: str, number: int = 0, called: str = "") -> str:
        """Enrol a face and return the person's id."""
        _, person = self.enrolled.enrol(called or name, colour(name, number), b"cut-out", photo(name, number))
        return person.id

    def named(self, *names: str) -> list[str | None]:
        """Return the names that people are identified as."""
        matches = self.enrolled.identify(np.stack([colour(name) for name in names]))
        return [match.name if match else None for match in matches]

    def faces(self) -> dict[str, int]:
        return {person.name: len(person.faces) for person in self.enrolled.list_all()}

    def gallery(self) -> Gallery:
        return Gallery.load(self.path)


def gallery(*faces: tuple[str, int], fingerprint: Any = FINGERPRINT, **changes: Any) -> Gallery:
    """As ``extract_embeddings.py`` writes it, of (name, number)."""
    number = len(faces)
    values: dict[str, Any] = {
        "embeddings": np.stack([colour(name, k) for name, k in faces]),
        "names": tuple(name for name, _ in faces),
        "paths": tuple(f"{name}/{k}.jpg" for name, k in faces),
        "hashes": tuple(f"{name}{k}".ljust(64, "0") for name, k in faces),
        "boxes": np.zeros((number, 4), np.float32),
        "scores": np.ones(number, np.float32),
        "sizes": tuple(range(1, number + 1)),
        "stamps": tuple(str(k) for k in range(number)),
    }
    return Gallery(**{**values, "fingerprint": fingerprint, "settings": SETTINGS, **changes})
