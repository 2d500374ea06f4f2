"""Image quality of a face, measured on the crop that recognition uses.

The bounds of the levels are the API's own (learn.microsoft.com, "Face detection, attributes and input data").
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faces.crops import LEAST_SHARPNESS, sharpness
from faces.types import Image

# Bounds of the quality for recognition: low beyond the first, medium beyond the second. Measured, on photographs with
# even numbers: python -m benchmarks.quality --chosen. No photograph there is turned by 60 degrees.
SMALLEST = 20.0, 24.0  # px
MOST_BLUR = 0.75, 0.7
LEAST_EXPOSURE, MOST_EXPOSURE = (0.05, 0.1), (0.8, 0.7)
MOST_YAW = 60.0, 35.0  # degrees
MAX_NOISE = 20.0  # grey levels: the standard deviation that counts as noise 1


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of a face.

    blur: [0, 1], 0 is sharp.
    exposure: [0, 1], 0 is dark.
    noise: [0, 1].
    recognition: low, medium or high: the quality for recognition.
    """

    blur: float
    exposure: float
    noise: float
    recognition: str

    @property
    def blur_level(self) -> str:
        """The API's word for the blur."""
        return "low" if self.blur < 0.25 else "medium" if self.blur < 0.75 else "high"

    @property
    def exposure_level(self) -> str:
        """The API's word for the exposure."""
        if self.exposure < 0.25:
            return "underExposure"
        return "goodExposure" if self.exposure < 0.75 else "overExposure"

    @property
    def noise_level(self) -> str:
        """The API's word for the noise."""
        return "low" if self.noise < 0.3 else "medium" if self.noise < 0.7 else "high"


def measure(crop: Image, size: float, yaw: float, covered: bool = False) -> Quality:
    """Measure the quality of a face.

    crop: uint8 (side, side, 3), BGR, the aligned face.
    size: px, of the face in its photograph.
    yaw: degrees.
    covered: whether something hides a part of the face, which is at most of medium quality then.

    The blur is 0.75, where "high" begins, at the minimum sharpness for enrolment, and falls as sharpness rises.
    The exposure is the mean brightness. The noise is Immerkaer's estimate (CVIU 64(2), 1996).
    """
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    scale = 3 * LEAST_SHARPNESS
    blur = scale / (scale + sharpness(crop))
    exposure = float(grey.mean()) / 255
    noise = min(_noise(np.asarray(grey, np.uint8)) / MAX_NOISE, 1.0)
    return Quality(blur, exposure, noise, _recognition(size, blur, exposure, yaw, covered))


def _recognition(size: float, blur: float, exposure: float, yaw: float, covered: bool) -> str:
    """Return low, medium or high."""
    low, medium = (
        size < SMALLEST[k]
        or blur >= MOST_BLUR[k]
        or not LEAST_EXPOSURE[k] <= exposure < MOST_EXPOSURE[k]
        or abs(yaw) > MOST_YAW[k]
        for k in range(2)
    )
    return "low" if low else "medium" if medium or covered else "high"


def _noise(grey: Image) -> float:
    """Estimate the standard deviation of the noise, in grey levels, with a mask that suppresses edges."""
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    residual = cv2.filter2D(grey.astype(np.float32), -1, mask)[1:-1, 1:-1]
    return float(np.abs(residual).mean() * np.sqrt(np.pi / 2) / 6)
