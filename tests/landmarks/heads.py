"""Meshes of a head that is turned by known angles."""

from __future__ import annotations

import numpy as np

from faces.landmarks import pose
from faces.landmarks.mesh import POINTS, Meshes


def mesh_of(roll: float = 0, yaw: float = 0, pitch: float = 0, scale: float = 1.5) -> Meshes:
    """A mesh whose stable points are the mean head, turned; degrees. Other points are at the head's middle."""
    r, y, p = np.radians([roll, -yaw, -pitch])  # right-handed: x right, y down, z away
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    head = np.zeros((POINTS, 3))
    head[list(pose.HEAD)] = list(pose.HEAD.values())
    points = head @ (about_z @ about_y @ about_x).T * scale + [160, 140, 5]
    return Meshes(points[None].astype(np.float32), np.ones(1, np.float32))
