"""How well a face can be seen: measured on the crop that recognition sees, never guessed.

The levels' bounds are the API's own (learn.microsoft.com, "Face detection, attributes and input data").
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faces.pipeline import LEAST_SHARPNESS, sharpness
from faces.types import Image

SMALLEST, SMALL = 36.0, 60.0  # px, of a face: less is of low, and of medium quality
TURNED, FAR_TURNED = 35.0, 60.0  # degrees of yaw: more is of medium, and of low quality
STRONG_NOISE = 20.0  # grey levels, the standard deviation that is as noisy as it gets


@dataclass(frozen=True, slots=True)
class Quality:
    """blur, exposure, noise: in [0, 1]. recognition: Low, Medium or High."""

    blur: float
    exposure: float
    noise: float
    recognition: str

    @property
    def blur_level(self) -> str:
        return "low" if self.blur < 0.25 else "medium" if self.blur < 0.75 else "high"

    @property
    def exposure_level(self) -> str:
        if self.exposure < 0.25:
            return "underExposure"
        return "goodExposure" if self.exposure < 0.75 else "overExposure"

    @property
    def noise_level(self) -> str:
        return "low" if self.noise < 0.3 else "medium" if self.noise < 0.7 else "high"


def measure(crop: Image, size: float, yaw: float) -> Quality:
    """Of an aligned crop (side, side, 3). size: px, of the face in its photograph. yaw: degrees.

    blur is 0.75, the least that is "high", where the sharpness is the least with which a face may be enrolled, and
    falls as that rises; exposure is the mean brightness; noise is Immerkaer's estimate (CVIU 64(2), 1996).
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    least = 3 * LEAST_SHARPNESS
    blur = least / (least + sharpness(crop))
    exposure = float(grey.mean()) / 255
    noise = min(_noise(np.asarray(grey, np.uint8)) / STRONG_NOISE, 1.0)
    if size < SMALLEST or blur >= 0.75 or abs(yaw) > FAR_TURNED or not 0.1 < exposure < 0.9:
        recognition = "Low"
    elif size < SMALL or blur >= 0.25 or abs(yaw) > TURNED or not 0.2 < exposure < 0.8:
        recognition = "Medium"
    else:
        recognition = "High"
    return Quality(blur, exposure, noise, recognition)


def _noise(grey: Image) -> float:
    """The standard deviation of a picture's noise, in grey levels: what is left of it by a mask that knows no edges."""
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    left = cv2.filter2D(grey.astype(np.float32), -1, mask)[1:-1, 1:-1]
    return float(np.abs(left).mean() * np.sqrt(np.pi / 2) / 6)
