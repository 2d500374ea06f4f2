"""Degrade photographs in the ways that cameras, light, distance and people do.

Sizes are relative to the distance between the eyes, so that a level is equally bad for large and small faces. A face is
a little more than twice as wide as that distance.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.types import Faces, Floats, Image

ELECTRONS = 5000.0  # per white pixel of a small sensor
READ_NOISE = 3.0  # electrons
MOUTH = 1.45  # position of the mouth on the line from between the eyes (0) to the base of the nose (1)


@dataclass(frozen=True, slots=True, eq=False)
class EyesAndMouth:
    """The position of a face.

    eyes: float32 (2, 2), the centres of both eyes, (x, y) in px, the subject's right eye first.
    mouth: float32 (2,), the centre of the mouth.
    """

    eyes: Floats
    mouth: Floats

    @classmethod
    def of(cls, faces: Faces) -> EyesAndMouth:
        """Return the position of the first face. Raises ValueError if it has no landmarks."""
        if faces.landmarks is None:
            raise ValueError("the face has no landmarks")
        points = faces.landmarks[0]
        if faces.scheme == "five-points":
            return cls(points[:2], np.asarray(points[3:].mean(axis=0), np.float32))
        eyes = points[:4].reshape(2, 2, 2).mean(axis=1)
        middle = eyes.mean(axis=0)
        return cls(np.asarray(eyes, np.float32), np.asarray(middle + MOUTH * (points[4] - middle), np.float32))

    @property
    def eye_distance(self) -> float:
        """The distance between the eyes in px, at least 1."""
        return max(float(np.hypot(*(self.eyes[1] - self.eyes[0]))), 1.0)


def blur(image: Image, sigma: float) -> Image:
    """Apply a Gaussian blur. sigma: standard deviation in px; 0 returns the image itself."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8) if sigma > 0 else image


def compress(image: Image, quality: int) -> Image:
    """Save the image as a JPEG of quality 1 to 100, and read it again."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def darken(image: Image, stops: float, rng: np.random.Generator) -> Image:
    """Simulate 1 / 2**stops of the light; the camera's gain makes up for half of the stops.

    The picture gets darker, and noisier: shot noise is Poisson distributed, read noise normally.
    """
    linear = _TO_LINEAR[image]
    electrons = rng.poisson(linear * (ELECTRONS / 2**stops)) + rng.normal(0, READ_NOISE, image.shape)
    return _from_linear(electrons * (2 ** (stops / 2) / ELECTRONS))


def rotate(image: Image, degrees: float, centre: Floats) -> Image:
    """Rotate clockwise about ``centre``, (x, y) in px; the edge pixels fill the corners."""
    matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), -degrees, 1)
    rotated = cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(rotated, np.uint8)


def shrink(image: Image, scale: float) -> Image:
    """Shrink the whole photograph, as if taken from farther away. scale: values above 1 count as 1."""
    wh = [max(round(side * min(scale, 1.0)), 1) for side in image.shape[1::-1]]
    return np.asarray(cv2.resize(image, wh, interpolation=cv2.INTER_AREA), np.uint8)


def cover(image: Image, middle: Floats, along: Floats, length: float, height: float) -> Image:
    """Cover a part of the picture with a dark band.

    middle: centre of the band, (x, y) in px.
    along: its direction, (x, y).
    length, height: in px, along the direction and across it.
    """
    x = along / max(float(np.hypot(*along)), 1e-6) * (length / 2)
    y = np.array([-x[1], x[0]]) / max(length / 2, 1e-6) * (height / 2)
    corners = middle + np.stack([-x - y, x - y, x + y, -x + y])
    covered: Image = image.copy()
    cv2.fillConvexPoly(covered, np.round(corners).astype(np.int32), (24, 24, 24), lineType=cv2.LINE_AA)
    return covered


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of degradation.

    words: describes a level; ``{}`` stands for its number.
    levels: from mild to severe.
    degrade: takes the image, the position of the face, a level and a random generator.
    """

    words: str
    levels: tuple[float, ...]
    degrade: Callable[[Image, EyesAndMouth, float, np.random.Generator], Image]

    def describe(self, level: float) -> str:
        """Return a level in words."""
        return self.words.format(f"{level:g}")


KINDS: dict[str, Kind] = {
    "blur": Kind(
        "{} % of the eyes' distance",
        (3, 5, 10, 15),
        lambda image, position, level, rng: blur(image, level / 100 * position.eye_distance),
    ),
    "JPEG": Kind("quality {}", (20, 10, 5), lambda image, position, level, rng: compress(image, int(level))),
    "darkness": Kind(
        "1/{} of the light", (4, 16, 64, 256), lambda image, position, level, rng: darken(image, np.log2(level), rng)
    ),
    "rotation": Kind(
        "{}°", (15, 30, 45, 60), lambda image, position, level, rng: rotate(image, level, position.eyes.mean(axis=0))
    ),
    "low resolution": Kind(
        "eyes {} px apart",
        (16, 12, 8, 6),
        lambda image, position, level, rng: shrink(image, level / position.eye_distance),
    ),
    "eyes covered": Kind(
        "band of {} % of the eyes' distance",
        (25, 50, 75),
        lambda image, position, level, rng: _band(image, position, position.eyes.mean(axis=0), level),
    ),
    "mouth covered": Kind(
        "band of {} % of the eyes' distance",
        (50, 100, 150),
        lambda image, position, level, rng: _band(image, position, position.mouth, level),
    ),
}
"""Kinds by name. The level of blur is the Gaussian's standard deviation. Low resolution never enlarges a photograph."""


@dataclass(frozen=True, slots=True)
class Degradation:
    """A kind of ``KINDS`` at one level. Raises ValueError for an unknown kind."""

    kind: str
    level: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no degradation {self.kind!r}; there are {', '.join(KINDS)}")

    def __str__(self) -> str:
        return f"{self.kind}: {KINDS[self.kind].describe(self.level)}"

    def apply(self, image: Image, position: EyesAndMouth) -> Image:
        """Return the degraded photograph. The noise depends only on the photograph, so the result is reproducible."""
        seed = zlib.crc32(np.ascontiguousarray(image).tobytes())
        return KINDS[self.kind].degrade(image, position, self.level, np.random.default_rng(seed))


def _band(image: Image, position: EyesAndMouth, middle: Floats, height: float) -> Image:
    """Cover the face from temple to temple. height: in percent of the eyes' distance."""
    distance = position.eye_distance
    return cover(image, middle, position.eyes[1] - position.eyes[0], 2.4 * distance, height / 100 * distance)


def _from_linear(light: NDArray[np.float64]) -> Image:
    light = light.clip(0, 1)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return cast(Image, np.round(srgb * 255).astype(np.uint8))


def _linear() -> NDArray[np.float64]:
    """Return the linear light, 0 to 1, of each sRGB value, float64 (256,). Source: IEC 61966-2-1."""
    srgb = np.arange(256) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


_TO_LINEAR = _linear()
