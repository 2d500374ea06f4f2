"""Pictures of two kinds that are easily told apart, for tests of classifiers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from faces.types import Image


def drawn(kind: str, number: int) -> Image:
    """A bright disc or a bright frame, 40 x 30 px, on noise."""
    random = np.random.default_rng([number, len(kind)])
    image = random.integers(0, 90, (30, 40, 3)).astype(np.uint8)
    colour = tuple(int(value) for value in random.integers(170, 255, 3))
    x, y = (int(value) for value in random.integers(-4, 5, 2))
    if kind == "discs":
        cv2.circle(image, (20 + x, 15 + y), 8, colour, -1)
    else:
        cv2.rectangle(image, (10 + x, 5 + y), (30 + x, 25 + y), colour, 2)
    return image


def draw(folder: Path, number: int, kinds: tuple[str, ...] = ("discs", "frames")) -> Path:
    """A folder with a folder of so many pictures of each kind."""
    for kind in kinds:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for index in range(number):
            cv2.imwrite(str(folder / kind / f"{index:02}.png"), drawn(kind, index))
    return folder
