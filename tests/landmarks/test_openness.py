"""Open eyes and mouths: by hand on meshes that are drawn for it, seen from any side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faces.landmarks.mesh import Meshes
from faces.landmarks.openness import LIDS, LIPS, OPEN_EYE, OPEN_MOUTH, openings
from tests.landmarks.heads import mesh_of


def face(right: float, left: float, mouth: float, **turn: float) -> Meshes:
    """A head whose lids and lips are so far apart; mouth: as a share of the distance between the eyes."""
    straight, turned = mesh_of(scale=1).points[0].astype(np.float64), mesh_of(**turn, scale=1).points[0]
    for (pairs, corners), share in zip(LIDS, (right, left), strict=True):
        middle, width = straight[list(corners)].mean(axis=0), abs(np.diff(straight[list(corners), 0])[0])
        for upper, lower in pairs:
            straight[upper], straight[lower] = middle, middle + np.array([0, share * width, 0])
    for upper, lower in LIPS:
        straight[upper], straight[lower] = straight[2] + [0, 10, 0], straight[2] + [0, 10 + mouth * 90, 0]
    stable = [33, 133, 362, 263, 168, 4, 10]
    a, b = mesh_of(scale=1).points[0, stable].astype(np.float64), turned[stable].astype(np.float64)
    turning = np.linalg.lstsq(np.hstack([a, np.ones((len(a), 1))]), b, rcond=None)[0]
    points = np.hstack([straight, np.ones((len(straight), 1))]) @ turning
    return Meshes(points[None].astype(np.float32), np.ones(1, np.float32))


@pytest.mark.parametrize("turn", [{}, {"yaw": 30}, {"pitch": -25, "roll": 40}])
def test_shares(turn: dict[str, float]) -> None:
    opened = openings(face(0.3, 0.1, 0.2, **turn))
    np.testing.assert_allclose(opened.eyes, [[0.3, 0.1]], atol=1e-3)
    np.testing.assert_allclose(opened.mouth, [0.2], atol=1e-3)
    assert opened.eyes.dtype == np.float32 == opened.mouth.dtype
    assert opened.eyes_open == [(True, False)] and opened.mouth_open == [True]


def test_at_the_thresholds() -> None:
    opened = openings(face(OPEN_EYE + 0.01, OPEN_EYE - 0.01, OPEN_MOUTH - 0.01))
    assert opened.eyes_open == [(True, False)] and opened.mouth_open == [False]


def test_lips_that_overlap_are_closed() -> None:
    assert openings(face(0.3, 0.3, -0.1)).mouth[0] == 0


def test_unknown() -> None:
    known = face(0.3, 0.3, 0.2)
    unknown = openings(replace(known, points=np.full_like(known.points, np.nan)))
    assert np.isnan(unknown.eyes).all() and np.isnan(unknown.mouth).all()
    assert unknown.eyes_open == [(None, None)] and unknown.mouth_open == [None]
