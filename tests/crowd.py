"""People for tests of tracking: coloured squares, whose detector and embedder see their colours; fast, and exact."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np

from faces.embedding.embedders import unit
from faces.pipeline import Pipeline
from faces.recognition.assignment import Candidates
from faces.recognition.thresholds import OperatingPoint
from faces.types import Faces, Floats, Image, Matches, ModelId
from faces.video.tracks import Frame
from tests.fakes import noise

COLOURS = {"Ada": (255, 0, 0), "Bob": (0, 255, 0), "Cleo": (0, 0, 255)}
NEAREST = 0.6  # to a colour, for its name


def stage(people: dict[str, tuple[float, float]], wh: tuple[int, int] = (320, 180), side: int = 48) -> Image:
    """A grey picture with a square per person, whose middle is at (x, y); who comes later hides who came before."""
    image = cv2.resize(noise(wh[1] // 12, wh[0] // 12), wh) // 8 + 60
    for name, (x, y) in people.items():
        texture = cv2.resize(noise(20, 20, seed=len(name)), (side, side), interpolation=cv2.INTER_CUBIC)
        face = (0.55 * texture * (np.array(COLOURS[name]) > 0) + 0.45 * np.array(COLOURS[name])).astype(np.uint8)
        left, top = round(x - side / 2), round(y - side / 2)
        room = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
        inside = face[max(-top, 0) :, max(-left, 0) :]
        room[:] = inside[: room.shape[0], : room.shape[1]]
    return np.asarray(image, np.uint8)


def frame(image: Image, index: int, rate: float = 25.0) -> Frame:
    return Frame(image, index, index / rate, index / rate)


class ColourDetector:
    """Finds squares of the three colours of which at least ``least`` of the area is to be seen."""

    scheme = None

    def __init__(self, least: float = 0.6, side: int = 48) -> None:
        self.least, self.side = least, side
        self.looks = 0

    def detect(self, image: Image) -> Faces:
        self.looks += 1
        boxes = []
        for colour in COLOURS.values():
            wanted = np.array(colour) > 0
            strong = image[..., wanted].min(axis=2).astype(int) - image[..., ~wanted].max(axis=2) > 60
            rows, columns = np.nonzero(strong)
            if len(rows) >= self.least * self.side**2:
                boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        return Faces(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), 0.9, np.float32))


class ColourEmbedder:
    """The mean colour, as a direction; counts the faces that it embedded."""

    model = ModelId("colours", "c" * 64)
    spec = SimpleNamespace(
        name="colours", operating_points=[OperatingPoint(d, far, None, "") for far, d in ((1e-3, 0.4), (1e-1, 0.6))]
    )

    def __init__(self) -> None:
        self.aligner = self
        self.embedded = 0

    def crop(self, image: Image, faces: Faces) -> Image:
        boxes = np.clip(faces.xyxy, 0, np.tile(image.shape[1::-1], 2)).astype(int)
        return np.array([cv2.resize(image[t:b, x:r], (32, 32)) for x, t, r, b in boxes], np.uint8)

    def embed(self, crops: Image) -> Floats:
        self.embedded += len(crops)
        return unit(np.asarray(crops, np.float32).reshape(len(crops), -1, 3).mean(axis=1).reshape(-1, 3))

    def embed_with_outputs(self, crops: Image) -> tuple[Floats, Floats]:
        return (embeddings := self.embed(crops)), embeddings


class ColourRecognizer:
    """Knows some people by their colours."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.colours = unit(np.array([COLOURS[name] for name in known], np.float32))

    def distances(self, embeddings: Floats) -> Floats:
        return np.asarray(np.linalg.norm(embeddings[:, None] - self.colours, axis=2), np.float32)

    def identify(self, embeddings: Floats) -> Matches:
        distances = self.distances(embeddings)
        candidates = tuple(self.known[k] for k in distances.argmin(axis=1))
        nearest = distances.min(axis=1).astype(np.float32)
        names = tuple(name if d < NEAREST else None for name, d in zip(candidates, nearest, strict=True))
        return Matches(names, candidates, 1 - nearest / 2, nearest)

    def candidates(self, embeddings: Floats) -> Candidates:
        distances = self.distances(embeddings)
        order = distances.argsort(axis=1)
        distances = np.take_along_axis(distances, order, axis=1)
        probability = np.asarray(1 - distances / 2, np.float32)
        limit = np.full(len(embeddings), NEAREST, np.float64)
        return Candidates(np.array(self.known)[order], probability, distances, distances.astype(np.float64), limit)

    def match_probability(self, embeddings: Floats, names: Sequence[str], prior: float = 0.5) -> Floats:
        return np.full(len(embeddings), np.nan, np.float32)


class Lookalikes(ColourRecognizer):
    """Knows people who look like several colours.

    distances: of each colour to each person.
    """

    def __init__(self, distances: dict[str, dict[str, float]]) -> None:
        self.known = tuple(next(iter(distances.values())))
        self.table = np.array([[distances[colour][name] for name in self.known] for colour in COLOURS], np.float32)

    def distances(self, embeddings: Floats) -> Floats:
        return np.asarray(self.table[embeddings.argmax(axis=1)], np.float32)


def pipeline(detector: ColourDetector | None = None, embedder: ColourEmbedder | None = None) -> Pipeline:
    """What tracking needs of a pipeline."""
    found, known = detector or ColourDetector(), embedder or ColourEmbedder()
    parts: Any = SimpleNamespace(
        detector=found,
        embedder=known,
        candidates=found.detect,
        has_check=False,
        refine=lambda image, faces: faces,
        embed_crops=lambda crops, score: (known.embed(crops), np.ones(len(crops), np.bool_)),
    )
    return cast(Pipeline, parts)
