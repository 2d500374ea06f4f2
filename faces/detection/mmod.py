"""dlib's MMOD face detector: a small convolutional network applied to an image pyramid.

King, "Max-Margin Object Detection", arXiv:1502.00046; dlib/dnn/loss.h (loss_mmod_).
"""

from __future__ import annotations

from math import log

import numpy as np

from faces.detection import haar
from faces.detection.base import scaled
from faces.detection.pyramid import SHRINK, Pyramid
from faces.geometry import iou, non_maximum_suppression
from faces.images import Picture
from faces.models import conversion, zoo
from faces.models.engine import Engine, OnnxEngine
from faces.types import Faces, Floats, Image, LandmarkScheme, ModelId

WINDOW = 80  # px: the only face size that the network detects
STRIDE, FIRST = 8, 14  # px: side of a cell of the score map, and centre of the first cell
NMS_IOU = 0.338  # stored in the .dat, with no limit on how much of one box another may cover
LONGEST_SIDE = 32_000  # px: cv2.warpAffine cannot take more
SMALLEST_IMAGE = 20  # px: smaller images contain no face, and are too small for the network
# Sizes of a portrait's face to try, as shares of the image's shorter side: each takes three times the one before.
PORTRAIT_SHARES = (0.45, 0.25, 0.14, 0.08, 0.04)
FIRST_DECODED = 2  # index of the share for which a large JPEG is decoded first: a finer image is decoded again
GUESS_CELLS, GUESS_PIXELS = 3, 64  # around a guess: cells whose scores are used, and px that the network sees


