"""dlib's MMOD face detector: a small convolutional network slid over an image pyramid.

King, "Max-Margin Object Detection", arXiv:1502.00046; dlib/dnn/loss.h (loss_mmod_) and
dlib/image_transforms/image_pyramid.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faces import dlib_weights, zoo
from faces.engine import Engine, OnnxEngine
from faces.geometry import non_maximum_suppression
from faces.types import Faces, Floats, Image, LandmarkScheme, ModelId

WINDOW = 80  # px: the only face size that the network knows
STRIDE, FIRST = 8, 14  # px: a cell of the score map, and where the first one's centre lies
NMS_IOU = 0.338  # stored in the .dat, with no limit on how much of one box another may cover
PADDING, OUTER_PADDING = 10, 11  # px between the levels that dlib tiles into one picture, and around them
SHRINK = 5 / 6  # dlib's pyramid_down<6>
LOWEST_LEVEL = 5  # px: of height
LONGEST_SIDE = 32_000  # px: more is too much for cv2.warpAffine
SMALLEST_IMAGE = 20  # px: smaller ones hold no face, and the network needs something to slide over


@dataclass(frozen=True, slots=True)
class _Level:
    """A pyramid level: its size, and its place in dlib's tiled picture, px."""

    width: int
    height: int
    x: int
    y: int


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
        self._threshold = float(np.log(confidence / (1 - confidence)))
        self._max_pixels = max_pixels

    @classmethod
    def load(cls, confidence: float = 0.5, threads: int | None = None, min_face: int = 60) -> MmodDetector:
        """The built-in detector; raises ModelError as ``dlib_weights.converted`` does."""
        spec = zoo.MODELS["dlib-mmod"]
        engine = OnnxEngine(dlib_weights.converted(spec), threads)
        return cls(engine, zoo.model_id(spec), confidence, min_face)

    def detect(self, image: Image, min_face: float | None = None) -> Faces:
        height, width = image.shape[:2]
        enough = WINDOW / (min_face or self.min_face)
        scale = min(enough, (self._max_pixels / (height * width)) ** 0.5, LONGEST_SIDE / max(height, width))
        size = round(width * scale), round(height * scale)
        if min(height, width, *size) < SMALLEST_IMAGE:
            return Faces.empty()
        if abs(scale - 1) > 0.01:
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            image = np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
        levels = _tiling(image.shape[1], image.shape[0])
        scores = self._engine.run(_tiled(image, levels)[None])[0][0, 0]
        rows, columns = np.nonzero(scores > self._threshold)
        centres = np.stack([columns, rows], axis=1) * STRIDE + FIRST
        boxes = _boxes_in_image(centres.astype(np.float32), levels)
        boxes *= np.array([width / image.shape[1], height / image.shape[0]] * 2, np.float32)
        score = (1 / (1 + np.exp(-scores[rows, columns]))).astype(np.float32)
        kept = non_maximum_suppression(boxes, score, NMS_IOU)
        return Faces(boxes[kept], score[kept])

    def predictor_boxes(self, faces: Faces) -> Floats:
        return faces.xyxy


def _tiling(width: int, height: int) -> list[_Level]:
    """The pyramid of an image, laid out as dlib's compute_tiled_image_pyramid_details does.

    Down the left side, until the next level fits beside the one before, then back up the right.
    """
    sizes = [(width, height)]
    while (narrower := int(sizes[-1][0] * SHRINK)) > 0 and (lower := int(sizes[-1][1] * SHRINK)) >= LOWEST_LEVEL:
        sizes.append((narrower, lower))
    total = sum(h + PADDING for _, h in sizes) - 2 * PADDING
    levels: list[_Level] = []
    y, before = 0, 0
    for w, h in sizes:
        if w <= width - before - PADDING and (y - height) * 2 >= total - height:
            break
        levels.append(_Level(w, h, OUTER_PADDING, OUTER_PADDING + y))
        y, before = y + h + PADDING, w
    bottom = y - PADDING + OUTER_PADDING
    for w, h in sizes[len(levels) :]:
        x = OUTER_PADDING + width - w
        if bottom - h < OUTER_PADDING + height:
            break
        levels.append(_Level(w, h, x, bottom - h))
        bottom -= h + PADDING
    return levels


def _tiled(image: Image, levels: list[_Level]) -> Image:
    """All levels in one picture, on the mean colour.

    The network sees 189 px around a cell, more than its window: what stands beside a level decides with, so that only
    dlib's own layout gives dlib's own faces.
    """
    size = max(level.y + level.height for level in levels), image.shape[1] + OUTER_PADDING
    tiled: Image = np.empty((size[0] + OUTER_PADDING, size[1] + OUTER_PADDING, 3), np.uint8)
    tiled[:] = np.round(zoo.DLIB_MEAN[::-1])
    source = image
    for level in levels:
        if level is not levels[0]:
            # Corner pixels stay corner pixels, as in dlib's resize_bilinear.
            across = (source.shape[1] - 1) / max(level.width - 1, 1)
            along = (source.shape[0] - 1) / max(level.height - 1, 1)
            to_source = np.array([[across, 0, 0], [0, along, 0]])
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            wh = level.width, level.height
            warped = cv2.warpAffine(source, to_source, wh, flags=flags, borderMode=cv2.BORDER_REPLICATE)
            source = np.asarray(warped, np.uint8)
        tiled[level.y : level.y + level.height, level.x : level.x + level.width] = source
    return tiled


def _boxes_in_image(centres: Floats, levels: list[_Level]) -> Floats:
    """float32 (N, 4): the boxes around centres (N, 2) in the tiled picture, each taken to the level nearest to it."""
    low = np.array([[level.x, level.y] for level in levels], np.float32)
    high = low + np.array([[level.width - 1, level.height - 1] for level in levels], np.float32)
    outside = np.maximum(low - centres[:, None], 0) + np.maximum(centres[:, None] - high, 0)
    depth = (outside**2).sum(axis=2).argmin(axis=1)
    half = (WINDOW - 1) / 2
    corners = np.concatenate([centres - half, centres + half], axis=1) - np.tile(low[depth], 2)
    growth = (1 / SHRINK) ** depth[:, None]
    corners = corners * growth + 0.3 * (growth - 1) / (1 / SHRINK - 1)  # point_up, x / (5/6) + 0.3, depth times
    # dlib's rectangles are of whole pixels, halves rounded away from zero, and include their last row and column.
    whole = np.trunc(corners + np.copysign(0.5, corners))
    return np.asarray(whole + np.array([0, 0, 1, 1]), np.float32)
