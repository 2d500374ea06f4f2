"""Move boxes from one frame to another by the motion of the pixels in them.

The method is Median Flow (Kalal, Mikolajczyk and Matas, "Forward-Backward Error", ICPR 2010) on Bouguet's pyramidal
Lucas-Kanade tracker (OpenCV's).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.types import Floats, Image

WORKING_SIDE = 480  # px, of the longer side of the picture in which motion is measured
THUMBNAIL_WH = 32, 18  # px, of the picture in which cuts are detected
SAME_SCENE = 0.5  # similarity of two thumbnails; below, there is a cut; within a scene it stays above 0.65
FLAT_VARIANCE = 4.0  # of a thumbnail without any structure to compare
GRID_POINTS, GRID_SHARE = 4, 0.6  # points per side of each box, and the share of the box; corners show background
LK_WINDOW, LK_LEVELS = (11, 11), 3  # px and pyramid levels in which a point is searched
LK_STOP = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03  # more iterations cost time and gain nothing
MAX_RETURN_ERROR = 1.0  # px between a point and where it lands when tracked there and back
MAX_DEVIATION = 2.0  # px between a point's motion and the median motion; a point beyond is on something else
MIN_POINTS_SHARE = 0.4  # of a box's points that must remain


@dataclass(frozen=True, slots=True)
class GreyFrame:
    """What is kept of a frame to measure motion.

    pixels: uint8 (h, w), ``scale`` times the frame's size.
    thumbnail: uint8, of ``THUMBNAIL_WH``.
    """

    pixels: NDArray[np.uint8]
    thumbnail: NDArray[np.uint8]
    scale: float

    @classmethod
    def of(cls, image: Image) -> GreyFrame:
        """Convert a frame."""
        scale = min(1.0, WORKING_SIDE / max(image.shape[:2]))
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if scale < 1:
            wh = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
            grey = cv2.resize(grey, wh, interpolation=cv2.INTER_AREA)
        thumbnail = cv2.resize(grey, THUMBNAIL_WH, interpolation=cv2.INTER_AREA)
        return cls(np.asarray(grey, np.uint8), np.asarray(thumbnail, np.uint8), scale)

    def is_cut_from(self, previous: GreyFrame) -> bool:
        """Whether a new scene begins."""
        return not self.has_size_of(previous) or _similarity(previous.thumbnail, self.thumbnail) < SAME_SCENE

    def has_size_of(self, other: GreyFrame) -> bool:
        """Whether both frames have the same size."""
        return (self.pixels.shape, self.scale) == (other.pixels.shape, other.scale)


def move_boxes(before: GreyFrame, after: GreyFrame, xyxy: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return boxes moved from one frame to another, and bool (N,), whether their motion was measured.

    A box whose motion cannot be measured stays where it is.
    xyxy: float32 (N, 4), px of the frame.
    """
    if len(xyxy) == 0 or not after.has_size_of(before):
        return xyxy, np.zeros(len(xyxy), np.bool_)
    start = _grid(xyxy * before.scale)
    moved, tracked = _track_points(before, after, start)
    back, tracked_back = _track_points(after, before, moved)
    good = tracked & tracked_back & (np.linalg.norm(back - start, axis=2) <= MAX_RETURN_ERROR)
    boxes, measured = xyxy.copy(), np.zeros(len(xyxy), np.bool_)
    for index, (old, new, kept) in enumerate(zip(start, moved, good, strict=True)):
        if kept.mean() < MIN_POINTS_SHARE:
            continue
        kept &= np.linalg.norm(new - old - np.median((new - old)[kept], axis=0), axis=1) <= MAX_DEVIATION
        measured[index] = kept.mean() >= MIN_POINTS_SHARE
        if measured[index]:
            boxes[index] = _moved_box(xyxy[index], old[kept] / before.scale, new[kept] / before.scale)
    return boxes, measured


def _moved_box(box: Floats, old: Floats, new: Floats) -> Floats:
    """Return a box (4,) moved and scaled as its points (P, 2) did."""
    stretch = float(np.clip(_spread(new) / max(_spread(old), 1e-6), 0.9, 1.1))
    centre = (box[:2] + box[2:]) / 2 + np.median(new - old, axis=0)
    half = (box[2:] - box[:2]) / 2 * stretch
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


def _track_points(before: GreyFrame, after: GreyFrame, points: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the new positions of points (N, P, 2), and bool (N, P), whether each was found."""
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        before.pixels, after.pixels, points.reshape(-1, 1, 2), np.empty(0), None, None, LK_WINDOW, LK_LEVELS, LK_STOP
    )
    return np.asarray(moved, np.float32).reshape(points.shape), np.asarray(found, bool).reshape(points.shape[:2])


def _grid(xyxy: Floats) -> Floats:
    """Return a grid of points in the middle of each box: float32 (N, GRID_POINTS ** 2, 2)."""
    steps = 0.5 + GRID_SHARE * (np.linspace(0, 1, GRID_POINTS, dtype=np.float32) - 0.5)
    shares = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(1, -1, 2)
    return np.asarray(xyxy[:, None, :2] + shares * (xyxy[:, None, 2:] - xyxy[:, None, :2]), np.float32)


def _spread(points: Floats) -> float:
    """Return the mean distance of points (P, 2) from their mean, px."""
    return float(np.linalg.norm(points - points.mean(axis=0), axis=1).mean())


def _similarity(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return 1 for pictures that differ only in brightness: SSIM without luminance (Wang et al., IEEE TIP 2004)."""
    (var_a, cov), (_, var_b) = np.cov(a.ravel(), b.ravel())
    return float((2 * cov + FLAT_VARIANCE) / (var_a + var_b + FLAT_VARIANCE))
