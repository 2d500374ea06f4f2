"""Liveness from motion, without a network: a photograph that is held up moves as a plane, a head does not.

Points in a face are tracked from a reference frame through a window of time. Each frame is carried back onto the
reference by the homography that fits the points, and they are tracked again there. What is left ("plane plus parallax":
Irani and Anandan, ECCV 1996) is noise, and of a head also parallax and its expressions. A video that is played on a
screen shows these, too, and counts as alive; so does a print that is bent while it moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.geometry import iou, pixels_around
from faces.liveness.plane import LEAST_DETERMINANT, Grey, apply, fit_plane, track_points
from faces.types import Floats

SECONDS = 1.5  # of a window
FACE = 128  # px, the longer side of a box in which motion is measured; larger faces are shrunk
SMALLEST = 48  # px, the longer side of the smallest box that is judged
MARGIN = 0.75  # around the box, as a share of it, within which the face may move during a window
ELLIPSE = 0.85  # axes, as a share of the box; outside there may be background
POINTS, LEAST_POINTS = 100, 20
CORNER_QUALITY, SPACING = 0.01, 4  # of the corner with the strongest gradients; px
SAME_FACE = 0.3  # intersection over union of the box that moved with the points and the given one
LEAST_MOTION = 0.06  # root mean square of the points' motion since the reference, as a share of the box's longer side
LEAST_FRAMES = 5  # with that much motion
MOST_STRETCH = 1.2  # times as large, or as small, as in the reference, in any direction
FARTHEST = 1e6  # px; what is beyond is no place in a picture
LARGEST_GAP = 0.5  # s between two frames; beyond, the window ends

# Measured: python -m benchmarks.liveness_motion
BOUNDARY = 1.5e-3  # excess at which a head is as probable as a plane, as a share of the box's longer side
STEEPNESS = 8.0  # of the log odds, over the logarithm of the excess
LEAST_EXCESS = 2e-4  # what is less is noise in the noise
MOST_CERTAIN = 0.99  # more can not be said from so few heads
THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Measured:
    """What a window of a face shows; lengths are shares of the longer side of its box.

    frames: number of frames in which it was tracked.
    moved: number of those with enough motion.
    residual: root mean square distance of the points from a plane's motion, the median of the frames with enough
        motion; NaN without any.
    noise: the residual to expect of a plane; NaN if unknown.
    """

    frames: int
    moved: int
    residual: float
    noise: float

    @property
    def excess(self) -> float:
        """The residual beyond the noise, at least ``LEAST_EXCESS``; NaN if that cannot be told."""
        if self.moved < LEAST_FRAMES or math.isnan(self.noise):
            return math.nan
        return max(math.sqrt(max(self.residual**2 - self.noise**2, 0)), LEAST_EXCESS)

    @property
    def probability(self) -> float:
        """How probably it is a head, in [1 - ``MOST_CERTAIN``, ``MOST_CERTAIN``]; NaN if that cannot be told."""
        if math.isnan(self.excess):
            return math.nan
        share = 1 / (1 + math.pow(BOUNDARY / self.excess, STEEPNESS))
        return min(max(share, 1 - MOST_CERTAIN), MOST_CERTAIN)


class MotionLiveness:
    """Judges from its motion whether one tracked face is a head; give it frame after frame.

    The answer is that of the newest window that could be judged; a window of ``SECONDS`` follows the other, and begins
    anew where the points are lost. No input raises.

    probability: the answer so far, in [0, 1], to be compared with ``THRESHOLD``; NaN, cannot tell, before the first.
    measured: what the last window showed, whether it could be judged or not; None before the first.
    """

    def __init__(self) -> None:
        self.probability = math.nan
        self.measured: Measured | None = None
        self._window: Window | None = None

    def observe(self, time: float, grey: Grey, box: Floats) -> float:
        """Look at the next frame, and return ``probability``.

        time: s, increasing.
        grey: uint8 (H, W), of the same size in each frame.
        box: float32 (4,), xyxy, px, of the face as it is tracked.
        """
        window = self._window
        if window is not None and (not window.add(time, grey, box) or time - window.start >= SECONDS):
            self._conclude(window.measured())
            window = None
        self._window = window or Window.begin(time, grey, box)
        return self.probability

    def _conclude(self, measured: Measured) -> None:
        self.measured = measured
        if not math.isnan(measured.probability):
            self.probability = measured.probability


class Window:
    """The points of a face in a reference frame, and how they move from there.

    time, grey, box: of the reference frame, as for ``MotionLiveness.observe``.
    points: float32 (P, 2), px of the part of the frame that is looked at.
    """

    def __init__(self, time: float, grey: Grey, box: Floats, points: Floats) -> None:
        self.start = self._time = time
        self._box = box
        self._shape = grey.shape
        self._side = float((box[2:] - box[:2]).max()) * _scale(box)
        self._reference = _part(grey, box, grey.shape)
        self._points = points
        self._homography: NDArray[np.float64] = np.eye(3)
        self._before: NDArray[np.float64] | None = None  # the residuals in the last frame, (P, 2), NaN if not measured
        self._moved: list[float] = []  # the residuals of the frames with enough motion
        self._noise: list[float] = []
        self._frames = 1

    @classmethod
    def begin(cls, time: float, grey: Grey, box: Floats) -> Window | None:
        """Begin a window; None for a box without an area, a face that is too small, or one with too few points."""
        if not _is_large_enough(grey, box):
            return None
        part = _part(grey, box, grey.shape)
        centre = _to_part((box[:2] + box[2:]) / 2, box, grey.shape)
        axes = (box[2:] - box[:2]) * _scale(box) * ELLIPSE
        mask = np.zeros(part.shape, np.uint8)
        cv2.ellipse(mask, ((float(centre[0]), float(centre[1])), (float(axes[0]), float(axes[1])), 0.0), 255, -1)
        points = cv2.goodFeaturesToTrack(part, POINTS, CORNER_QUALITY, SPACING, mask=mask)
        if points is None or len(points) < LEAST_POINTS:
            return None
        return cls(time, grey, box, np.asarray(points, np.float32).reshape(-1, 2))

    def add(self, time: float, grey: Grey, box: Floats) -> bool:
        """Track the points in the next frame; False if that fails, or they are no longer in the box."""
        if grey.shape != self._shape or not 0 < time - self._time <= LARGEST_GAP:
            return False
        part = _part(grey, self._box, self._shape)
        height, width = part.shape
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        level = cv2.warpPerspective(part, self._homography, (width, height), None, flags, cv2.BORDER_REPLICATE)
        there, good = track_points(self._reference, np.asarray(level, np.uint8), self._points)
        now = apply(self._homography, there)
        good &= ((now >= 0) & (now <= [width - 1, height - 1])).all(axis=1)
        fit = fit_plane(self._points, there, good) if good.sum() >= LEAST_POINTS else None
        if fit is None:
            return False
        homography = self._homography @ fit.homography
        if abs(homography[2, 2]) < LEAST_DETERMINANT:
            return False
        self._homography = homography / homography[2, 2]
        if not self._is_in(box):
            return False
        self._time, self._frames = time, self._frames + 1
        self._record(fit.residuals)
        return True

    def measured(self) -> Measured:
        """Return what the window shows so far."""
        return Measured(
            frames=self._frames,
            moved=len(self._moved),
            residual=float(np.median(self._moved)) if self._moved else math.nan,
            noise=float(np.median(self._noise)) if self._noise else math.nan,
        )

    def _record(self, residuals: NDArray[np.float64]) -> None:
        """Keep the residuals, and the noise: from one frame to the next a plane's residuals differ by noise only.

        The residuals are those to the reference, so the noise of two frames is in them, as in such a difference.
        """
        kept = np.isfinite(residuals).all(axis=1)
        motion = _rms(apply(self._homography, self._points[kept]) - self._points[kept]) / self._side
        if motion >= LEAST_MOTION and self._is_alike():
            self._moved.append(_rms(residuals[kept]) / self._side)
        if self._before is not None:
            change = residuals - self._before
            known = np.isfinite(change).all(axis=1)
            if known.any():
                self._noise.append(_rms(change[known]) / self._side)
        self._before = residuals

    def _is_alike(self) -> bool:
        """Whether the face has about the size and the shape that it has in the reference: else tracking has a bias."""
        moved = apply(self._homography, self._points.mean(axis=0) + np.array([[0, 0], [1, 0], [0, 1]]))
        stretch = np.linalg.svd(moved[1:] - moved[0], compute_uv=False)
        return bool(stretch.max() <= MOST_STRETCH and stretch.min() >= 1 / MOST_STRETCH)

    def _is_in(self, box: Floats) -> bool:
        """Whether the face's box, moved as the points were, is about where the given one is."""
        if not _is_box(box):
            return False
        moved = apply(self._homography, _to_part(self._box.reshape(2, 2), self._box, self._shape))
        given = _to_part(box.reshape(2, 2), self._box, self._shape)
        corners = np.clip(np.stack([moved, given]).reshape(2, 4), -FARTHEST, FARTHEST).astype(np.float32)
        return bool(iou(corners[0], corners[1:])[0] >= SAME_FACE)


