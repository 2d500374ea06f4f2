"""Where faces have gone from one frame to another, by the motion of the pixels in their boxes.

Boxes move as in Median Flow (Kalal, Mikolajczyk and Matas, "Forward-Backward Error", ICPR 2010), by Bouguet's
pyramidal Lucas-Kanade tracker (OpenCV's).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.types import Floats, Image

LONGEST = 480  # px, of the picture in which motion is looked for
THUMBNAIL = 32, 18  # px, width and height, of the picture in which a cut to another scene is seen
ALIKE = 0.5  # likeness of two frames' thumbnails: below, there was a cut; in one scene it stays above 0.65
FLAT = 4.0  # variance of a thumbnail in which there is nothing to compare
POINTS, MIDDLE = 4, 0.6  # so many a side are followed in each box, over so much of its middle; corners see background
WINDOW, LEVELS = (11, 11), 3  # px, and halvings of the picture, in which a point is searched
STEPS = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03  # of the search: more are no nearer, and dear
ASTRAY = 1.0  # px: a point that is carried there and back must end this near to where it was
STRAY = 2.0  # px: a point that goes so much farther than the middle one, or less far, is on something else
ENOUGH = 0.4  # share of a box's points that must be left


@dataclass(frozen=True, slots=True)
class Grey:
    """What is kept of a frame to see motion by: uint8 (h, w), ``scale`` times the frame's size, and a thumbnail."""

    pixels: NDArray[np.uint8]
    thumbnail: NDArray[np.uint8]
    scale: float

    @classmethod
    def of(cls, image: Image) -> Grey:
        scale = min(1.0, LONGEST / max(image.shape[:2]))
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if scale < 1:
            size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        thumbnail = cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA)
        return cls(np.asarray(grey, np.uint8), np.asarray(thumbnail, np.uint8), scale)

    def is_cut_from(self, before: Grey) -> bool:
        """Whether another scene has begun."""
        return not self.is_as_large_as(before) or _likeness(before.thumbnail, self.thumbnail) < ALIKE

    def is_as_large_as(self, other: Grey) -> bool:
        """Whether their frames are of one size."""
        return (self.pixels.shape, self.scale) == (other.pixels.shape, other.scale)


def carried(before: Grey, after: Grey, xyxy: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Boxes (N, 4), px of the frame, from one frame to another; and bool (N,), whether the motion was to be seen.

    A box whose motion was not to be seen stays where it is.
    """
    if len(xyxy) == 0 or not after.is_as_large_as(before):
        return xyxy, np.zeros(len(xyxy), np.bool_)
    start = _grid(xyxy * before.scale)
    there, found = _followed(before, after, start)
    back, found_back = _followed(after, before, there)
    good = found & found_back & (np.linalg.norm(back - start, axis=2) <= ASTRAY)
    boxes, seen = xyxy.copy(), np.zeros(len(xyxy), np.bool_)
    for index, (old, new, kept) in enumerate(zip(start, there, good, strict=True)):
        if kept.mean() < ENOUGH:
            continue
        kept &= np.linalg.norm(new - old - np.median((new - old)[kept], axis=0), axis=1) <= STRAY
        seen[index] = kept.mean() >= ENOUGH
        if seen[index]:
            boxes[index] = _moved(xyxy[index], old[kept] / before.scale, new[kept] / before.scale)
    return boxes, seen


def _moved(box: Floats, old: Floats, new: Floats) -> Floats:
    """A box (4,) whose points (P, 2) have gone from ``old`` to ``new``."""
    stretch = float(np.clip(_spread(new) / max(_spread(old), 1e-6), 0.9, 1.1))
    centre = (box[:2] + box[2:]) / 2 + np.median(new - old, axis=0)
    half = (box[2:] - box[:2]) / 2 * stretch
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


def _followed(before: Grey, after: Grey, points: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Where points (N, P, 2) have gone, and bool (N, P), whether they were found."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before.pixels, after.pixels, points.reshape(-1, 1, 2), np.empty(0), None, None, WINDOW, LEVELS, STEPS
    )
    return np.asarray(there, np.float32).reshape(points.shape), np.asarray(found, bool).reshape(points.shape[:2])


def _grid(xyxy: Floats) -> Floats:
    """float32 (N, POINTS ** 2, 2): points in the middle of each box."""
    steps = 0.5 + MIDDLE * (np.linspace(0, 1, POINTS, dtype=np.float32) - 0.5)
    shares = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(1, -1, 2)
    return np.asarray(xyxy[:, None, :2] + shares * (xyxy[:, None, 2:] - xyxy[:, None, :2]), np.float32)


def _spread(points: Floats) -> float:
    """The mean distance of points (P, 2) from their middle, px."""
    return float(np.linalg.norm(points - points.mean(axis=0), axis=1).mean())


def _likeness(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Of two pictures, 1 where they are the same but for brightness: SSIM without it (Wang et al., IEEE TIP 2004)."""
    (var_a, cov), (_, var_b) = np.cov(a.ravel(), b.ravel())
    return float((2 * cov + FLAT) / (var_a + var_b + FLAT))
