"""The recipe's detector: OpenCV's Res10 SSD, from its Caffe or TensorFlow pair of files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faces.detection.base import scaled
from faces.errors import ModelError
from faces.files import digest
from faces.geometry import square
from faces.images import Picture
from faces.models import zoo
from faces.models.engine import CvDnnEngine, Engine
from faces.types import Faces, Floats, Image, LandmarkScheme, ModelId

# From this detector's boxes to dlib's: medians over LFW (python -m benchmarks.measure_models boxes).
BOX_SCALE, BOX_DOWN = 0.894, 0.003
INPUT_WH = (300, 300)
DECODED_SIDE = 600  # px: the recipe shrinks an image to this before it is made square
CONFIG_SUFFIX = {".caffemodel": ".prototxt", ".pb": ".pbtxt"}


class SsdDetector:
    """Finds faces from about a tenth of the image's side, in one pass at 300 x 300.

    confidence: least score of a face.
    """

    def __init__(self, engine: Engine, model: ModelId, confidence: float = 0.5) -> None:
        self.model = model
        self.scheme: LandmarkScheme | None = None
        self.upright_score: float | None = None
        self._engine = engine
        self._confidence = confidence
        self._spec = zoo.MODELS["ssd-caffe"]

    @classmethod
    def load(cls, weights: Path, confidence: float = 0.5) -> SsdDetector:
        """Load the detector.

        weights: a ``.caffemodel`` or ``.pb``, with its ``.prototxt`` or ``.pbtxt`` in the same folder.
        confidence: least score of a face.
        Raises ModelError if a file is missing or damaged, or is another network; the network is run once.
        """
        suffix = CONFIG_SUFFIX.get(weights.suffix.lower())
        if suffix is None:
            raise ModelError(f"{weights}: expected a .caffemodel, .pb or .onnx file")
        configs = sorted(weights.parent.glob(f"*{suffix}"))
        if not configs:
            raise ModelError(f"{weights}: its {suffix} file is missing; run: faces download-models openface")
        engine = CvDnnEngine(weights, configs[0])
        shape = engine.run(np.zeros((1, 3, *INPUT_WH), np.float32))[0].shape
        if len(shape) != 4 or shape[-1] != 7:
            raise ModelError(f"{weights}: not an SSD face detector (its output is {shape}, not rows of 7)")
        sha256 = digest.digest(weights).removeprefix("sha256:")
        return cls(engine, ModelId("ssd", sha256), confidence)

    def detect(self, image: Image) -> Faces:
        """Return the faces, best first; see ``Detector.detect``."""
        height, width = image.shape[:2]
        blob = cv2.dnn.blobFromImage(image, self._spec.scale, INPUT_WH, self._spec.mean)
        rows = np.asarray(self._engine.run(blob)[0], np.float32).reshape(-1, 7)
        # The network sometimes returns boxes without area or outside the image.
        rows = rows[(rows[:, 2] >= self._confidence) & np.isfinite(rows).all(axis=1)]
        boxes = rows[:, 3:] * np.array([width, height, width, height], np.float32)
        inside = np.minimum(boxes[:, 2:], [width, height]) - np.maximum(boxes[:, :2], 0)
        rows, boxes = rows[(inside > 1).all(axis=1)], boxes[(inside > 1).all(axis=1)]
        order = np.argsort(-rows[:, 2], kind="stable")
        return Faces(boxes[order], np.clip(rows[order, 2], 0, 1))

    def portrait(self, picture: Picture, smallest: float) -> Faces:
        """Return the main face and those about as large; see ``Detector.portrait``."""
        image, scale = picture.at_least(DECODED_SIDE / picture.sides[0])
        return scaled(self.detect(image).foremost(*image.shape[1::-1]), 1 / scale)

    def least_face(self, height: int, width: int) -> float:
        """Return 0: it was not measured."""
        return 0.0

    def refine(self, image: Image, faces: Faces) -> Faces:
        """Return the faces as they are: this detector finds no landmarks."""
        return faces

    def predictor_boxes(self, faces: Faces) -> Floats:
        """Return boxes framed as dlib frames a face; see ``Detector.predictor_boxes``."""
        return square(faces.xyxy, scale=BOX_SCALE, down=BOX_DOWN)
