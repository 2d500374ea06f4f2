"""Head pose from five landmarks: the rotation of a mean head that projects onto them (cv2.solvePnP).

The mean head has the width and height of the attributes template, a mean face seen from the front. Its depth is rounded
from the mean of three-dimensional face scans (Multi-PIE's 68 points). Pitch is not reported: five points cannot
distinguish it from the length of the nose (docs/attributes.md).
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
PITCH = Head("pitch", unit="degrees")  # only from the face mesh
EYE_CORNERS_MM = 90.0  # between the outer corners of the eyes
DEPTH: dict[LandmarkScheme, tuple[float, ...]] = {  # mm in front of the outer corners of the eyes
    "eye-corners": (0, 6, 6, 0, 28),
    "five-points": (5, 5, 40, 3, 3),
}
CAMERA_MM = 1000.0  # assumed distance of the camera


def head_pose(faces: Faces) -> Floats:
    """Estimate roll and yaw: float32 (N, 2), degrees.

    Roll is clockwise in the picture, yaw is to the picture's right; both are 0 for a face that looks into the camera.
    Raises ValueError for faces without landmarks.
    """
    if len(faces) == 0:
        return np.zeros((0, 2), np.float32)
    if faces.landmarks is None or faces.scheme is None:
        raise ValueError("faces without landmarks have no pose")
    model = _model(faces.scheme)
    return np.array([_angles(model, points.astype(np.float64)) for points in faces.landmarks], np.float32)


def _model(scheme: LandmarkScheme) -> NDArray[np.float64]:
    """Return the landmarks of a head that looks into the camera: float64 (5, 3), mm, centred; x right, y down."""
    template = TEMPLATES["attributes"]
    _, corners = template.points["eye-corners"]
    points = template.points[scheme][1] * EYE_CORNERS_MM / (corners[3, 0] - corners[0, 0])
    points[:, 0] = (points[:, 0] - points[_MIRRORED[scheme], 0]) / 2  # a mean face is symmetric
    points[:, 1] = (points[:, 1] + points[_MIRRORED[scheme], 1]) / 2
    model = np.column_stack([points, -np.array(DEPTH[scheme])])
    return np.asarray(model - model.mean(axis=0))


_MIRRORED: dict[LandmarkScheme, list[int]] = {"eye-corners": [3, 2, 1, 0, 4], "five-points": [1, 0, 2, 4, 3]}


def _angles(model: NDArray[np.float64], points: NDArray[np.float64]) -> tuple[float, float]:
    """Return roll and yaw in degrees; the search starts from a face that is only rotated in the picture."""
    flat = similarity(model[:, :2], points)
    scale, roll = float(np.hypot(*flat[:, 0])), float(np.arctan2(flat[1, 0], flat[0, 0]))
    focal = CAMERA_MM * scale
    camera = np.array([[focal, 0, flat[0, 2]], [0, focal, flat[1, 2]], [0, 0, 1]])
    start = np.array([0, 0, roll]), np.array([0, 0, CAMERA_MM])
    _, vector, _ = cv2.solvePnP(model, points, camera, None, *start, useExtrinsicGuess=True)
    rotation, _ = cv2.Rodrigues(vector)  # pitch about x, then yaw about y, then roll about z
    roll, yaw = float(np.arctan2(rotation[1, 0], rotation[0, 0])), float(np.arcsin(np.clip(rotation[2, 0], -1, 1)))
    return float(np.degrees(roll)), float(np.degrees(yaw))
