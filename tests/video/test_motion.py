"""Motion by pixels: known shifts and sizes, invisible motion, cuts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faces.types import Floats, Image
from faces.video.motion import GreyFrame, move_boxes
from tests.fakes import noise

BOX = np.array([[200, 120, 280, 200]], np.float32)


def picture(seed: int = 0) -> Image:
    """Blotches, 640 x 360."""
    return np.asarray(cv2.resize(noise(45, 80, seed), (640, 360), interpolation=cv2.INTER_CUBIC), np.uint8)


def moved(image: Image, x: float, y: float, stretch: float = 1.0, about: tuple[float, float] = (240, 160)) -> Image:
    matrix = np.array(
        [[stretch, 0, x + (1 - stretch) * about[0]], [0, stretch, y + (1 - stretch) * about[1]]], np.float64
    )
    return np.asarray(cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT), np.uint8)


@pytest.mark.parametrize("shift", [(0, 0), (7.5, -3), (-22, 14)])
@pytest.mark.parametrize("scale", [1, 2])
def test_boxes_go_with_the_picture(shift: tuple[float, float], scale: int) -> None:
    before, after = picture(), moved(picture(), *shift)
    large = [cv2.resize(image, None, fx=scale, fy=scale) for image in (before, after)]
    first, second = (GreyFrame.of(np.asarray(image, np.uint8)) for image in large)
    boxes, seen = move_boxes(first, second, BOX * scale)
    assert seen.tolist() == [True]
    assert boxes == pytest.approx(scale * (BOX + np.tile(shift, 2)), abs=1.5 * scale)
    assert boxes.dtype == np.float32


@pytest.mark.parametrize("stretch", [0.94, 1.06])
def test_boxes_grow_with_the_picture(stretch: float) -> None:
    boxes, seen = move_boxes(GreyFrame.of(picture()), GreyFrame.of(moved(picture(), 0, 0, stretch)), BOX)
    assert seen.all()
    assert (boxes[0, 2:] - boxes[0, :2]) / 80 == pytest.approx(stretch, abs=0.01)


def test_each_box_on_its_own() -> None:
    """One thing moves in front of what stands still; another box sees a picture without anything in it."""
    before, after = picture(), picture()
    before[100:220, 180:300] = picture(1)[100:220, 180:300]
    after[100:220, 190:310] = picture(1)[100:220, 180:300]
    for image in (before, after):
        image[:, 500:] = 90
    boxes = np.array([BOX[0], [40, 40, 120, 120], [540, 40, 620, 120]], np.float32)
    moved_boxes, seen = move_boxes(GreyFrame.of(before), GreyFrame.of(after), boxes)
    assert seen.tolist() == [True, True, False]
    assert moved_boxes - boxes == pytest.approx(np.array([[10, 0, 10, 0], [0] * 4, [0] * 4]), abs=1)


@pytest.mark.parametrize("other", [picture(3), moved(picture(), 150, 90), picture()[:180]])
def test_motion_that_is_not_to_be_seen_moves_nothing(other: Image) -> None:
    boxes, seen = move_boxes(GreyFrame.of(picture()), GreyFrame.of(other), BOX)
    assert not seen.any()
    assert (boxes == BOX).all()


def test_no_boxes() -> None:
    none: Floats = np.zeros((0, 4), np.float32)
    boxes, seen = move_boxes(GreyFrame.of(picture()), GreyFrame.of(picture()), none)
    assert boxes.shape == (0, 4)
    assert seen.shape == (0,)


def test_boxes_outside_the_picture() -> None:
    outside = np.array([[-300, -300, -200, -200], [600, 330, 700, 400]], np.float32)
    boxes, _ = move_boxes(GreyFrame.of(picture()), GreyFrame.of(moved(picture(), 3, 3)), outside)
    assert np.isfinite(boxes).all()


@pytest.mark.parametrize(
    ("other", "cut"),
    [
        (moved(picture(), 6, 4), False),
        (picture() // 2 + 100, False),
        (picture(5), True),
        (picture()[:180], True),
        (np.zeros((360, 640, 3), np.uint8), True),
    ],
    ids=["pan", "light", "other", "size", "black"],
)
def test_cuts(other: Image, cut: bool) -> None:
    assert GreyFrame.of(np.asarray(other, np.uint8)).is_cut_from(GreyFrame.of(picture())) == cut


def test_frames_of_another_size_are_another_scene() -> None:
    """Also of the same shape, which looks the same when it is shrunk."""
    large = np.asarray(cv2.resize(picture(), (1280, 720)), np.uint8)
    before, after = GreyFrame.of(large), GreyFrame.of(np.asarray(cv2.resize(large, (960, 540)), np.uint8))
    assert after.is_cut_from(before)
    assert not move_boxes(before, after, BOX)[1].any()


def test_no_cut_in_the_dark() -> None:
    dark = [np.asarray(noise(360, 640, seed) // 64, np.uint8) for seed in (0, 1)]
    assert not GreyFrame.of(dark[0]).is_cut_from(GreyFrame.of(dark[1]))
