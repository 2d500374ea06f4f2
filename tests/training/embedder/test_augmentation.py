"""Augmentation: cuts are where they should be, vary as measured, and repeat with a seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faces.embedding.aligners import DLIB_MEAN_FACE, TEMPLATES, Aligner
from faces.geometry import transform
from faces.training.data.teacher_faces import PADDING, SIDE, WIDE
from faces.training.embedder import augmentation
from faces.types import Faces, Floats, Image

LANDMARKS = WIDE.points["eye-corners"][1].astype(np.float32)
UNIT = SIDE / (1 + 2 * PADDING)  # px, the side of dlib's face


def picture() -> Image:
    """A smooth picture in which every place has a colour of its own."""
    small = np.random.default_rng(3).integers(0, 256, (9, 9, 3), np.uint8)
    return np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)


def four() -> tuple[Image, Floats]:
    return np.stack([picture()] * 4), np.stack([LANDMARKS] * 4)


def test_a_clean_crop_is_the_aligners() -> None:
    images, landmarks = four()
    face = Faces(np.zeros((1, 4), np.float32), np.ones(1, np.float32), LANDMARKS[None], "eye-corners")
    expected = Aligner(TEMPLATES["openface"]).crop(images[0], face)[0]
    np.testing.assert_allclose(
        augmentation.aligned_crops(images, landmarks)[0].astype(int), expected.astype(int), atol=2
    )


def test_the_typical_box_is_the_ssds() -> None:
    corners = transform(augmentation.box_cut(LANDMARKS, None), np.array([[-0.5, -0.5], [95.5, 95.5]]))
    width, height = corners[1] - corners[0]
    assert width == pytest.approx(1.19 * UNIT, rel=0.01)
    assert height == pytest.approx(1.66 * UNIT, rel=0.01)
    middle = (corners.mean(axis=0) + 0.5) / UNIT - PADDING - 0.5
    np.testing.assert_allclose(middle, (0.01, -0.13), atol=0.01)


def test_boxes_vary_as_was_measured() -> None:
    random = np.random.default_rng(0)
    cuts = np.stack([augmentation.box_cut(LANDMARKS, random) for _ in range(500)])
    middles = np.stack([transform(cut, np.array([47.5, 47.5])) for cut in cuts]) / UNIT
    np.testing.assert_allclose(middles.std(axis=0), (0.13, 0.06), rtol=0.15)
    assert np.degrees(np.arctan2(cuts[:, 1, 0], cuts[:, 0, 0])).std() == pytest.approx(7, rel=0.15)


def test_an_aligned_cut_stays_near_the_landmarks() -> None:
    random = np.random.default_rng(0)
    eyes = np.linalg.inv(np.vstack([augmentation.aligned_cut(LANDMARKS), [0, 0, 1]]))[:2]
    at = transform(eyes, LANDMARKS[:1])[0]
    away = []
    for _ in range(300):
        cut = augmentation.jitter(augmentation.aligned_cut(LANDMARKS), random)
        away.append(transform(np.linalg.inv(np.vstack([cut, [0, 0, 1]]))[:2], LANDMARKS[:1])[0] - at)
    assert np.abs(np.mean(away, axis=0)).max() < 1  # px of 96
    assert 1 < np.std(away) < 5


def test_a_seed_says_all() -> None:
    images, landmarks = four()
    crops, same, other = (
        augmentation.augmented_crops(images, landmarks, np.random.default_rng(seed), 0.5) for seed in (1, 1, 2)
    )
    assert crops.shape == (4, 96, 96, 3) and crops.dtype == np.uint8
    np.testing.assert_array_equal(crops, same)
    assert (crops != other).any()
    assert (crops[0] != crops[1]).any()
    np.testing.assert_array_equal(images[0], picture())  # the inputs are unchanged


def test_the_share_of_loose_cuts() -> None:
    images, landmarks = four()
    random = np.random.default_rng(0)
    flat = np.full_like(images, 128)
    flat[:, : SIDE // 6] = 0  # above what an aligned crop shows, and within the SSD's box
    dark = [(augmentation.augmented_crops(flat, landmarks, random, loose)[:, 2] < 60).mean() for loose in (0.0, 1.0)]
    assert dark[0] < 0.2 < 0.6 < dark[1]


def test_dlibs_face_is_where_the_wide_cut_has_it() -> None:
    np.testing.assert_allclose(LANDMARKS, (DLIB_MEAN_FACE + PADDING) * UNIT - 0.5, atol=1e-3)
