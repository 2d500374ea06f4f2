"""dlib's MMOD face detector: a small convolutional network slid over an image pyramid.

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
from faces.models import dlib, zoo
from faces.models.engine import Engine, OnnxEngine
from faces.types import Faces, Floats, Image, LandmarkScheme, ModelId

WINDOW = 80  # px: the only face size that the network knows
STRIDE, FIRST = 8, 14  # px: a cell of the score map, and where the first one's centre lies
NMS_IOU = 0.338  # stored in the .dat, with no limit on how much of one box another may cover
LONGEST_SIDE = 32_000  # px: more is too much for cv2.warpAffine
SMALLEST_IMAGE = 20  # px: smaller ones hold no face, and the network needs something to slide over
# Of the image's shorter side, that a photograph's face may take: each step costs three times the one before.
PORTRAIT_SHARES = (0.45, 0.25, 0.14, 0.08, 0.04)
FINE_ENOUGH = 2  # of these, the one for which a large JPEG is decoded at first: a finer image costs decoding again
GLANCE, AROUND = 3, 64  # cells around a glance's guess that are asked, and px around it that the network then sees


class MmodDetector:
    """Finds faces of ``min_face`` px and more, looking straight at the camera or nearly so.

    confidence: of a face's score, which is the logistic function of the network's; 0.5 is dlib's own threshold.
    min_face: px; the network sees faces of 80 px and more, so the image is enlarged where this is less.
    max_pixels: the image is shrunk to this before anything else, whatever ``min_face``: time goes with pixels.
    """

    def __init__(
        self, engine: Engine, model: ModelId, confidence: float = 0.5, min_face: int = 60, max_pixels: int = 4_000_000
    ) -> None:
        self.model = model
        self.scheme: LandmarkScheme | None = None
        self.min_face = min_face
        self._engine = engine
        self._confidence = confidence
        self._threshold = float(np.log(confidence / (1 - confidence)))
        self._max_pixels = max_pixels

    @classmethod
    def load(cls, confidence: float = 0.5, threads: int | None = None, min_face: int = 60) -> MmodDetector:
        """The built-in detector; raises ModelError as ``dlib.converted`` does."""
        spec = zoo.MODELS["dlib-mmod"]
        engine = OnnxEngine(dlib.converted(spec), threads)
        return cls(engine, zoo.model_id(spec), confidence, min_face)

    def detect(self, image: Image) -> Faces:
        pyramid = self._pyramid(image, self.min_face)
        return Faces.empty() if pyramid is None else _suppressed(self._candidates(pyramid, self._scores(pyramid.tiled)))

    def portrait(self, picture: Picture, smallest: float) -> Faces:
        """Looks for a large face first, as portraits have, in an image that is the smaller for it; then for less."""
        largest: float = picture.sides[0]
        sizes = [max(share * largest, smallest) for share in PORTRAIT_SHARES]
        picture.at_least(WINDOW / sizes[FINE_ENOUGH])  # in one go, since most faces are found there
        for size in dict.fromkeys(sizes):  # each once: in a small image the last ones are the same
            image, scale = picture.at_least(WINDOW / size)
            pyramid = self._pyramid(image, size * scale)
            if pyramid is None:
                break
            face = self._glance(pyramid, largest * scale)
            if len(face) == 0:
                face = self._best(self._candidates(pyramid, self._scores(pyramid.tiled)), pyramid)
            if len(face):
                return scaled(face, 1 / scale)
            largest = size
        return Faces.empty()

    def predictor_boxes(self, faces: Faces) -> Floats:
        return faces.xyxy

    def _pyramid(self, image: Image, min_face: float) -> Pyramid | None:
        """None for images too small for any face."""
        shorter, longer = sorted(image.shape[:2])
        scale = min(WINDOW / min_face, (self._max_pixels / (shorter * longer)) ** 0.5, LONGEST_SIDE / longer)
        return None if min(shorter, round(shorter * scale)) < SMALLEST_IMAGE else Pyramid.build(image, scale)

    def _scores(self, tiled: Image) -> Floats:
        """The score map (rows, columns) of a tiled picture or a part of it."""
        scores: Floats = self._engine.run(np.ascontiguousarray(tiled)[None])[0][0, 0]
        return scores

    def _candidates(self, pyramid: Pyramid, scores: Floats) -> Faces:
        """Every cell of the score map that sees a face: many to each face."""
        rows, columns = np.nonzero(scores > self._threshold)
        centres = (np.stack([columns, rows], axis=1) * STRIDE + FIRST).astype(np.float32)
        return Faces(pyramid.boxes(centres, WINDOW), (1 / (1 + np.exp(-scores[rows, columns]))).astype(np.float32))

    def _glance(self, pyramid: Pyramid, largest: float) -> Faces:
        """The face where a guess says, asked only of the levels around its size; none where another might be better.

        largest: px; there are no larger faces. By ``Faces.best``, beside a face of size s, d px from the middle, a
        better one is larger than 3 s - 4 d; and where there is another, more than one thing looks like a face.
        """
        guesses = haar.faces(pyramid.lowest, WINDOW)
        if not guesses:
            return Faces.empty()
        x, y, size = guesses[0]
        scores: Floats = np.full([side // STRIDE for side in pyramid.tiled.shape[:2]], -np.inf, np.float32)
        peaks: dict[int, float] = {}
        levels = range(len(pyramid.levels))
        ask = [min(max(round(log(size / WINDOW, 1 / SHRINK)), 0), levels[-1])]
        while ask:  # on, until the best level lies between two that were asked
            peaks[ask[0]] = self._score_around(pyramid.tiled, *pyramid.place(x, y, ask[0]), scores)
            best = max(peaks, key=peaks.__getitem__)
            ask = [level for level in (best - 1, best + 1) if level in levels and level not in peaks]
        face = self._best(self._candidates(pyramid, scores), pyramid)
        middle = np.array([pyramid.width, pyramid.height]) / 2
        away = np.linalg.norm((face.xyxy[:, :2] + face.xyxy[:, 2:]) / 2 - middle, axis=1)
        return face[(3 * face.sizes - 4 * away >= largest) | (len(guesses) == 1)]

    def _score_around(self, tiled: Image, x: float, y: float, scores: Floats) -> float:
        """Fill in the score map around a place (px) in the tiled picture; the highest score there."""
        row, column = round((y - FIRST) / STRIDE), round((x - FIRST) / STRIDE)
        top, left = (max((cell * STRIDE + FIRST - AROUND) // STRIDE, 0) for cell in (row, column))
        bottom, right = (cell * STRIDE + FIRST + AROUND for cell in (row, column))
        seen = self._scores(tiled[top * STRIDE : bottom, left * STRIDE : right])
        low = max(row - GLANCE, 0), max(column - GLANCE, 0)
        near = seen[low[0] - top : row + GLANCE + 1 - top, low[1] - left : column + GLANCE + 1 - left]
        scores[low[0] : low[0] + near.shape[0], low[1] : low[1] + near.shape[1]] = near
        return float(near.max(initial=-np.inf))

    def _best(self, candidates: Faces, pyramid: Pyramid) -> Faces:
        """The face that a photograph is of, its box the mean of all it suppresses (Gidaris and Komodakis, ICCV 2015).

        The best box alone jumps by a cell, a tenth of the face, with whatever else is in the picture.
        """
        best = _suppressed(candidates).best(pyramid.width, pyramid.height)
        if len(best) == 0:
            return best
        same = candidates[iou(best.xyxy[0], candidates.xyxy) > NMS_IOU]
        weights = np.maximum(same.score - self._confidence, 1e-6)
        return Faces(np.average(same.xyxy, axis=0, weights=weights).round().astype(np.float32)[None], best.score)


def _suppressed(candidates: Faces) -> Faces:
    """Of the boxes on one face the best."""
    return candidates[non_maximum_suppression(candidates.xyxy, candidates.score, NMS_IOU)]
