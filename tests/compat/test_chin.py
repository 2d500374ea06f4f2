"""The chin of the 68 points: along the mesh's contour and a little lower, however the head is turned."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def landmarks(face_recognition: ModuleType) -> Any:
    return face_recognition.api._landmarks


def test_it_is_below_the_contour_and_symmetric(landmarks: Any) -> None:
    angle = np.pi * np.arange(17) / 16
    contour = np.stack([-100 * np.cos(angle), 120 * np.sin(angle)], axis=1)[None].astype(np.float32)
    chin = landmarks.chin(contour)
    assert chin.shape == (1, 17, 2) and chin.dtype == np.float32
    np.testing.assert_allclose(chin[0, [0, 8, 16]], [[-100, 0], [0, 120 * landmarks.LOWER], [100, 0]], atol=1e-3)
    np.testing.assert_allclose(chin[0, ::-1] * [-1, 1], chin[0], atol=1e-3)
    assert (np.diff(chin[0, :, 0]) > 0).all()
    turn = np.array([[0, -2], [2, 0]], np.float32)
    np.testing.assert_allclose(landmarks.chin(contour @ turn.T + 7), chin @ turn.T + 7, atol=1e-2)


def test_a_head_without_width_and_no_head(landmarks: Any) -> None:
    assert np.isfinite(landmarks.chin(np.ones((2, 17, 2), np.float32))).all()
    assert landmarks.chin(np.empty((0, 17, 2), np.float32)).shape == (0, 17, 2)