class MmodDetector:
    """Finds frontal and nearly frontal faces.

    confidence: least score of a face, the logistic function of the network's output; 0.5 is dlib's own threshold.
    min_face: smallest face, px; the network detects faces of 80 px and more, so the image is enlarged for smaller ones.
    max_pixels: larger images are shrunk to this first, whatever ``min_face``, since the time grows with the pixels.
    """

    def __init__(
        self, engine: Engine, model: ModelId, confidence: float = 0.5, min_face: int = 60, max_pixels: int = 4_000_000
    ) -> None:
        self.model = model
        self.scheme: LandmarkScheme | None = None
        self.upright_score: float | None = None
        self.min_face = min_face
        self._engine = engine
        self._confidence = confidence
        self._threshold = float(np.log(confidence / (1 - confidence)))
        self._max_pixels = max_pixels

    @classmethod
    def load(cls, confidence: float = 0.5, threads: int | None = None, min_face: int = 60) -> MmodDetector:
        """Load the detector; raise ModelError as ``conversion.converted`` does.

        confidence, min_face: as for the class.
        threads: within one image; by default the number of cores.
        """
        spec = zoo.MODELS["dlib-mmod"]
        engine = OnnxEngine(conversion.converted(spec), threads)
        return cls(engine, zoo.model_id(spec), confidence, min_face)

    def detect(self, image: Image) -> Faces:
        """Return the faces of at least ``min_face`` px, best first; see ``Detector.detect``."""
        pyramid = self._pyramid(image, self.min_face)
        return Faces.empty() if pyramid is None else _suppressed(self._candidates(pyramid, self._scores(pyramid.tiled)))

    def portrait(self, picture: Picture, smallest: float) -> Faces:
        """Return the main face, or none; see ``Detector.portrait``.

        The search starts with a large face in a small image, and continues with smaller faces in larger images.
        """
        largest: float = picture.sides[0]
        sizes = [max(share * largest, smallest) for share in PORTRAIT_SHARES]
        picture.at_least(WINDOW / sizes[FIRST_DECODED])  # decode once, since most faces are found at this size
        for size in dict.fromkeys(sizes):  # without repeats: in a small image the last sizes are equal
            image, scale = picture.at_least(WINDOW / size)
            pyramid = self._pyramid(image, size * scale)
            if pyramid is None:
                break
            face = self._face_at_guess(pyramid, largest * scale)
            if len(face) == 0:
                face = self._best(self._candidates(pyramid, self._scores(pyramid.tiled)), pyramid)
            if len(face):
                return scaled(face, 1 / scale)
            largest = size
        return Faces.empty()

    def least_face(self, height: int, width: int) -> float:
        """Return the size from which faces are found; see ``Detector.least_face``."""
        return WINDOW / self._shrinking(height, width, self.min_face)

    def _shrinking(self, height: int, width: int, min_face: float) -> float:
        most = float((self._max_pixels / (height * width)) ** 0.5)
        return min(WINDOW / min_face, most, LONGEST_SIDE / max(height, width))

    def refine(self, image: Image, faces: Faces) -> Faces:
        """Return the faces as they are: this detector finds no landmarks."""
        return faces

    def predictor_boxes(self, faces: Faces) -> Floats:
        """Return the boxes as they are: they are dlib's own."""
        return faces.xyxy

    def _pyramid(self, image: Image, min_face: float) -> Pyramid | None:
        """Return the pyramid of an image, or None if the image is too small for any face."""
        height, width = image.shape[:2]
        shorter, scale = min(height, width), self._shrinking(height, width, min_face)
        return None if min(shorter, round(shorter * scale)) < SMALLEST_IMAGE else Pyramid.build(image, scale)

    def _scores(self, tiled: Image) -> Floats:
        """Return the score map (rows, columns) of a tiled picture or a part of it."""
        scores: Floats = self._engine.run(np.ascontiguousarray(tiled)[None])[0][0, 0]
        return scores

    def _candidates(self, pyramid: Pyramid, scores: Floats) -> Faces:
        """Return a face for every cell above the threshold: several for each real face."""
        rows, columns = np.nonzero(scores > self._threshold)
        centres = (np.stack([columns, rows], axis=1) * STRIDE + FIRST).astype(np.float32)
        return Faces(pyramid.boxes(centres, WINDOW), (1 / (1 + np.exp(-scores[rows, columns]))).astype(np.float32))

    def _face_at_guess(self, pyramid: Pyramid, largest: float) -> Faces:
        """Return the face at the cascade's guess, or none if there might be a better one elsewhere.

        Only the levels around the guess's size are computed. By ``Faces.best``, a face that is better than one of size
        s, d px from the centre, is larger than 3 s - 4 d; without a second guess there is no other face.
        largest: px; there are no larger faces.
        """
        guesses = haar.guess_faces(pyramid.lowest, WINDOW)
        if not guesses:
            return Faces.empty()
        x, y, size = guesses[0]
        scores: Floats = np.full([side // STRIDE for side in pyramid.tiled.shape[:2]], -np.inf, np.float32)
        peaks: dict[int, float] = {}
        levels = range(len(pyramid.levels))
        pending = [min(max(round(log(size / WINDOW, 1 / SHRINK)), 0), levels[-1])]
        while pending:  # until both neighbours of the best level are computed
            peaks[pending[0]] = self._score_around(pyramid.tiled, *pyramid.place(x, y, pending[0]), scores)
            best = max(peaks, key=peaks.__getitem__)
            pending = [level for level in (best - 1, best + 1) if level in levels and level not in peaks]
        face = self._best(self._candidates(pyramid, scores), pyramid)
        middle = np.array([pyramid.width, pyramid.height]) / 2
        distance = np.linalg.norm((face.xyxy[:, :2] + face.xyxy[:, 2:]) / 2 - middle, axis=1)
        return face[(3 * face.sizes - 4 * distance >= largest) | (len(guesses) == 1)]

    def _score_around(self, tiled: Image, x: float, y: float, scores: Floats) -> float:
        """Fill in the score map around a place (px) in the tiled picture, and return the highest score there."""
        row, column = round((y - FIRST) / STRIDE), round((x - FIRST) / STRIDE)
        top, left = (max((cell * STRIDE + FIRST - GUESS_PIXELS) // STRIDE, 0) for cell in (row, column))
        bottom, right = (cell * STRIDE + FIRST + GUESS_PIXELS for cell in (row, column))
        part = self._scores(tiled[top * STRIDE : bottom, left * STRIDE : right])
        low = max(row - GUESS_CELLS, 0), max(column - GUESS_CELLS, 0)
        near = part[low[0] - top : row + GUESS_CELLS + 1 - top, low[1] - left : column + GUESS_CELLS + 1 - left]
        scores[low[0] : low[0] + near.shape[0], low[1] : low[1] + near.shape[1]] = near
        return float(near.max(initial=-np.inf))

    def _best(self, candidates: Faces, pyramid: Pyramid) -> Faces:
        """Return the main face; its box is the mean of all boxes it suppresses (Gidaris and Komodakis, ICCV 2015).

        The best box alone is only accurate to one cell, a tenth of the face.
        """
        best = _suppressed(candidates).best(pyramid.width, pyramid.height)
        if len(best) == 0:
            return best
        same = candidates[iou(best.xyxy[0], candidates.xyxy) > NMS_IOU]
        weights = np.maximum(same.score - self._confidence, 1e-6)
        return Faces(np.average(same.xyxy, axis=0, weights=weights).round().astype(np.float32)[None], best.score)


def _suppressed(candidates: Faces) -> Faces:
    """Return the best box of each face."""
    return candidates[non_maximum_suppression(candidates.xyxy, candidates.score, NMS_IOU)]
