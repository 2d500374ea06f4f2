"""What a student is shown of a face: never the clean chip that its teacher saw.

Two cuts: where the aligner puts the face, a little beside it; or as the SSD's box cuts it when a recipe aligns nothing.
Then the light, the sharpness and the compression of other cameras.
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
# The SSD's box in units of the side of dlib's face: its middle from the face's, its width, its height by its width; and
# how much they and the head's turn vary: medians and spread of 258 photographs of CelebA (../shared/data/glasses).
BOX_MIDDLE, BOX_WIDTH, BOX_SHAPE = (0.01, -0.13), 1.19, 1.39
MIDDLE_VARIES, WIDTH_VARIES, SHAPE_VARIES, ROLL_VARIES = (0.13, 0.06), 0.08, 0.08, 7.0
FACE_MIDDLE = np.array([[0.5, 0.5]])


def shown(images: Image, landmarks: Floats, random: np.random.Generator, loose: float) -> Image:
    """uint8 (N, 96, 96, 3) BGR: each face once, disguised.

    images, landmarks: as in ``Lessons``. loose: the share that is cut by the SSD's box.
    """
    cuts = [
        by_box(points, random) if random.random() < loose else beside(aligned(points), random) for points in landmarks
    ]
    crops = [relit(taken(image, cut), random) for image, cut in zip(images, cuts, strict=True)]
    return np.stack([mirrored(photographed(crop, random), random) for crop in crops])


def clean(images: Image, landmarks: Floats) -> Image:
    """uint8 (N, 96, 96, 3) BGR: each face as the aligner cuts it."""
    return np.stack([taken(image, aligned(points)) for image, points in zip(images, landmarks, strict=True)])


def boxed(images: Image, landmarks: Floats) -> Image:
    """uint8 (N, 96, 96, 3) BGR: each face as the SSD's typical box cuts it, upright as the wide cut has it."""
    return np.stack([taken(image, by_box(points, None)) for image, points in zip(images, landmarks, strict=True)])


def aligned(landmarks: Floats) -> Matrix:
    """(2, 3): from the crop to the image, where the template wants the landmarks."""
    used, points = TEMPLATE.points["eye-corners"]
    return similarity(points, landmarks[used].astype(np.float64))


def beside(cut: Matrix, random: np.random.Generator) -> Matrix:
    """A cut a little turned, shifted, scaled and stretched; one in four more so."""
    much = 2.5 if random.random() < 0.25 else 1.0
    turn = np.radians(random.normal(0, 3 * much))
    scale, stretch = np.exp(random.normal(0, (0.04 * much, 0.025 * much)))
    wide, high = scale * stretch, scale / stretch
    change = np.array([[wide * np.cos(turn), -high * np.sin(turn)], [wide * np.sin(turn), high * np.cos(turn)]])
    middle = np.full(2, (SIDE - 1) / 2)
    shift = random.normal(0, 1.5 * much, 2)
    moved = np.column_stack([change, middle + shift - change @ middle])
    return np.column_stack([cut[:, :2] @ moved[:, :2], transform(cut, moved[:, 2])])


def by_box(landmarks: Floats, random: np.random.Generator | None) -> Matrix:
    """(2, 3): from the crop to the image, as an SSD's box around the face; without ``random`` the typical one."""
    vary = random.normal(size=5) if random else np.zeros(5)
    face = similarity(DLIB_MEAN_FACE, landmarks.astype(np.float64))
    unit = float(np.hypot(*face[:, 0]))
    turn = np.radians(ROLL_VARIES * vary[4])
    width = BOX_WIDTH * np.exp(WIDTH_VARIES * vary[0]) * unit
    height = width * BOX_SHAPE * np.exp(SHAPE_VARIES * vary[1])
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    offset = (np.array(BOX_MIDDLE) + np.array(MIDDLE_VARIES) * vary[2:4]) * unit
    middle = transform(face, FACE_MIDDLE)[0] + axes @ offset
    linear = axes * (np.array([width, height]) / SIDE)
    return np.column_stack([linear, middle - linear @ np.full(2, (SIDE - 1) / 2)])


def taken(image: Image, cut: Matrix) -> Image:
    """uint8 (96, 96, 3): what ``cut`` carries onto the image, whose edges go on where it leaves it."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, cut, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def relit(crop: Image, random: np.random.Generator) -> Image:
    """Another exposure, contrast and colour of the light; now and then light from one side, or no colour at all."""
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


def photographed(crop: Image, random: np.random.Generator) -> Image:
    """Blurred, sharpened, coarse or compressed, or neither."""
    kind = random.random()
    if kind < 0.15:
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), random.uniform(0.4, 1.6)), np.uint8)
    elif kind < 0.4:
        blurred, much = cv2.GaussianBlur(crop, (0, 0), random.uniform(0.7, 1.5)), random.uniform(0.3, 1.5)
        crop = np.asarray(cv2.addWeighted(crop, 1 + much, blurred, -much, 0), np.uint8)
    elif kind < 0.5:
        side = int(random.integers(32, 80))
        small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
        crop = np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)
    if random.random() < 0.25:
        _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 95))])
        crop = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return crop


def mirrored(crop: Image, random: np.random.Generator) -> Image:
    return np.ascontiguousarray(crop[:, ::-1]) if random.random() < 0.5 else crop
