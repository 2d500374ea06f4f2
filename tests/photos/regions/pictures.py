"""Pictures without people for tests of metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from faces.photos.regions.region import Box, Region

WIDTH, HEIGHT = 80, 60


def picture(path: Path, orientation: int = 1, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """Write a picture with an EXIF orientation; size: as stored."""
    ramp = np.linspace(0, 255, size[0], dtype=np.uint8)[None, :, None]
    image = PillowImage.fromarray(np.broadcast_to(ramp, (size[1], size[0], 3)).copy())
    exif = image.getexif()
    exif[0x0112], exif[0x010F] = orientation, "A camera"
    image.save(path, exif=exif)
    return path


def face(name: str, *box: float) -> Region:
    """Return a face of the library, in the picture as displayed."""
    left, top, right, bottom = box or (0.5, 0.25, 0.75, 0.5)
    return Region(name, (left, top, right, bottom), "the library")


def rounded(box: Box) -> tuple[float, ...]:
    """Return a box without the last digits."""
    return tuple(round(value, 4) for value in box)
