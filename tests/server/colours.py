"""A ``Vision`` that detects squares of colour instead of faces (see ``tests.crowd``)."""

from __future__ import annotations

import numpy as np

from faces.server.vision.pixels import PixelLimit
from faces.server.vision.vision import MEGAPIXELS_IN_WORK, Vision
from faces.types import Faces, Fingerprint, Floats, Image, ModelId
from tests.crowd import ColourDetector, ColourEmbedder

FINGERPRINT = Fingerprint(*(ModelId(part, part[0] * 64) for part in ("detector", "aligner", "embedder")))


class ColourVision(Vision):
    """Needs no model."""

    def __init__(self) -> None:
        self._detector, self._embedder, self._pixels = (
            ColourDetector(),
            ColourEmbedder(),
            PixelLimit(MEGAPIXELS_IN_WORK * 10**6),
        )

    def detect(self, image: Image) -> Faces:
        return self.candidates(image)

    def candidates(self, image: Image) -> Faces:
        return self._detector.detect(image)

    def keep_faces(self, image: Image, candidates: Faces) -> tuple[Faces, Floats]:
        if len(candidates) == 0:
            return candidates, np.zeros((0, 3), np.float32)
        return candidates, self._embedder.embed(self._embedder.crop(image, candidates)).astype(np.float32)
