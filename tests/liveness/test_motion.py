"""Liveness from motion, with made surfaces: a plane is none, a relief is one, and there are reasons not to tell."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faces.liveness.motion import (
    BOUNDARY,
    FACE,
    LEAST_EXCESS,
    LEAST_FRAMES,
    MOST_CERTAIN,
    SECONDS,
    SMALLEST,
    THRESHOLD,
    Measured,
    MotionLiveness,
    Window,
)
from faces.types import Floats

Grey = NDArray[np.uint8]
SIDE, RATE = 240, 10.0  # px; frames a second
FRAMES = int(SECONDS * RATE) + 2
BOX = np.array([70, 60, 170, 180], np.float32)


def surface(seed: int = 0) -> Grey:
    """A pattern with corners of all sizes."""
    rng = np.random.default_rng(seed)
    layers = [cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE)), (0, 0), s) * s for s in (1.5, 4, 10)]
    pattern = np.sum(layers, axis=0)
    return np.asarray(np.clip(128 + 60 * pattern / pattern.std(), 0, 255), np.uint8)


def noisy(picture: NDArray[np.uint8], number: int, sigma: float = 2.0) -> Grey:
    rng = np.random.default_rng(number)
    return np.asarray(np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 255), np.uint8)


def plane(number: int, size: float = 1.0) -> Grey:
    """A print that turns about all axes, and moves."""
    t = size * math.sin(2 * math.pi * number / RATE / 2)
    tilt = cv2.Rodrigues(np.array([0.15 * t, 0.25 * t, 0.1 * t]))[0]
    camera = np.array([[300.0, 0, SIDE / 2], [0, 300, SIDE / 2], [0, 0, 1]])
    there = np.column_stack([tilt[:, :2], [12 * t, -6 * t, 300 * (1 + 0.05 * t)]])
    homography = camera @ there @ np.array([[1, 0, -SIDE / 2], [0, 1, -SIDE / 2], [0, 0, 1]])
    seen = cv2.warpPerspective(surface(), homography, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
    return noisy(np.asarray(seen, np.uint8), number)


def relief(number: int, depth: float = 35.0) -> Grey:
    """Half an egg, ``depth`` px high, that turns about the upright axis and moves."""
    t = math.sin(2 * math.pi * number / RATE / 2)
    angle = 0.25 * t
    x, y = np.meshgrid(np.arange(SIDE, dtype=np.float64), np.arange(SIDE, dtype=np.float64))
    x, y = x - SIDE / 2 - 12 * t, y - SIDE / 2
    height = depth * np.sqrt(np.maximum(1 - (x / 60) ** 2 - (y / 75) ** 2, 0))
    source = (x - height * math.sin(angle)) / math.cos(angle) + SIDE / 2
    maps = source.astype(np.float32), (y + SIDE / 2).astype(np.float32)
    seen = cv2.remap(surface(), *maps, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT)
    return noisy(np.asarray(seen, np.uint8), number)


def judge(frames: Sequence[Grey], box: Floats = BOX) -> MotionLiveness:
    liveness = MotionLiveness()
    for number, frame in enumerate(frames):
        liveness.observe(number / RATE, frame, box)
    return liveness


def test_a_print_that_is_held_up_is_a_spoof() -> None:
    liveness = judge([plane(k) for k in range(FRAMES)])
    assert liveness.probability < THRESHOLD
    assert liveness.measured is not None and liveness.measured.moved >= LEAST_FRAMES
    assert liveness.measured.residual == pytest.approx(liveness.measured.noise, rel=0.5)  # nothing but noise


def test_what_has_depth_is_alive() -> None:
    liveness = judge([relief(k) for k in range(FRAMES)])
    assert liveness.probability > THRESHOLD
    assert liveness.measured is not None and liveness.measured.residual > 2 * liveness.measured.noise


def test_a_large_face_is_judged_as_a_small_one() -> None:
    for make, live in ((plane, False), (relief, True)):
        frames = [np.asarray(cv2.resize(make(k), None, fx=3, fy=3), np.uint8) for k in range(FRAMES)]
        assert (judge(frames, BOX * 3).probability > THRESHOLD) is live


def test_the_answer_stays_until_another_window_can_be_judged() -> None:
    liveness = judge([plane(k) for k in range(FRAMES)])
    answer, first = liveness.probability, liveness.measured
    for k in range(FRAMES, 3 * FRAMES):
        assert liveness.observe(k / RATE, plane(FRAMES), BOX) == answer  # still from here on
    assert liveness.measured is not first
    assert liveness.measured is not None and math.isnan(liveness.measured.probability)


# Cannot tell


def test_a_still_picture() -> None:
    assert math.isnan(judge([plane(0)] * (2 * FRAMES)).probability)
    assert math.isnan(judge([noisy(surface(), k) for k in range(2 * FRAMES)]).probability)


def test_too_little_motion() -> None:
    assert math.isnan(judge([plane(k, size=0.2) for k in range(2 * FRAMES)]).probability)


def test_a_face_without_a_pattern() -> None:
    frames = [np.full((SIDE, SIDE), 100, np.uint8)] * FRAMES
    liveness = judge(frames)
    assert math.isnan(liveness.probability) and liveness.measured is None


def test_a_face_that_is_too_small() -> None:
    small = np.array([100, 100, 99 + SMALLEST, 99 + SMALLEST], np.float32)
    assert judge([plane(k) for k in range(FRAMES)], small).measured is None


def test_before_the_first_window_ends() -> None:
    assert math.isnan(judge([plane(k) for k in range(5)]).probability)


def test_a_picture_that_changes_at_once() -> None:
    """Each window ends where another picture begins, without enough frames."""
    assert math.isnan(judge([surface(k // 3) for k in range(3 * FRAMES)]).probability)


def test_a_box_that_leaves_the_points() -> None:
    liveness = MotionLiveness()
    for k in range(FRAMES):
        box = BOX if k % 4 else BOX + np.float32(65)
        liveness.observe(k / RATE, plane(k), box)
    assert math.isnan(liveness.probability)


# Odd input

ODD_BOXES = [
    np.full(4, np.nan),
    np.array([0, 0, np.inf, np.inf]),
    np.array([-3e38, -3e38, 3e38, 3e38]),
    np.array([170, 180, 70, 60]),
    np.array([70, 60, 70, 60]),
    np.array([-900, -900, -700, -700]),
    np.array([-100, -100, 400, 400]),
    np.array([230, 230, 300, 300]),
    np.zeros(0),
    np.zeros((2, 2)),
]


@pytest.mark.parametrize("box", ODD_BOXES, ids=str)
def test_odd_boxes(box: NDArray[np.float64]) -> None:
    odd = box.astype(np.float32)
    assert math.isnan(judge([plane(k) for k in range(3)], odd).probability)
    liveness = MotionLiveness()
    for k in range(6):
        assert math.isnan(liveness.observe(k / RATE, plane(k), odd if k % 2 else BOX))


@pytest.mark.parametrize("shape", [(0, 0), (0, 9), (1, 1), (120, 160), (240, 240, 3), (240,)])
def test_odd_frames(shape: tuple[int, ...]) -> None:
    liveness = MotionLiveness()
    for k in range(6):
        frame = np.zeros(shape, np.uint8) if k % 2 else plane(k)
        assert math.isnan(liveness.observe(k / RATE, frame, BOX))


@pytest.mark.parametrize("times", [[0.0, 0.0, 0.0], [3.0, 2.0, 1.0], [math.nan] * 3, [0.0, 9.0, 18.0], [math.inf] * 3])
def test_odd_times(times: list[float]) -> None:
    liveness = MotionLiveness()
    for k, time in enumerate(times * 6):
        assert math.isnan(liveness.observe(time, plane(k), BOX))


def test_noise_instead_of_a_face() -> None:
    rng = np.random.default_rng(0)
    for _ in range(3):
        probability = judge([np.asarray(rng.integers(0, 256, (SIDE, SIDE)), np.uint8) for _ in range(6)]).probability
        assert math.isnan(probability)


# The statistic


def measured(residual: float, noise: float = 0.0, moved: int = LEAST_FRAMES) -> Measured:
    return Measured(frames=moved + 1, moved=moved, residual=residual, noise=noise)


def test_the_excess_is_what_noise_does_not_explain() -> None:
    assert measured(5e-3, 3e-3).excess == pytest.approx(4e-3)
    assert measured(3e-3, 5e-3).excess == LEAST_EXCESS
    assert math.isnan(measured(5e-3, math.nan).excess)
    assert math.isnan(measured(5e-3, moved=LEAST_FRAMES - 1).probability)


def test_the_probability_grows_with_the_excess() -> None:
    assert measured(BOUNDARY).probability == pytest.approx(THRESHOLD)
    each = [measured(BOUNDARY * factor).probability for factor in (0, 0.5, 0.9, 1.1, 2, 1e6)]
    assert each == sorted(each)
    assert (each[0], each[-1]) == pytest.approx((1 - MOST_CERTAIN, MOST_CERTAIN))


def test_the_part_that_is_looked_at_is_shrunk() -> None:
    large = np.asarray(cv2.resize(plane(0), None, fx=5, fy=5), np.uint8)
    window = Window.begin(0.0, large, BOX * 5)
    assert window is not None
    assert max(window._reference.shape) <= 2.6 * FACE