def _is_box(box: Floats) -> bool:
    """Whether these are four numbers that a box may have; NaN is none."""
    return box.shape == (4,) and bool((np.abs(box) < FARTHEST).all()) and bool((box[2:] > box[:2]).all())


def _is_large_enough(grey: Grey, box: Floats) -> bool:
    """Whether a box is one, large enough, and has its centre in the frame, which is one, too."""
    if grey.ndim != 2 or grey.dtype != np.uint8 or not _is_box(box):
        return False
    if float((box[2:] - box[:2]).max()) < SMALLEST:
        return False
    centre = (box[:2] + box[2:]) / 2
    return bool(((centre >= 0) & (centre < [grey.shape[1], grey.shape[0]])).all())


def _scale(box: Floats) -> float:
    return min(1.0, FACE / float((box[2:] - box[:2]).max()))


def _part(grey: Grey, box: Floats, shape: tuple[int, ...]) -> Grey:
    """Return the part of a frame around a box, shrunk to ``FACE``: uint8 (h, w)."""
    left, top, right, bottom = pixels_around(box, MARGIN * (box[2:] - box[:2]), shape[1], shape[0])
    scale = _scale(box)
    wh = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    return np.asarray(cv2.resize(grey[top:bottom, left:right], wh, interpolation=cv2.INTER_AREA), np.uint8)


def _to_part(points: NDArray[np.floating], box: Floats, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return points (..., 2) of the frame in px of its part."""
    left, top, _, _ = pixels_around(box, MARGIN * (box[2:] - box[:2]), shape[1], shape[0])
    return np.asarray((points - np.array([left, top])) * _scale(box), np.float64)


def _rms(vectors: NDArray[np.floating]) -> float:
    """Return the root mean square length of vectors (P, 2)."""
    return math.sqrt(float((vectors**2).sum(axis=1).mean()))
