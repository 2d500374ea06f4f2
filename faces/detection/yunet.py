"""YuNet: faces and five landmarks in one fast pass (Wu, Peng and Yu, Machine Intelligence Research, 2023)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from faces.crops import cut
from faces.detection.base import scaled
from faces.detection.turns import best_turn
from faces.errors import ModelError
from faces.files import digest
from faces.geometry import non_maximum_suppression, square, transform
from faces.images import Picture
from faces.models import conversion, zoo
from faces.models.engine import Engine, OnnxEngine
from faces.types import Faces, Floats, Image, LandmarkScheme, ModelId

STRIDES = (8, 16, 32)
NMS_IOU = 0.3  # opencv_zoo's default
# From this detector's boxes to dlib's: medians over LFW (python -m benchmarks.measure_models boxes).
BOX_SCALE, BOX_DOWN = 0.917, -0.021
PORTRAIT_SIDE = 640  # px, the longer side on the first try in a portrait; finds faces from about 15 px
MAX_SIDE = 1280  # px, the longer side: larger images are shrunk, unless small faces are wanted in them
MOST_SIDE = 4096  # px, the longer side, whatever is wanted: bounds memory
FOUND = 24  # px in the shrunk image: nearly all faces of this size are found (docs/models.md, "What is found")
BORDER = 0.5  # of the longer side, around a portrait whose face fills it (docs/models.md, "What is found")
REFINED_SIDE, REFINED_FACE = 352, 200  # px: the crop in which landmarks are found again, and the face in it
UPRIGHT_SCORE = 0.9  # faces that lie on their side or head score less (docs/models.md, "What is found")
MOST_LOOKS, STEADY = 3, 10.0  # closer looks; degrees: a smaller change of the roll needs no other look
FARTHEST = 0.35  # of the face: a detection whose middle is farther from that of the crop is another face


class YuNetDetector:
    """Finds faces and their landmarks.

    For each stride s and cell, the network returns a class and an object score, a box, and five points in cells. They
    are decoded as in OpenCV's face_detect.cpp: score sqrt(cls * obj), centre (column + dx, row + dy) * s, size
    exp(d) * s.
    names: of the network's outputs, in order.
    confidence: least score of a face.
    min_face: px; faces from this size on are found in large images, too, in more time.
    """

    def __init__(
        self, engine: Engine, names: list[str], model: ModelId, confidence: float = 0.5, min_face: int = 60
    ) -> None:
        self.model = model
        self.scheme: LandmarkScheme | None = "five-points"
        self.upright_score: float | None = UPRIGHT_SCORE
        self._engine = engine
        self._outputs = {name: index for index, name in enumerate(names)}
        self._confidence = confidence
        self._min_face = min_face

    @classmethod
    def built_in(cls, confidence: float = 0.5, threads: int | None = None, min_face: int = 60) -> YuNetDetector:
        """Load the built-in detector; raise ModelError as ``conversion.converted`` does.

        confidence, threads, min_face: as for ``load``.
        """
        spec = zoo.MODELS["yunet-int8"]
        engine = OnnxEngine(conversion.converted(spec), threads)
        return cls(engine, engine.output_names, zoo.model_id(spec), confidence, min_face)

    @classmethod
    def load(cls, path: Path, confidence: float = 0.5, threads: int | None = None, min_face: int = 60) -> YuNetDetector:
        """Load the detector.

        The file of 2023 declares an input of 640 x 640 but works with any size; the file of 2026 declares any size.
        path: a YuNet ``.onnx`` of 2023 or later.
        confidence: least score of a face.
        threads: within one image; by default the number of cores.
        min_face: as for the class.
        Raises ModelError for another network.
        """
        engine = OnnxEngine(path, threads)
        names = engine.output_names
        expected = {f"{part}_{stride}" for part in ("cls", "obj", "bbox", "kps") for stride in STRIDES}
        if not expected <= set(names):
            raise ModelError(f"{path}: not a YuNet face detector (its outputs are {', '.join(names[:3])}, ...)")
        if isinstance(engine.input_shape[-1], int):
            engine = OnnxEngine(path, threads, any_size=True)
        engine.run(np.zeros((1, 3, STRIDES[-1], STRIDES[-1]), np.float32))
        return cls(engine, names, ModelId("yunet", digest.digest(path).removeprefix("sha256:")), confidence, min_face)

    def detect(self, image: Image) -> Faces:
        """Return the faces with landmarks, best first; see ``Detector.detect``."""
        return self._detect(image, self._longest(*image.shape[:2]))

    def least_face(self, height: int, width: int) -> float:
        """Return the size from which faces are found; see ``Detector.least_face``."""
        return FOUND * max(1.0, max(height, width) / self._longest(height, width))

    def _longest(self, height: int, width: int) -> int:
        """Return the longer side in which faces of ``min_face`` px have ``FOUND`` px, within bounds."""
        return min(max(MAX_SIDE, round(max(height, width) * FOUND / self._min_face)), MOST_SIDE)

    def portrait(self, picture: Picture, smallest: float) -> Faces:
        """Return the main face and those about as large; see ``Detector.portrait``."""
        for side in (PORTRAIT_SIDE, MAX_SIDE):
            image, scale = picture.at_least(side / picture.sides[1])
            faces = best_turn(partial(self._detect, longest=side), image, self.upright_score)
            if len(faces) or max(image.shape[:2]) <= side:
                break
        if len(faces) == 0:
            faces = self._detect_in_border(image)
        return scaled(faces.foremost(*image.shape[1::-1]), 1 / scale)

    def _detect_in_border(self, image: Image) -> Faces:
        """Detect faces in an image with black around it: a face that fills an image is seldom found without."""
        margin = round(BORDER * max(image.shape[:2]))
        bordered = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=(0, 0, 0))
        faces = self._detect(np.asarray(bordered, np.uint8), PORTRAIT_SIDE)
        points = None if faces.landmarks is None else faces.landmarks - np.float32(margin)
        return Faces(faces.xyxy - np.float32(margin), faces.score, points, faces.scheme)

    def _detect(self, image: Image, longest: int) -> Faces:
        """Detect faces in an image whose longer side is first shrunk to ``longest`` px."""
        height, width = image.shape[:2]
        scale = min(1.0, longest / max(height, width))
        if scale < 1:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        bottom, right = -image.shape[0] % 32, -image.shape[1] % 32
        padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=(0, 0, 0))
        outputs = self._engine.run(padded.transpose(2, 0, 1)[None].astype(np.float32))
        parts = [self._decode(outputs, stride, padded.shape[1] // stride) for stride in STRIDES]
        boxes, score, points = (np.concatenate(part) for part in zip(*parts, strict=True))
        kept = non_maximum_suppression(boxes, score, NMS_IOU)
        back = np.array([width / image.shape[1], height / image.shape[0]], np.float32)
        return Faces(boxes[kept] * np.tile(back, 2), score[kept], points[kept] * back, "five-points")

    def refine(self, image: Image, faces: Faces) -> Faces:
        """Return the faces with landmarks found again, each in an upright crop in which it is large.

        They are less exact for small faces, and their roll is too small.
        """
        if faces.landmarks is None or len(faces) == 0:
            return faces
        landmarks = np.stack([self._refined(image, faces[k : k + 1]) for k in range(len(faces))])
        return replace(faces, landmarks=landmarks)

    def _refined(self, image: Image, face: Faces) -> Floats:
        """Return the landmarks (5, 2) of one face, from closer looks until its roll is steady."""
        for _ in range(MOST_LOOKS):
            points = self._find_again(image, face)
            before, face = face, replace(face, landmarks=points[None])
            if abs(_roll(face) - _roll(before)) < STEADY:
                break
        return points

    def _find_again(self, image: Image, face: Faces) -> Floats:
        """Return the landmarks (5, 2) of one face from a closer look, or those it has where that shows no face."""
        assert face.landmarks is not None
        known: Floats = face.landmarks[0]
        right, left = known[:2].astype(np.float64)
        axis = (left - right) / max(float(np.hypot(*(left - right))), 1e-6) * face.sizes[0] / REFINED_FACE
        turn = np.array([[axis[0], -axis[1]], [axis[1], axis[0]]])
        centre = (face.xyxy[0, :2] + face.xyxy[0, 2:]) / 2
        to_image = np.column_stack([turn, centre - turn @ np.full(2, (REFINED_SIDE - 1) / 2)])
        found = self._detect(cut(image, to_image, REFINED_SIDE), REFINED_SIDE)
        points = found.landmarks
        if points is None or len(found) == 0:
            return known
        middles = (found.xyxy[:, :2] + found.xyxy[:, 2:]) / 2
        away = np.linalg.norm(middles - REFINED_SIDE / 2, axis=1)
        best = int(away.argmin())
        if away[best] > REFINED_FACE * FARTHEST:
            return known
        return np.asarray(transform(to_image, points[best]), np.float32)

    def predictor_boxes(self, faces: Faces) -> Floats:
        """Return boxes framed as dlib frames a face; see ``Detector.predictor_boxes``."""
        return square(faces.xyxy, scale=BOX_SCALE, down=BOX_DOWN)

    def _decode(self, outputs: list[Floats], stride: int, columns: int) -> tuple[Floats, Floats, Floats]:
        """Return boxes (N, 4), scores (N,) and points (N, 5, 2) of one stride, in px of the padded image."""
        cls, obj, box, points = (
            outputs[self._outputs[f"{part}_{stride}"]][0] for part in ("cls", "obj", "bbox", "kps")
        )
        score = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
        cells = np.flatnonzero(score >= self._confidence)
        origin = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
        centre = (origin + box[cells, :2]) * stride
        half = np.exp(box[cells, 2:]) * stride / 2
        points = (points[cells].reshape(-1, 5, 2) + origin[:, None]) * stride
        return np.concatenate([centre - half, centre + half], axis=1), score[cells], points


def _roll(face: Faces) -> float:
    """Return the angle of the line between the eyes of one face, degrees."""
    assert face.landmarks is not None
    x, y = face.landmarks[0, 1] - face.landmarks[0, 0]
    return float(np.degrees(np.arctan2(y, x)))
