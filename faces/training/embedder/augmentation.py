"""Augment the face crops that a student learns from; its teacher embedded a clean crop.

A crop is cut near where the aligner cuts, or by a box like the SSD's, which recipes without alignment use. Then its
light, sharpness and compression vary as between cameras.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.embedding.aligners import DLIB_MEAN_FACE, TEMPLATES
from faces.geometry import similarity, transform
from faces.types import Floats, Image

Matrix = NDArray[np.float64]

TEMPLATE = TEMPLATES["openface"]
SIDE = TEMPLATE.side
# The SSD's box in units of the side of dlib's face: offset of its centre, its width, its height by its width; then the
# spread of these and of the head's roll (degrees). Medians and spreads of 258 photographs of CelebA
# (../shared/data/glasses).
BOX_CENTRE, BOX_WIDTH, BOX_ASPECT = (0.01, -0.13), 1.19, 1.39
CENTRE_SPREAD, WIDTH_SPREAD, ASPECT_SPREAD, ROLL_SPREAD = (0.13, 0.06), 0.08, 0.08, 7.0
FACE_CENTRE = np.array([[0.5, 0.5]])


def augmented_crops(images: Image, landmarks: Floats, random: np.random.Generator, loose: float) -> Image:
    """Return one augmented crop of each face, uint8 (N, 96, 96, 3), BGR.

    images, landmarks: as in ``TeacherFaces``.
    loose: share of the faces that are cut by a box like the SSD's.
    """
    cuts = [
        box_cut(points, random) if random.random() < loose else jitter(aligned_cut(points), random)
        for points in landmarks
    ]
    crops = [change_light(warp(image, cut), random) for image, cut in zip(images, cuts, strict=True)]
    return np.stack([mirror(change_quality(crop, random), random) for crop in crops])


def aligned_crops(images: Image, landmarks: Floats) -> Image:
    """Return each face as the aligner cuts it, uint8 (N, 96, 96, 3), BGR.

    images, landmarks: as in ``TeacherFaces``.
    """
    return np.stack([warp(image, aligned_cut(points)) for image, points in zip(images, landmarks, strict=True)])


def box_crops(images: Image, landmarks: Floats) -> Image:
    """Return each face as the SSD's typical box cuts it, uint8 (N, 96, 96, 3), BGR, upright as in the wide crop.

    images, landmarks: as in ``TeacherFaces``.
    """
    return np.stack([warp(image, box_cut(points, None)) for image, points in zip(images, landmarks, strict=True)])


def aligned_cut(landmarks: Floats) -> Matrix:
    """Return the transform (2, 3) from the crop to the image that puts the landmarks where the template has them.

    landmarks: float32 (5, 2), px.
    """
    used, points = TEMPLATE.points["eye-corners"]
    return similarity(points, landmarks[used].astype(np.float64))


def jitter(cut: Matrix, random: np.random.Generator) -> Matrix:
    """Rotate, shift, scale and stretch a cut slightly; one in four more strongly."""
    strength = 2.5 if random.random() < 0.25 else 1.0
    turn = np.radians(random.normal(0, 3 * strength))
    scale, stretch = np.exp(random.normal(0, (0.04 * strength, 0.025 * strength)))
    x, y = scale * stretch, scale / stretch
    change = np.array([[x * np.cos(turn), -y * np.sin(turn)], [x * np.sin(turn), y * np.cos(turn)]])
    centre = np.full(2, (SIDE - 1) / 2)
    shift = random.normal(0, 1.5 * strength, 2)
    moved = np.column_stack([change, centre + shift - change @ centre])
    return np.column_stack([cut[:, :2] @ moved[:, :2], transform(cut, moved[:, 2])])


def box_cut(landmarks: Floats, random: np.random.Generator | None) -> Matrix:
    """Return the transform (2, 3) from the crop to the image for a box like the SSD's around the face.

    landmarks: float32 (5, 2), px.
    random: varies the box as was measured; None: the typical box.
    """
    vary = random.normal(size=5) if random else np.zeros(5)
    face = similarity(DLIB_MEAN_FACE, landmarks.astype(np.float64))
    unit = float(np.hypot(*face[:, 0]))
    turn = np.radians(ROLL_SPREAD * vary[4])
    width = BOX_WIDTH * np.exp(WIDTH_SPREAD * vary[0]) * unit
    height = width * BOX_ASPECT * np.exp(ASPECT_SPREAD * vary[1])
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    offset = (np.array(BOX_CENTRE) + np.array(CENTRE_SPREAD) * vary[2:4]) * unit
    centre = transform(face, FACE_CENTRE)[0] + axes @ offset
    linear = axes * (np.array([width, height]) / SIDE)
    return np.column_stack([linear, centre - linear @ np.full(2, (SIDE - 1) / 2)])


def warp(image: Image, cut: Matrix) -> Image:
    """Return the crop, uint8 (96, 96, 3), that ``cut`` maps to the image; beyond its edge, the edge is repeated."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, cut, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def change_light(crop: Image, random: np.random.Generator) -> Image:
    """Change exposure, contrast and white balance; sometimes light from one side, or grey."""
    gain = np.exp(random.normal(0, 0.12) + random.normal(0, 0.04, 3))
    curve, offset = np.exp(random.normal(0, 0.15)), random.normal(0, 0.03)
    values = np.linspace(0, 1, 256)[:, None] ** curve * gain + offset
    lit = cv2.LUT(crop, (values * 255).clip(0, 255).astype(np.uint8)[None])
    if random.random() < 0.2:
        across, down = random.normal(0, 0.4, 2)
        ramp = np.linspace(-0.5, 0.5, SIDE, dtype=np.float32)
        light = np.exp(across * ramp[None, :, None] + down * ramp[:, None, None]).astype(np.float32)
        lit = (lit * light).clip(0, 255).astype(np.uint8)
    if random.random() < 0.08:
        lit = cv2.cvtColor(cv2.cvtColor(lit, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return np.asarray(lit, np.uint8)


def change_quality(crop: Image, random: np.random.Generator) -> Image:
    """Blur, sharpen, downscale or compress, or do nothing."""
    kind = random.random()
    if kind < 0.15:
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), random.uniform(0.4, 1.6)), np.uint8)
    elif kind < 0.4:
        blurred, amount = cv2.GaussianBlur(crop, (0, 0), random.uniform(0.7, 1.5)), random.uniform(0.3, 1.5)
        crop = np.asarray(cv2.addWeighted(crop, 1 + amount, blurred, -amount, 0), np.uint8)
    elif kind < 0.5:
        side = int(random.integers(32, 80))
        small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        crop = np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)
    if random.random() < 0.25:
        _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 95))])
        crop = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return crop


def mirror(crop: Image, random: np.random.Generator) -> Image:
    """Mirror every second crop."""
    return np.ascontiguousarray(crop[:, ::-1]) if random.random() < 0.5 else crop
