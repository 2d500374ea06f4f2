"""Degradations: of the given strength, reproducible, for pictures of any size."""

from __future__ import annotations

import numpy as np
import pytest

from faces.evaluation.groups.degradations import (
    KINDS,
    Degradation,
    EyesAndMouth,
    blur,
    compress,
    cover,
    darken,
    rotate,
    shrink,
)
from faces.types import Faces, Floats, Image, LandmarkScheme
from tests.fakes import faces_at, noise, smooth

FIVE_POINTS = ((40, 50), (80, 50), (60, 70), (45, 95), (75, 95))
EYE_CORNERS = ((34, 50), (46, 50), (86, 50), (74, 50), (60, 80))
ALL = [Degradation(name, level) for name, kind in KINDS.items() for level in kind.levels]
MARKS = EyesAndMouth(np.array([(40, 50), (80, 50)], np.float32), np.array((60, 95), np.float32))


def face(points: tuple[tuple[int, int], ...], scheme: LandmarkScheme) -> Faces:
    return Faces(np.zeros((1, 4), np.float32), np.ones(1, np.float32), np.array([points], np.float32), scheme)


def picture(height: int = 150, width: int = 120) -> Image:
    y, x = np.mgrid[:height, :width]
    return np.asarray(smooth(x, y), np.uint8)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_marks_of_either_scheme() -> None:
    for points, scheme, mouth in ((FIVE_POINTS, "five-points", (60, 95)), (EYE_CORNERS, "eye-corners", (60, 93.5))):
        marks = EyesAndMouth.of(face(points, scheme))  # type: ignore[arg-type]
        np.testing.assert_allclose(marks.eyes, [(40, 50), (80, 50)])
        np.testing.assert_allclose(marks.mouth, mouth)
        assert marks.eye_distance == 40


def test_a_face_without_landmarks_has_no_marks() -> None:
    with pytest.raises(ValueError, match="has no landmarks"):
        EyesAndMouth.of(faces_at((0, 0, 10, 10)))


@pytest.mark.parametrize("how", ALL, ids=str)
def test_every_level(how: Degradation) -> None:
    before = picture()
    image = before.copy()
    worse = how.apply(image, MARKS)
    assert worse.dtype == np.uint8 and worse.ndim == 3 and worse.shape[2] == 3
    assert how.kind == "low resolution" or worse.shape == image.shape
    assert worse.shape != image.shape or (worse != image).any()
    assert (image == before).all(), "the photograph itself stays as it is"
    assert (worse == how.apply(image, MARKS)).all(), "always alike"
    tiny = how.apply(np.full((1, 1, 3), 90, np.uint8), MARKS)
    assert tiny.shape == (1, 1, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_levels_get_worse(kind: str) -> None:
    """Further from the photograph, level by level; of those that rotate or shrink it, by their own numbers."""
    levels = KINDS[kind].levels
    if kind == "rotation":
        assert list(levels) == sorted(levels)
    elif kind == "low resolution":
        assert list(levels) == sorted(levels, reverse=True)
    else:
        image = np.clip(picture().astype(int) + noise(150, 120) // 4 - 32, 0, 255).astype(np.uint8)
        away = [np.abs(Degradation(kind, level).apply(image, MARKS).astype(int) - image).mean() for level in levels]
        assert away == sorted(away) and away[0] > 0


def test_blur_spreads_a_point() -> None:
    image = np.zeros((41, 41, 3), np.uint8)
    image[20, 20] = 255
    blurred = blur(image, 1.0)
    assert blurred[20, 20, 0] == pytest.approx(255 / (2 * np.pi), abs=2)
    assert blurred[20, 23:].max() <= 1
    assert blur(image, 0) is image


def test_compression_makes_blocks() -> None:
    worse = compress(noise(16, 16), 1)
    assert worse[:8, :8].std() < noise(16, 16)[:8, :8].std()


@pytest.mark.parametrize("stops", [2, 4, 8])
def test_half_of_the_stops_are_lost(stops: int) -> None:
    """White in 1/4 of the light is as grey as half the light would make it."""
    dark = darken(np.full((200, 200, 3), 255, np.uint8), stops, rng())
    light = ((dark / 255 + 0.055) / 1.055) ** 2.4
    assert light.mean() == pytest.approx(2 ** (-stops / 2), rel=0.05)


def test_darkness_brings_noise() -> None:
    grey = np.full((100, 100, 3), 128, np.uint8)
    relative = [(dark := darken(grey, stops, rng()).astype(float)).std() / dark.mean() for stops in (0, 2, 4, 6)]
    assert relative == sorted(relative) and relative[0] < 0.02 < relative[-1]


def test_turning_is_clockwise() -> None:
    image = np.zeros((21, 21, 3), np.uint8)
    image[2, 10] = 255  # above the middle
    turned = rotate(image, 90, np.array((10, 10), np.float32))
    assert turned[10, 18, 0] > 200  # to the right of it


@pytest.mark.parametrize(("scale", "shape"), [(0.5, (75, 60, 3)), (0.001, (1, 1, 3)), (3.0, (150, 120, 3))])
def test_shrinking_never_enlarges(scale: float, shape: tuple[int, ...]) -> None:
    assert shrink(picture(), scale).shape == shape


def test_a_band_lies_along_the_eyes() -> None:
    white: Image = np.full((100, 100, 3), 255, np.uint8)
    level = cover(white, np.array((50, 50), np.float32), np.array((1, 0), np.float32), 60, 10)[..., 0] < 100
    rows, columns = np.nonzero(level)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (45, 55, 20, 80)
    upright: Floats = np.array((0, 1), np.float32)
    assert (cover(white, np.array((50, 50), np.float32), upright, 60, 10)[..., 0] < 100).sum() == level.sum()


def test_noise_is_that_of_the_photograph() -> None:
    """Not the same grain on every picture."""
    dark = Degradation("darkness", 64)
    first, second = (dark.apply(np.full((20, 20, 3), value, np.uint8), MARKS).astype(int) for value in (200, 201))
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] < 0.3


def test_an_unknown_kind() -> None:
    with pytest.raises(ValueError, match="no degradation 'fog'; there are blur, JPEG"):
        Degradation("fog", 1)


def test_levels_in_words() -> None:
    assert str(Degradation("darkness", 64)) == "darkness: 1/64 of the light"
    assert str(Degradation("blur", 5)) == "blur: 5 % of the eyes' distance"
