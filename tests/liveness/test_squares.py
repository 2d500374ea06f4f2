"""Squares around faces: as Silent-Face cuts them, and which faces have enough around them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faces.liveness.squares import (
    LEAST_BESIDE,
    LEAST_ENLARGED,
    MOST_OUTSIDE,
    SMALLEST,
    around,
    enlargement,
    has_enough_around,
)
from faces.types import Floats, Image
from tests.fakes import noise

H, W = 300, 400


def boxes(*xyxy: tuple[float, float, float, float]) -> Floats:
    return np.array(xyxy, np.float32).reshape(-1, 4)


def coordinates() -> Image:
    """A picture whose pixels hold their own column and row, halved."""
    rows, columns = np.mgrid[:H, :W]
    return np.stack([columns // 2, rows // 2, np.zeros((H, W), int)], axis=2).astype(np.uint8)


def ends(xyxy: tuple[float, float, float, float], scale: float) -> tuple[int, int, int, int]:
    """The part that Silent-Face cuts out: its first and last column, and its first and last row."""
    left, top, right, bottom = map(float, xyxy)
    times = min(scale, (W - 1) / (right - left), (H - 1) / (bottom - top))
    parts = []
    for low, high, last in ((left, right, W - 1), (top, bottom, H - 1)):
        first, end = ((high - low) / 2 + low + side * (high - low) * times / 2 for side in (-1, 1))
        if first < 0:
            first, end = 0, end - first
        if end > last:
            first, end = first - (end - (last + 1) + 1), last
        parts += [int(first), int(end)]
    return parts[0], parts[1], parts[2], parts[3]


@pytest.mark.parametrize(
    ("xyxy", "scale", "expected"),
    [
        ((150, 100, 250, 200), 1.0, (150, 250, 100, 200)),  # the last pixel belongs to it
        ((150, 100, 250, 200), 2.7, (65, 335, 15, 285)),
        ((150, 100, 250, 200), 4.0, (50, 349, 0, 299)),  # 2.99 times: as high as the picture
        ((10, 20, 90, 120), 2.7, (0, 216, 0, 270)),  # moved to the right and down
        ((310, 180, 390, 280), 2.7, (183, 399, 29, 299)),  # moved to the left and up
        ((100, 0, 300, 250), 2.7, (80, 319, 0, 299)),  # 1.196 times
    ],
)
def test_a_part_by_hand(
    xyxy: tuple[float, float, float, float], scale: float, expected: tuple[int, int, int, int]
) -> None:
    assert ends(xyxy, scale) == expected
    first, last, top, bottom = expected
    side = 80
    picture = coordinates()
    cut = cv2.resize(picture[top : bottom + 1, first : last + 1], (side, side))
    assert (around(picture, boxes(xyxy)[0], scale, side) == cut).all()


def test_parts_are_those_of_silent_face() -> None:
    random, picture = np.random.default_rng(0), noise(H, W)
    for _ in range(500):
        left, top = random.uniform(-20, 300), random.uniform(-20, 200)
        width, height = random.uniform(20, 150, 2)
        box = boxes((left, top, left + width, top + height))[0]
        for scale in (2.7, 4.0):
            first, last, above, below = ends(tuple(box), scale)
            expected = cv2.resize(picture[above : below + 1, first : last + 1], (80, 80))
            difference = np.abs(around(picture, box, scale, 80).astype(int) - expected).mean()
            assert difference == 0


def test_how_much_a_box_can_be_enlarged() -> None:
    assert enlargement(boxes((0, 0, 100, 100), (0, 0, 100, 250)), H, W) == pytest.approx([2.99, 299 / 250])
    assert np.isnan(enlargement(boxes((5, 5, 5, 9), (9, 9, 5, 20), (0, 0, np.nan, 3), (0, 0, np.inf, 3)), H, W)).all()
    assert enlargement(boxes(), H, W).shape == (0,)


def test_faces_with_enough_around_them() -> None:
    small, large = SMALLEST - 1, 299 / LEAST_ENLARGED + 1
    beside = 100 * LEAST_BESIDE - 1
    cut, little = -100 * MOST_OUTSIDE - 2, -100 * MOST_OUTSIDE + 2
    xyxy = boxes(
        (100, 100, 200, 200),
        (100, 100, 100 + small, 200),
        (100, 10, 200, 10 + large),
        (100, cut, 200, 100 + cut),
        (100, little, 200, 100 + little),
        (beside, 100, beside + 100, 200),
        (beside + 2, 100, beside + 102, 200),
        (W - beside - 100, 100, W - beside, 200),
        (350, 250, 450, 350),
        (500, 500, 600, 600),
        (100, 100, 100, 100),
        (200, 200, 100, 100),
        (np.nan, 100, 200, 200),
        (-np.inf, -np.inf, np.inf, np.inf),
    )
    assert has_enough_around(xyxy, H, W).tolist() == [True, False, False, False, True, False, True] + [False] * 7
    assert has_enough_around(boxes(), H, W).shape == (0,)
    assert not has_enough_around(xyxy, 1, 1).any()
