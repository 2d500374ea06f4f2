"""From photographs to embeddings: read, detect, align, embed."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from faces import detectors, embedders
from faces.detectors import Detector
from faces.embedders import Embedder
from faces.errors import ImageError
from faces.images import read_image
from faces.landmarks import ShapePredictor
from faces.types import Faces, Fingerprint, Floats, Image, ModelId

SMALLEST_FACE = 32  # px: below, the embedder sees mostly invention (docs/models.md, "What can be enrolled")
LEAST_SHARPNESS = 6.0  # variance of the crop's Laplacian: below, photographs of one person drift apart (same place)


class Pipeline:
    """One set of models, from an image to its faces and their embeddings.

    May be used from several threads at once.
    """

    def __init__(self, detector: Detector, predictor: ShapePredictor, embedder: Embedder) -> None:
        self.detector = detector
        self.predictor = predictor
        self.embedder = embedder

    @classmethod
    def load(
        cls, detector: str = "built-in", embedding_model: str = "built-in", confidence: float = 0.5,
        threads: int | None = None, min_face: int = 60,
    ) -> Pipeline:  # fmt: skip
        """The models by the names that the scripts' options take; raises ModelError.

        threads: within one image (default: the cores). min_face: px, see ``MmodDetector``.
        """
        return cls(
            detectors.load(detector, confidence, threads, min_face),
            ShapePredictor.load(),
            embedders.load(embedding_model, threads),
        )

    @property
    def fingerprint(self) -> Fingerprint:
        """Which models these are."""
        aligner = self.embedder.aligner.model
        if not self.embedder.aligner.accepts(self.detector.scheme):
            both = aligner.sha256 + self.predictor.model.sha256
            aligner = ModelId(f"{aligner.name} by {self.predictor.model.name}", hashlib.sha256(both.encode()).hexdigest())
        return Fingerprint(self.detector.model, aligner, self.embedder.model)

    def detect(self, image: Image) -> Faces:
        """The faces, with landmarks that the embedder's aligner knows."""
        return self._with_landmarks(image, self.detector.detect(image))

    def embed(self, image: Image, faces: Faces) -> Floats:
        """float32 (N, D), unit length: the embeddings of faces that ``detect`` found."""
        return self.embedder.embed(self.embedder.aligner.crop(image, faces))

    def enrol(self, path: Path) -> Enrolment:
        """The best face of one photograph, or why it has none that helps."""
        try:
            image = read_image(path)
        except ImageError as error:
            return Enrolment(path, reason=f"unreadable: {error}")
        found = self.detector.detect(image)
        if len(found) == 0:
            return Enrolment(path, reason="no face")
        face = found.best(image.shape[1], image.shape[0])
        if face.sizes[0] < SMALLEST_FACE:
            return Enrolment(path, reason=f"face too small: {face.sizes[0]:.0f} px, at least {SMALLEST_FACE}")
        crop = self.embedder.aligner.crop(image, self._with_landmarks(image, face))
        if sharpness(crop[0]) < LEAST_SHARPNESS:
            return Enrolment(path, reason=f"too blurred to help: sharpness {sharpness(crop[0]):.1f}, at least {LEAST_SHARPNESS:.0f}")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Enrolment(path, face=face, embedding=self.embedder.embed(crop)[0], sha256=digest)

    def enrol_all(self, paths: Iterable[Path], workers: int) -> Iterator[Enrolment]:
        """``enrol`` for many photographs, several at once, in their order; few are in memory at a time."""
        waiting: deque[Future[Enrolment]] = deque()
        pool = ThreadPoolExecutor(workers)
        try:
            for path in paths:
                waiting.append(pool.submit(self.enrol, path))
                if len(waiting) >= 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _with_landmarks(self, image: Image, faces: Faces) -> Faces:
        if len(faces) == 0 or self.embedder.aligner.accepts(faces.scheme):
            return faces
        return self.predictor.predict(image, faces, self.detector.predictor_boxes(faces))


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of a photograph: a face of one (N = 1) with its embedding (D,), or the reason why not."""

    path: Path
    face: Faces | None = None
    embedding: Floats | None = None
    sha256: str = ""
    reason: str = ""


def sharpness(crop: Image) -> float:
    """The variance of the Laplacian of an aligned crop's brightness (Pech-Pacheco et al., ICPR 2000)."""
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_32F).var(dtype=np.float64))
