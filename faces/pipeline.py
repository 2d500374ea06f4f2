"""From photographs to embeddings: read, detect, align, embed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from faces import detection
from faces.detection import Detector
from faces.detection.base import scaled
from faces.embedding import embedders
from faces.embedding.embedders import Embedder
from faces.embedding.landmarks import ShapePredictor
from faces.errors import ImageError
from faces.images import Picture
from faces.types import Faces, Fingerprint, Floats, Image, ModelId

SMALLEST_FACE = 24  # px: below, the embedder sees mostly invention (docs/models.md, "What can be enrolled")
CROPPED_FACE = 100  # px: the face in a crop, so that a finer image would be shrunk for it
LEAST_SHARPNESS = 3.5  # variance of the crop's Laplacian: below, photographs of one person drift apart (same place)


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
        cls,
        detector: str = "built-in",
        embedding_model: str = "built-in",
        confidence: float = 0.5,
        accuracy: str = embedders.FAST,
        threads: int | None = None,
        min_face: int = 60,
    ) -> Pipeline:
        """The models by the names that the scripts' options take; raises ModelError, and UsageError as the embedder.

        threads: within one image (default: the cores). min_face: px, see ``MmodDetector``.
        """
        return cls(
            detection.load(detector, confidence, threads, min_face),
            ShapePredictor.load(),
            embedders.load(embedding_model, threads, accuracy),
        )

    def with_embedder(self, embedder: Embedder) -> Pipeline:
        """The same detector with another embedder."""
        return Pipeline(self.detector, self.predictor, embedder)

    @property
    def fingerprint(self) -> Fingerprint:
        """Which models these are."""
        aligner = self.embedder.aligner.model
        if not self.embedder.aligner.accepts(self.detector.scheme):
            both = aligner.sha256 + self.predictor.model.sha256
            name = f"{aligner.name} by {self.predictor.model.name}"
            aligner = ModelId(name, hashlib.sha256(both.encode()).hexdigest())
        return Fingerprint(self.detector.model, aligner, self.embedder.model)

    def detect(self, image: Image) -> Faces:
        """The faces, with landmarks that the embedder's aligner knows."""
        return self._with_landmarks(image, self.detector.detect(image))

    def embed(self, image: Image, faces: Faces) -> Floats:
        """float32 (N, D), unit length: the embeddings of faces that ``detect`` found, of this or another embedder's."""
        return self.embedder.embed(self.embedder.aligner.crop(image, self._with_landmarks(image, faces)))

    def enrol(self, photographs: Iterable[bytes | str], choosy: bool = True) -> list[Enrolment]:
        """The best face of each photograph, or why it has none that helps; all are embedded in one go.

        photographs: a file's bytes each, or the reason why there are none; may be lazy.
        choosy: leave out faces that are too small or too blurred to help, which is for enrolment and not for probes.
        """
        prepared = [self._prepare(photograph, choosy) for photograph in photographs]
        crops = [crop for _, crop in prepared if crop is not None]
        embeddings = iter(self.embedder.embed(np.concatenate(crops)) if crops else ())
        return [
            enrolment if crop is None else replace(enrolment, embedding=next(embeddings))
            for enrolment, crop in prepared
        ]

    def _prepare(self, photograph: bytes | str, choosy: bool) -> tuple[Enrolment, Image | None]:
        """A photograph's enrolment without its embedding, and the crop (1, side, side, 3) to embed, if any."""
        if isinstance(photograph, str):
            return Enrolment(reason=photograph), None
        sha256 = hashlib.sha256(photograph).hexdigest()
        try:
            face, image, scale = self._portrait(Picture(photograph))
        except ImageError as error:
            return Enrolment(sha256=sha256, reason=f"unreadable: {error}"), None
        if len(face) == 0:
            return Enrolment(sha256=sha256, reason="no face"), None
        if choosy and face.sizes[0] < SMALLEST_FACE:
            reason = f"face too small: {int(face.sizes[0])} px, at least {SMALLEST_FACE}"
            return Enrolment(sha256=sha256, reason=reason), None
        crop = self.embedder.aligner.crop(image, scaled(face, scale))
        if choosy and (sharp := sharpness(crop[0])) < LEAST_SHARPNESS:
            reason = f"too blurred to help: sharpness {sharp:.1f}, at least {LEAST_SHARPNESS}"
            return Enrolment(sha256=sha256, reason=reason), None
        return Enrolment(face=face, sha256=sha256), crop

    def best_face(self, image: Image, smallest: int = SMALLEST_FACE) -> Faces:
        """The face that an image is of, with landmarks, or none. smallest: px, of those that are looked for."""
        return self._portrait(Picture.of(image), smallest)[0]

    def _portrait(self, picture: Picture, smallest: int = SMALLEST_FACE) -> tuple[Faces, Image, float]:
        """The best face of a picture, in px of the whole, and an image to crop it from, which is ``scale`` as large."""
        face = self.detector.portrait(picture, smallest)
        image, scale = picture.at_least(CROPPED_FACE / max(face.sizes[0], 1) if len(face) else 0)
        return scaled(self._with_landmarks(image, scaled(face, scale)), 1 / scale), image, scale

    def _with_landmarks(self, image: Image, faces: Faces) -> Faces:
        if len(faces) == 0 or self.embedder.aligner.accepts(faces.scheme):
            return faces
        return self.predictor.predict(image, faces, self.detector.predictor_boxes(faces))


@cache
def process_pipeline(
    detector: str = "built-in",
    embedding_model: str = "built-in",
    confidence: float = 0.5,
    accuracy: str = embedders.FAST,
) -> Pipeline:
    """Load the models once per process, for a worker process that has one core.

    Later calls with the same arguments return the same pipeline. OpenCV uses one thread from then on. Parameters and
    errors as for ``Pipeline.load``.
    """
    cv2.setNumThreads(1)
    return Pipeline.load(detector, embedding_model, confidence, accuracy, threads=1)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of a photograph: a face of one (N = 1) with its embedding (D,), or the reason why not."""

    face: Faces | None = None
    embedding: Floats | None = None
    sha256: str = ""
    reason: str = ""


def sharpness(crop: Image) -> float:
    """The variance of the Laplacian of an aligned crop's brightness (Pech-Pacheco et al., ICPR 2000)."""
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_32F).var(dtype=np.float64))
