"""Track points from one picture to another, and fit the motion of a plane to them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.types import Floats

LK_WINDOW, LK_LEVELS = (13, 13), 2  # px and pyramid levels in which a point is searched
LK_STOP = cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.01
MAX_RETURN_ERROR = 0.5  # px between a point and where it lands when tracked there and back
KEPT = 0.85  # share of the points, after those that fit worst are left out
LEAST_FITTED = 8  # points; four give a homography that fits exactly
LEAST_DETERMINANT = 1e-6

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class PlaneFit:
    """The motion of a plane that fits points.

    homography: float64 (3, 3).
    residuals: float64 (P, 2), px, from where the plane carries each point to where it is; NaN for points left out.
    """

    homography: NDArray[np.float64]
    residuals: NDArray[np.float64]


def track_points(before: Grey, after: Grey, points: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return where points are in another picture: float32 (P, 2), px, and bool (P,), whether they were found there.

    before, after: uint8 (H, W), of the same size.
    points: float32 (P, 2), px, P >= 0.
    """
    if len(points) == 0:
        return points, np.zeros(0, np.bool_)
    there, found = _flow(before, after, points)
    back, found_back = _flow(after, before, there)
    return there, found & found_back & (np.linalg.norm(back - points, axis=1) <= MAX_RETURN_ERROR)


def fit_plane(points: Floats, there: Floats, good: NDArray[np.bool_]) -> PlaneFit | None:
    """Return the least-squares fit of a plane's motion; None if there is none.

    points, there: float32 (P, 2), px, before and after.
    good: bool (P,), the points to fit; those of them that fit worst are left out.
    """
    kept = good
    for last in (False, True):
        if kept.sum() < LEAST_FITTED:
            return None
        found, _ = cv2.findHomography(points[kept].astype(np.float64), there[kept].astype(np.float64), 0)
        if found is None or not np.isfinite(found).all() or abs(np.linalg.det(found)) < LEAST_DETERMINANT:
            return None
        homography = np.asarray(found, np.float64)
        residuals = there - apply(homography, points)
        if not last:
            errors = np.linalg.norm(residuals, axis=1)
            kept = good & (errors <= np.quantile(errors[good], KEPT))
    residuals[~kept] = np.nan
    return PlaneFit(homography, residuals)


def apply(homography: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return points (P, 2) carried through a homography (3, 3)."""
    carried = np.column_stack([points, np.ones(len(points))]) @ homography.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(carried[:, :2] / carried[:, 2:], np.float64)


def _flow(before: Grey, after: Grey, points: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, points.reshape(-1, 1, 2), np.empty(0), None, None, LK_WINDOW, LK_LEVELS, LK_STOP
    )
    return np.asarray(moved, np.float32).reshape(-1, 2), np.asarray(found, bool).reshape(-1)
