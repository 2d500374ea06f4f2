"""Tracking points between two pictures, and the plane that fits them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faces.liveness.plane import KEPT, apply, fit_plane, track_points
from tests.liveness.test_motion import SIDE, surface

HOMOGRAPHY = np.array([[1.02, 0.05, 3.0], [-0.04, 0.98, -2.0], [2e-4, -1e-4, 1.0]])
POINTS = np.random.default_rng(0).uniform(60, 180, (40, 2)).astype(np.float32)
ALL = np.ones(len(POINTS), np.bool_)


def test_a_homography_is_found() -> None:
    there = apply(HOMOGRAPHY, POINTS).astype(np.float32)
    fit = fit_plane(POINTS, there, ALL)
    assert fit is not None
    assert fit.homography / fit.homography[2, 2] == pytest.approx(HOMOGRAPHY, abs=1e-3)
    assert np.nanmax(np.abs(fit.residuals)) < 1e-3
    assert np.isfinite(fit.residuals).all(axis=1).mean() == pytest.approx(KEPT, abs=0.05)


def test_points_that_fit_badly_are_left_out() -> None:
    there = apply(HOMOGRAPHY, POINTS).astype(np.float32)
    there[:3] += 8
    fit = fit_plane(POINTS, there, ALL)
    assert fit is not None and np.isnan(fit.residuals[:3]).all()
    assert np.nanmax(np.abs(fit.residuals)) < 1e-3


def test_points_that_are_not_good_are_left_out() -> None:
    there = apply(HOMOGRAPHY, POINTS).astype(np.float32)
    there[:15] = 0
    fit = fit_plane(POINTS, there, np.arange(len(POINTS)) >= 15)
    assert fit is not None and np.isnan(fit.residuals[:15]).all()
    assert np.nanmax(np.abs(fit.residuals)) < 1e-3


@pytest.mark.parametrize("points", [POINTS[:5], np.zeros((0, 2)), np.ones((30, 2)), np.arange(60).reshape(30, 2)])
def test_points_without_a_plane(points: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    points = points.astype(np.float32)
    fit = fit_plane(points, points + np.float32(1), np.ones(len(points), np.bool_))
    assert fit is None or np.isfinite(fit.homography).all()


def test_points_are_tracked() -> None:
    before = surface()
    after = np.asarray(cv2.warpAffine(before, np.array([[1, 0, 4.5], [0, 1, -3.0]]), (SIDE, SIDE)), np.uint8)
    there, good = track_points(before, after, POINTS)
    assert good.mean() > 0.9
    assert there[good] - POINTS[good] == pytest.approx(np.tile([4.5, -3.0], (good.sum(), 1)), abs=0.2)


def test_points_are_not_found_in_another_picture() -> None:
    _, good = track_points(surface(), surface(1), POINTS)
    assert good.mean() < 0.3


def test_no_points() -> None:
    there, good = track_points(surface(), surface(), np.zeros((0, 2), np.float32))
    assert (there.shape, good.shape) == ((0, 2), (0,))
