"""Images as face_recognition's users have them, as the BGR arrays of ``faces``."""

from __future__ import annotations

from typing import Any

import numpy as np

from faces import Image


class ImageTypeError(TypeError, RuntimeError):
    """What is no 8-bit image; the original raises RuntimeError for arrays, and TypeError for all else."""


def as_bgr(image: Any, grey: bool = True) -> Image:
    """Return an RGB image, uint8 (H, W, 3), or a grey one (H, W), as BGR (H, W, 3).

    grey: whether a grey image is one.
    Raises ImageTypeError for anything else.
    """
    wanted = "an image, an array of uint8 (height, width, 3), RGB" + (", or (height, width), grey" if grey else "")
    if not isinstance(image, np.ndarray):
        remedy = "; load it with load_image_file" if isinstance(image, (str, bytes)) else ""
        raise ImageTypeError(f"expected {wanted}, not {type(image).__name__}{remedy}")
    if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        return np.ascontiguousarray(image[:, :, ::-1])
    if grey and image.dtype == np.uint8 and image.ndim == 2:
        return np.repeat(image[:, :, None], 3, axis=2)
    raise ImageTypeError(f"expected {wanted}, not an array of {image.dtype} {image.shape}")
