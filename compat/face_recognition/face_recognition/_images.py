"""Images as face_recognition's users have them, as the BGR arrays of ``faces``."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces import Image

_cut_off = Lock()  # held while Pillow reads files that were cut off, which ``faces`` refuses


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


def decoded(file: Any, mode: str | None) -> NDArray[np.uint8]:
    """Return the pixels of a file; one that was cut off is read as far as it goes, as in the original."""
    from PIL import Image, ImageFile

    def decode() -> NDArray[np.uint8]:
        with Image.open(file) as image:
            return np.array(image.convert(mode) if mode else image)

    try:
        return decode()
    except OSError as error:
        if "truncated" not in str(error):
            raise
    with _cut_off:
        if hasattr(file, "seek"):
            file.seek(0)
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            return decode()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
