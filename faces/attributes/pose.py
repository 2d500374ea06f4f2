"""How a head is turned, from its five landmarks: the pose that explains where they are (cv2.solvePnP).

The head is an average one. Across and down it is the attributes template, which is a mean face seen from the front;
its depth is rounded from the mean of faces scanned in three dimensions (Multi-PIE's 68 points). Pitch is found, too,
but not told: five points cannot tell it from the length of a nose (docs/attributes.md).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.attributes.answers import Head
from faces.embedding.aligners import TEMPLATES
from faces.geometry import similarity
from faces.types import Faces, Floats, LandmarkScheme

HEADS = (Head("roll", unit="degrees"), Head("yaw", unit="degrees"))
OUTER_CORNERS = 90.0  # mm between the outer corners of the eyes
DEPTH: dict[LandmarkScheme, tuple[float, ...]] = {  # mm before the outer corners of the eyes, by ``LandmarkScheme``
    "eye-corners": (0, 6, 6, 0, 28),
    "five-points": (5, 5, 40, 3, 3),
}
DISTANCE = 1000.0  # mm that the camera is taken to be away


def head_pose(faces: Faces) -> Floats:
    """float32 (N, 2): degrees of roll, clockwise in the picture, and of yaw, to the picture's right.

    Both 0 for a face that looks into the camera. Raises ValueError for faces without landmarks.
    """
    if len(faces) == 0:
        return np.zeros((0, 2), np.float32)
    if faces.landmarks is None or faces.scheme is None:
        raise ValueError("faces without landmarks have no pose")
    model = _model(faces.scheme)
    return np.array([_angles(model, points.astype(np.float64)) for points in faces.landmarks], np.float32)


def _model(scheme: LandmarkScheme) -> NDArray[np.float64]:
    """float64 (5, 3): the landmarks of a head that looks into the camera, mm, about their middle; x right, y down."""
    template = TEMPLATES["attributes"]
    _, corners = template.points["eye-corners"]
    points = template.points[scheme][1] * OUTER_CORNERS / (corners[3, 0] - corners[0, 0])
    points[:, 0] = (points[:, 0] - points[_MIRRORED[scheme], 0]) / 2  # a mean face is symmetric
    points[:, 1] = (points[:, 1] + points[_MIRRORED[scheme], 1]) / 2
    model = np.column_stack([points, -np.array(DEPTH[scheme])])
    return np.asarray(model - model.mean(axis=0))


_MIRRORED: dict[LandmarkScheme, list[int]] = {"eye-corners": [3, 2, 1, 0, 4], "five-points": [1, 0, 2, 4, 3]}


def _angles(model: NDArray[np.float64], points: NDArray[np.float64]) -> tuple[float, float]:
    """Degrees of roll and yaw, as found when one begins with a face that is only turned in the picture."""
    flat = similarity(model[:, :2], points)
    scale, roll = float(np.hypot(*flat[:, 0])), float(np.arctan2(flat[1, 0], flat[0, 0]))
    focal = DISTANCE * scale
    camera = np.array([[focal, 0, flat[0, 2]], [0, focal, flat[1, 2]], [0, 0, 1]])
    begin = np.array([0, 0, roll]), np.array([0, 0, DISTANCE])
    _, vector, _ = cv2.solvePnP(model, points, camera, None, *begin, useExtrinsicGuess=True)
    turn, _ = cv2.Rodrigues(vector)  # by pitch about x, then yaw about y, then roll about z
    roll, yaw = float(np.arctan2(turn[1, 0], turn[0, 0])), float(np.arcsin(np.clip(turn[2, 0], -1, 1)))
    return float(np.degrees(roll)), float(np.degrees(yaw))
