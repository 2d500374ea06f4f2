"""Photographs made worse, as cameras, light, distance and people make them: how much of it does recognition bear?

Sizes are told in shares of the distance between the eyes, so that one level is as bad for a large face as for a small
one. A face is a little more than twice as wide as its eyes are apart.
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

ELECTRONS = 5000.0  # that white light frees in a pixel of a small sensor, and what reading them out adds
READ_NOISE = 3.0
MOUTH = 1.45  # of the way from between the eyes to the base of the nose, how far the mouth is


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Where a face is: the middles of its eyes, the subject's right one first, and of its mouth; (x, y) in px."""

    eyes: Floats
    mouth: Floats

    @classmethod
    def of(cls, faces: Faces) -> Marks:
        """Of the first face. Raises ValueError where it has no landmarks."""
        if faces.landmarks is None:
            raise ValueError("a face without landmarks cannot be marked")
        points = faces.landmarks[0]
        if faces.scheme == "five-points":
            return cls(points[:2], np.asarray(points[3:].mean(axis=0), np.float32))
        eyes = points[:4].reshape(2, 2, 2).mean(axis=1)
        middle = eyes.mean(axis=0)
        return cls(np.asarray(eyes, np.float32), np.asarray(middle + MOUTH * (points[4] - middle), np.float32))

    @property
    def apart(self) -> float:
        """px between the eyes."""
        return max(float(np.hypot(*(self.eyes[1] - self.eyes[0]))), 1.0)


def blur(image: Image, sigma: float) -> Image:
    """Out of focus by a Gaussian of so many px."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8) if sigma > 0 else image


def compress(image: Image, quality: int) -> Image:
    """Saved as a JPEG of quality 1 to 100, and read again."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def darken(image: Image, stops: float, rng: np.random.Generator) -> Image:
    """In 1 / 2**stops of the light, of which the camera makes up for half by raising its gain.

    So it gets darker, and noisier: by the electrons' chance arrivals (Poisson), and by reading them out (normal).
    """
    linear = _TO_LINEAR[image]
    electrons = rng.poisson(linear * (ELECTRONS / 2**stops)) + rng.normal(0, READ_NOISE, image.shape)
    return _from_linear(electrons * (2 ** (stops / 2) / ELECTRONS))


def turn(image: Image, degrees: float, centre: Floats) -> Image:
    """Turned clockwise about a place (x, y); the edges are stretched to where there is no picture."""
    matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), -degrees, 1)
    turned = cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def shrink(image: Image, scale: float) -> Image:
    """As from further away: the whole photograph smaller, by a scale of at most 1."""
    wh = [max(round(side * min(scale, 1.0)), 1) for side in image.shape[1::-1]]
    return np.asarray(cv2.resize(image, wh, interpolation=cv2.INTER_AREA), np.uint8)


def cover(image: Image, middle: Floats, along: Floats, length: float, height: float) -> Image:
    """A dark band over a place (x, y), ``length`` px ``along`` a direction and ``height`` px across it."""
    x = along / max(float(np.hypot(*along)), 1e-6) * (length / 2)
    y = np.array([-x[1], x[0]]) / max(length / 2, 1e-6) * (height / 2)
    corners = middle + np.stack([-x - y, x - y, x + y, -x + y])
    covered: Image = image.copy()
    cv2.fillConvexPoly(covered, np.round(corners).astype(np.int32), (24, 24, 24), lineType=cv2.LINE_AA)
    return covered


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to make a photograph worse.

    words: of a level, with ``{}`` for it. levels: from mild to severe. worsen: image, marks, level, random numbers.
    """

    words: str
    levels: tuple[float, ...]
    worsen: Callable[[Image, Marks, float, np.random.Generator], Image]

    def at(self, level: float) -> str:
        """A level in words."""
        return self.words.format(f"{level:g}")


KINDS: dict[str, Kind] = {
    "blur": Kind(
        "{} % of the eyes' distance",
        (3, 5, 10, 15),
        lambda image, marks, level, rng: blur(image, level / 100 * marks.apart),
    ),
    "JPEG": Kind("quality {}", (20, 10, 5), lambda image, marks, level, rng: compress(image, int(level))),
    "darkness": Kind(
        "1/{} of the light", (4, 16, 64, 256), lambda image, marks, level, rng: darken(image, np.log2(level), rng)
    ),
    "rotation": Kind(
        "{}°", (15, 30, 45, 60), lambda image, marks, level, rng: turn(image, level, marks.eyes.mean(axis=0))
    ),
    "low resolution": Kind(
        "eyes {} px apart", (16, 12, 8, 6), lambda image, marks, level, rng: shrink(image, level / marks.apart)
    ),
    "eyes covered": Kind(
        "band of {} % of the eyes' distance",
        (25, 50, 75),
        lambda image, marks, level, rng: _band(image, marks, marks.eyes.mean(axis=0), level),
    ),
    "mouth covered": Kind(
        "band of {} % of the eyes' distance",
        (50, 100, 150),
        lambda image, marks, level, rng: _band(image, marks, marks.mouth, level),
    ),
}
"""By name. Blur: the Gaussian's standard deviation. Low resolution: photographs that are coarser stay as they are."""


@dataclass(frozen=True, slots=True)
class Degradation:
    """A kind, of ``KINDS``, at one level. Raises ValueError for a kind that there is none of."""

    kind: str
    level: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no degradation {self.kind!r}; there are {', '.join(KINDS)}")

    def __str__(self) -> str:
        return f"{self.kind}: {KINDS[self.kind].at(self.level)}"

    def of(self, image: Image, marks: Marks) -> Image:
        """A worse photograph; the same one for the same photograph, always."""
        seed = zlib.crc32(np.ascontiguousarray(image).tobytes())
        return KINDS[self.kind].worsen(image, marks, self.level, np.random.default_rng(seed))


def _band(image: Image, marks: Marks, middle: Floats, height: float) -> Image:
    """From temple to temple."""
    return cover(image, middle, marks.eyes[1] - marks.eyes[0], 2.4 * marks.apart, height / 100 * marks.apart)


def _from_linear(light: NDArray[np.float64]) -> Image:
    light = light.clip(0, 1)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return cast(Image, np.round(srgb * 255).astype(np.uint8))


def _linear() -> NDArray[np.float64]:
    """float64 (256,): the light that each value of sRGB stands for, 0 to 1. Source: IEC 61966-2-1."""
    srgb = np.arange(256) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


_TO_LINEAR = _linear()
