"""Blur faces so that they cannot be recognized: in their boxes, or along their outlines."""

from __future__ import annotations

import cv2
import numpy as np

from faces.geometry import pixels_around
from faces.landmarks.mesh import FaceMesh
from faces.types import Faces, Floats, Image
from faces.video.tracks import Tracks

MARGIN = 0.4  # around a face, as a share of its box, on each side: hair, ears and chin are recognizable, too
CELLS = 3  # rows and columns of the mosaic that a blurred face is reduced to
SAMPLES = 32  # rows and columns of pixels, at least, that the mosaic averages
GROWN = 1.2  # times an outline: at 1, a few faces are still named by what is left (tests/display/test_blurring.py)
FEATHER = 0.05  # around it, as a share of its width
LEAST_OUTLINE = 0.4  # area, as a share of the box's; a smaller outline is not that of the face


def blur(image: Image, xyxy: Floats, mesh: FaceMesh | None = None) -> Image:
    """Return a copy in which the faces cannot be recognized or reconstructed.

    Each face with a margin is reduced to a mosaic of a few colours, which is then smoothed. With a mesh, that is seen
    within the face's outline and a little around it, which leaves hair; a face without an outline is blurred with its
    margin.
    xyxy: float32 (N, 4), px.
    """
    canvas: Image = image.copy()
    height, width = image.shape[:2]
    outlines = [None] * len(xyxy) if mesh is None else _outlines(image, xyxy, mesh)
    for box, outline in zip(xyxy, outlines, strict=True):
        x1, y1, x2, y2 = pixels_around(box, (box[2:] - box[:2]) * MARGIN, width, height)
        part = canvas[y1:y2, x1:x2]
        step = max(1, min(part.shape[:2]) // SAMPLES)
        mosaic = cv2.resize(part[::step, ::step], (CELLS, CELLS), interpolation=cv2.INTER_AREA)
        smooth = cv2.resize(mosaic, (x2 - x1, y2 - y1), interpolation=cv2.INTER_LINEAR)
        if outline is None:
            part[:] = smooth
        else:
            share = _inside(outline - np.array([x1, y1], np.float32), part.shape[:2])[:, :, None]
            part[:] = (share * smooth + (1 - share) * part).round()
    return canvas


def blur_tracks(image: Image, tracks: Tracks, everybody: bool, mesh: FaceMesh | None = None) -> Image:
    """Return a copy with the tracked faces blurred: all, or those without a name.

    mesh: blur along the outlines of the faces, instead of their boxes with a margin.
    """
    nameless = np.array([name is None for name in tracks.names], np.bool_)
    return blur(image, tracks.xyxy if everybody else tracks.xyxy[nameless], mesh)


def _outlines(image: Image, xyxy: Floats, mesh: FaceMesh) -> list[Floats | None]:
    """Return the outline of each face, float32 (P, 2), px; None where the mesh is missing, or is not in the box."""
    points = np.ascontiguousarray(mesh.of(image, Faces(xyxy, np.ones(len(xyxy), np.float32))).points[:, :, :2])
    outlines: list[Floats | None] = []
    for box, each in zip(xyxy, points, strict=True):
        margin = (box[2:] - box[:2]) * MARGIN
        in_box = bool((each >= box[:2] - margin).all() and (each <= box[2:] + margin).all())  # NaN is not
        hull = np.asarray(cv2.convexHull(each), np.float32).reshape(-1, 2) if in_box else None
        is_large = hull is not None and cv2.contourArea(hull) >= LEAST_OUTLINE * float(np.prod(box[2:] - box[:2]))
        outlines.append(_grown(hull) if hull is not None and is_large else None)
    return outlines


def _grown(outline: Floats) -> Floats:
    """Return an outline that is ``GROWN`` times as large, about its middle."""
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    return np.asarray(middle + GROWN * (outline - middle), np.float32)


def _inside(outline: Floats, shape: tuple[int, ...]) -> Floats:
    """Return 1 within an outline, falling to 0 around it: float32 of this shape."""
    outside = np.full(shape, 255, np.uint8)
    cv2.fillConvexPoly(outside, outline.round().astype(np.int32), 0)
    width = max(1.0, FEATHER * float(np.ptp(outline[:, 0])))
    away = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.clip(1 - away / width, 0, 1), np.float32)
