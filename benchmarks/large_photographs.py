"""Photographs of 12 megapixels, made of small ones: people enlarged, on a background as rough as nature's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.files.writing import write_bytes
from faces.images import read_image
from faces.types import Image

WIDTH, HEIGHT = 4000, 3000  # px
QUALITY = 90  # of the JPEG
SIDES = ((2600,), (1800, 1400), (2200, 1100), (1200, 1000, 900, 800))  # px of the people's squares, by turns
GRAIN = 4.0  # levels, standard deviation: a camera's, without which a JPEG decodes too quickly


def make(paths: Sequence[Path], folder: Path) -> list[Path]:
    """A large photograph of each small one's person, in a folder of their name, some with others beside them.

    The face of a portrait takes about half of its square: 400 to 1,300 px.
    """
    rng = np.random.default_rng(0)
    nature, grain = _nature(rng), _grain(rng)
    made = []
    for index, path in enumerate(paths):
        sides = SIDES[index % len(SIDES)]
        image: Image = np.roll(nature, (index * 731, index * 977), (0, 1))
        left = 0
        for other, side in enumerate(sides):
            person = read_image(paths[(index + other) % len(paths)])
            top = int(rng.integers(HEIGHT - side + 1))
            enlarged = cv2.resize(person, (side, side), interpolation=cv2.INTER_CUBIC)
            image[top : top + side, left : left + side] = enlarged
            left += side
        grainy = cv2.add(image, np.roll(grain, (index * 613, index * 859), (0, 1)), dtype=cv2.CV_8U)
        made.append(folder / path.parent.name / f"{index:03}.jpg")
        write_bytes(made[-1], cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())
    return made


def _nature(rng: np.random.Generator) -> Image:
    """Noise whose amplitude falls with frequency, as in photographs of nature (Field, JOSA A, 1987)."""
    height, width = HEIGHT // 2, WIDTH // 2  # it repeats without a seam
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf
    waves = rng.standard_normal(frequency.shape) + 1j * rng.standard_normal(frequency.shape)
    noise = np.fft.irfft2(waves / frequency, (height, width))
    grey = np.clip(128 + 45 * noise / noise.std(), 0, 255).astype(np.uint8)
    return np.tile(grey[:, :, None], (2, 2, 3))


def _grain(rng: np.random.Generator) -> NDArray[np.int8]:
    tile = rng.standard_normal((HEIGHT // 4, WIDTH // 4, 3), np.float32) * GRAIN
    return np.tile(tile.round().astype(np.int8), (4, 4, 1))
