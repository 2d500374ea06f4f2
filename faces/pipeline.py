"""From photographs to embeddings: read, detect, align, embed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache, cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from faces import detection
from faces.detection import Detector
from faces.detection.base import scaled
from faces.detection.turns import best_turn
from faces.embedding import embedders, face_check
from faces.embedding.aligners import aligned_by
from faces.embedding.embedders import Embedder
from faces.embedding.landmarks import ShapePredictor
from faces.enrolment import NO_FACE, SMALLEST_FACE, Enrolment, poor_quality
from faces.errors import ImageError
from faces.images import Picture
from faces.types import Faces, Fingerprint, Floats, Image

CROPPED_FACE = 100  # px: size of the face in a crop; a finer image would only be shrunk


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
            aligner = aligned_by(aligner, self.predictor.model)
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
        """Embed the main face of each photograph, and the faces about as large beside it, in one batch.

        photographs: the bytes of each file, or the reason why it could not be read; may be lazy.
        check_quality: leave out faces that are too small or too blurred: for enrolment, not for probes.
        """
        prepared = [self._prepare(photograph, check_quality) for photograph in photographs]
        crops = [crop for faces in prepared for _, crop in faces if crop is not None]
        score = [face.face.score[0] for faces in prepared for face, crop in faces if face.face and crop is not None]
        embedded = self.embed_crops(np.stack(crops), np.array(score, np.float32)) if crops else ((), ())
        each = zip(*embedded, strict=True)
        return [
            Enrolment.of_faces([face if crop is None else face.embedded(*next(each)) for face, crop in faces])
            for faces in prepared
        ]

    def _prepare(self, photograph: bytes | str, check_quality: bool) -> list[tuple[Enrolment, Image | None]]:
        """Return each face of a photograph without its embedding, the main one first, and the crop to embed, if any.

        Crops are uint8 (side, side, 3). Without a face there is one enrolment, with the reason.
        """
        if isinstance(photograph, str):
            return [(Enrolment(reason=photograph), None)]
        sha256 = hashlib.sha256(photograph).hexdigest()
        try:
            picture = Picture(photograph)
            faces, image, scale = self._look_closer(picture, self.detector.portrait(picture, SMALLEST_FACE))
        except ImageError as error:
            return [(Enrolment(sha256=sha256, reason=f"unreadable: {error}"), None)]
        prepared: list[tuple[Enrolment, Image | None]] = []
        for at, crop in enumerate(self.embedder.aligner.crop(image, scaled(faces, scale))):
            face = faces[at : at + 1]
            reason = poor_quality(face.sizes[0], crop) if check_quality else ""
            prepared.append(
                (Enrolment(sha256=sha256, reason=reason), None) if reason else (Enrolment(face, sha256=sha256), crop)
            )
        return prepared or [(Enrolment(sha256=sha256, reason=NO_FACE), None)]

    def best_face(self, image: Image, smallest: int = SMALLEST_FACE) -> Faces:
        """Return the main face of an image with landmarks (N = 1), or no faces.

        image: uint8 (H, W, 3), BGR.
        smallest: px; smaller faces need not be found.
        """
        picture = Picture.of(image)
        return self._look_closer(picture, self.detector.portrait(picture, smallest)[:1])[0]

    def _look_closer(self, picture: Picture, faces: Faces) -> tuple[Faces, Image, float]:
        """Return the faces of a picture with exact landmarks, an image to crop them from, and that image's scale.

        faces: in px of the whole picture, as those that are returned.
        """
        image, scale = picture.at_least(CROPPED_FACE / max(faces.sizes.min(), 1) if len(faces) else 0)
        refined = self.refine(image, self._with_landmarks(image, scaled(faces, scale)))
        return scaled(refined, 1 / scale), image, scale

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
