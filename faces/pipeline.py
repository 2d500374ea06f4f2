"""From photographs to embeddings: read, detect, align, embed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from faces import detection
from faces.crops import LEAST_SHARPNESS, sharpness
from faces.detection import Detector
from faces.detection.base import scaled
from faces.detection.turns import best_turn
from faces.embedding import embedders, face_check
from faces.embedding.embedders import Embedder
from faces.embedding.landmarks import ShapePredictor
from faces.errors import ImageError
from faces.images import Picture
from faces.types import Faces, Fingerprint, Floats, Image, ModelId

SMALLEST_FACE = 24  # px: smaller faces have too little detail to embed (docs/models.md, "What can be enrolled")
CROPPED_FACE = 100  # px: size of the face in a crop; a finer image would only be shrunk
NO_FACE, NOT_A_FACE = "no face", "not a face"  # why a photograph is left out: nothing detected, or refused by the check


class Pipeline:
    """Models that turn an image into faces and embeddings; may be called from several threads at once.

    detector: finds faces.
    embedder: aligns and embeds them.
    predictor: finds landmarks where the detector finds none that the embedder's aligner accepts; by default dlib's,
    loaded when it is needed first.
    """

    def __init__(self, detector: Detector, embedder: Embedder, predictor: ShapePredictor | None = None) -> None:
        self.detector = detector
        self.embedder = embedder
        self._predictor = predictor
        self._check = face_check.check_of(detector.model.name, embedder.spec.name)

    @classmethod
    def load(
        cls,
        detector: str = "built-in",
        embedding_model: str = "built-in",
        confidence: float | None = None,
        accuracy: str = embedders.DEFAULT,
        threads: int | None = None,
        min_face: int = 60,
    ) -> Pipeline:
        """Load the models that the command line's options name.

        detector, confidence, min_face: as for ``faces.detection.load``.
        embedding_model, accuracy: as for ``faces.embedding.embedders.load``.
        threads: within one image; by default the number of cores.
        Raises ModelError if a model is missing or invalid, and UsageError for an accuracy that the embedder does not
        have.
        """
        pipeline = cls(
            detection.load(detector, confidence, threads, min_face),
            embedders.load(embedding_model, threads, accuracy),
        )
        if pipeline._needs_predictor:
            pipeline.predictor  # noqa: B018 (a missing file is an error now, not at the first photograph)
        return pipeline

    def with_embedder(self, embedder: Embedder) -> Pipeline:
        """Return a pipeline with the same detector and another embedder."""
        return Pipeline(self.detector, embedder, self._predictor)

    @cached_property
    def predictor(self) -> ShapePredictor:
        """Finds landmarks in the boxes of detectors that find none; raise ModelError if its file is missing."""
        return self._predictor or ShapePredictor.load()

    @property
    def _needs_predictor(self) -> bool:
        return not self.embedder.aligner.accepts(self.detector.scheme)

    @property
    def fingerprint(self) -> Fingerprint:
        """Names and digests of the models; embeddings with different fingerprints cannot be compared."""
        aligner = self.embedder.aligner.model
        if self._needs_predictor:
            points = self.predictor.model
            both = hashlib.sha256((aligner.sha256 + points.sha256).encode()).hexdigest()
            aligner = ModelId(f"{aligner.name} by {points.name}", both)
        return Fingerprint(self.detector.model, aligner, self.embedder.model)

    def detect(self, image: Image) -> Faces:
        """Return the N >= 0 faces in an image, best first, with landmarks for the embedder's aligner.

        image: uint8 (H, W, 3), BGR.
        """
        return self.find(image)[0] if self.has_check else self.refine(image, self.candidates(image, turned=True))

    @property
    def has_check(self) -> bool:
        """Whether the embedding tells faces from what the detector took for one: the built-in models' does."""
        return self._check is not None

    def find(self, image: Image) -> tuple[Faces, Floats]:
        """Detect and embed: return the faces as ``detect`` does, and their embeddings as ``embed`` does.

        image: uint8 (H, W, 3), BGR.
        """
        return self.keep_faces(image, self.candidates(image, turned=True))

    def candidates(self, image: Image, turned: bool = False) -> Faces:
        """Return what the detector takes for faces, best first, with landmarks; not checked by the embedding.

        image: uint8 (H, W, 3), BGR.
        turned: a photograph that may lie on its side: look at it in other turns where nothing is convincing as it is.
        """
        least = self.detector.upright_score if turned else None
        return self._with_landmarks(image, best_turn(self.detector.detect, image, least))

    def keep_faces(self, image: Image, candidates: Faces) -> tuple[Faces, Floats]:
        """Return the candidates that are faces, in the same order, and their embeddings: float32 (N, D).

        image: uint8 (H, W, 3), BGR.
        candidates: from ``candidates``.
        """
        faces = self.refine(image, candidates)
        embeddings, is_face = self.embed_crops(self.embedder.aligner.crop(image, faces), faces.score)
        return faces[is_face], embeddings[is_face]

    def refine(self, image: Image, candidates: Faces) -> Faces:
        """Return the candidates with landmarks that are exact enough to embed them; some detectors look again.

        image, candidates: as for ``keep_faces``.
        """
        return self.detector.refine(image, candidates) if candidates.scheme == self.detector.scheme else candidates

    def embed_crops(self, crops: Image, score: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the embeddings of N crops, float32 (N, D), and whether each shows a face, bool (N,).

        Without a check each crop counts as a face. A crop whose embedding is not finite, or zero, does not.
        crops, score: from the embedder's aligner, and float32 (N,) of the detector.
        """
        embeddings, outputs = self.embedder.embed_with_outputs(crops)
        is_face = embedders.usable(embeddings)
        if self._check is not None:
            is_face[is_face] = self._check.passes(outputs[is_face], score[is_face])
        return embeddings, is_face

    def embed(self, image: Image, faces: Faces) -> Floats:
        """Return embeddings: float32 (N, D), unit length.

        image: uint8 (H, W, 3), BGR.
        faces: as ``detect`` returns them, also that of a pipeline with another embedder.
        """
        return self.embedder.embed(self.embedder.aligner.crop(image, self._with_landmarks(image, faces)))

    def enrol(self, photographs: Iterable[bytes | str], check_quality: bool = True) -> list[Enrolment]:
        """Embed the main face of each photograph, in one batch.

        photographs: the bytes of each file, or the reason why it could not be read; may be lazy.
        check_quality: leave out faces that are too small or too blurred: for enrolment, not for probes.
        """
        prepared = [self._prepare(photograph, check_quality) for photograph in photographs]
        found = [(enrolment, crop) for enrolment, crop in prepared if enrolment.face is not None and crop is not None]
        if not found:
            return [enrolment for enrolment, _ in prepared]
        score = np.array([enrolment.face.score[0] for enrolment, _ in found if enrolment.face], np.float32)
        embedded = zip(*self.embed_crops(np.concatenate([crop for _, crop in found]), score), strict=True)
        return [enrolment if crop is None else enrolment.embedded(*next(embedded)) for enrolment, crop in prepared]

    def _prepare(self, photograph: bytes | str, check_quality: bool) -> tuple[Enrolment, Image | None]:
        """Return a photograph's enrolment without the embedding, and the crop (1, side, side, 3) to embed, if any."""
        if isinstance(photograph, str):
            return Enrolment(reason=photograph), None
        sha256 = hashlib.sha256(photograph).hexdigest()
        try:
            face, image, scale = self._portrait(Picture(photograph))
        except ImageError as error:
            return Enrolment(sha256=sha256, reason=f"unreadable: {error}"), None
        if len(face) == 0:
            return Enrolment(sha256=sha256, reason=NO_FACE), None
        if check_quality and face.sizes[0] < SMALLEST_FACE:
            reason = f"face too small: {int(face.sizes[0])} px, at least {SMALLEST_FACE}"
            return Enrolment(sha256=sha256, reason=reason), None
        crop = self.embedder.aligner.crop(image, scaled(face, scale))
        if check_quality and (sharp := sharpness(crop[0])) < LEAST_SHARPNESS:
            reason = f"too blurred to help: sharpness {sharp:.1f}, at least {LEAST_SHARPNESS}"
            return Enrolment(sha256=sha256, reason=reason), None
        return Enrolment(face=face, sha256=sha256), crop

    def best_face(self, image: Image, smallest: int = SMALLEST_FACE) -> Faces:
        """Return the main face of an image with landmarks (N = 1), or no faces.

        image: uint8 (H, W, 3), BGR.
        smallest: px; smaller faces need not be found.
        """
        return self._portrait(Picture.of(image), smallest)[0]

    def _portrait(self, picture: Picture, smallest: int = SMALLEST_FACE) -> tuple[Faces, Image, float]:
        """Return the main face in px of the whole picture, an image to crop it from, and that image's scale."""
        face = self.detector.portrait(picture, smallest)
        image, scale = picture.at_least(CROPPED_FACE / max(face.sizes[0], 1) if len(face) else 0)
        faces = self.refine(image, self._with_landmarks(image, scaled(face, scale)))
        return scaled(faces, 1 / scale), image, scale

    def _with_landmarks(self, image: Image, faces: Faces) -> Faces:
        if len(faces) == 0 or self.embedder.aligner.accepts(faces.scheme):
            return faces
        return self.predictor.predict(image, faces, self.detector.predictor_boxes(faces))


@cache
def process_pipeline(
    detector: str = "built-in",
    embedding_model: str = "built-in",
    confidence: float | None = None,
    accuracy: str = embedders.DEFAULT,
) -> Pipeline:
    """Load the models once per process, for a worker process that has one core: OpenCV uses one thread from then on.

    Parameters and errors as for ``Pipeline.load``; the same arguments return the same pipeline.
    """
    cv2.setNumThreads(1)
    return Pipeline.load(detector, embedding_model, confidence, accuracy, threads=1)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The result of enrolling a photograph.

    face: N = 1, or None.
    embedding: float32 (D,), or None.
    sha256: of the file.
    reason: why there is no embedding.
    """

    face: Faces | None = None
    embedding: Floats | None = None
    sha256: str = ""
    reason: str = ""

    def embedded(self, embedding: Floats, is_face: bool) -> Enrolment:
        """Return the enrolment with the embedding of its face, or with the reason why that is not a face."""
        if is_face:
            return replace(self, embedding=embedding)
        reason = NOT_A_FACE if embedders.usable(embedding[None]).all() else embedders.NOT_USABLE
        return Enrolment(sha256=self.sha256, reason=reason)
