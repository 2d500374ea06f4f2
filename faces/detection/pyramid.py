"""dlib's image pyramid: ever smaller copies of an image, tiled into one picture.

dlib/image_transforms/image_pyramid.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faces.models import zoo
from faces.types import Floats, Image

PADDING, OUTER_PADDING = 10, 11  # px between the levels in the tiled picture, and around them
SHRINK = 5 / 6  # dlib's pyramid_down<6>
LEAST_HEIGHT = 5  # px, of a level


@dataclass(frozen=True, slots=True)
class Level:
    """A pyramid level: its size and its place in the tiled picture, px."""

    width: int
    height: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Pyramid:
    """An image and its levels, the largest first, tiled into one picture.

    width, height: of the image, px.
    lowest: the image at the scale of the first level.
    """

    width: int
    height: int
    lowest: Image
    levels: list[Level]
    tiled: Image

    @classmethod
    def build(cls, image: Image, scale: float) -> Pyramid:
        """Return the pyramid of an image.

        image: uint8 (H, W, 3), BGR.
        scale: of the first level; within 1 % of 1 the image is not resized.
        """
        height, width = image.shape[:2]
        if abs(scale - 1) > 0.01:
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            size = round(width * scale), round(height * scale)
            image = np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
        levels = tiling(image.shape[1], image.shape[0])
        return cls(width, height, image, levels, tiled(image, levels))

    def boxes(self, centres: Floats, size: int) -> Floats:
        """Return boxes in the image: float32 (N, 4).

        Each centre belongs to the level nearest to it.
        centres: float32 (N, 2), px in the tiled picture.
        size: of the boxes in the tiled picture, px.
        """
        low = np.array([[level.x, level.y] for level in self.levels], np.float32)
        high = low + np.array([[level.width - 1, level.height - 1] for level in self.levels], np.float32)
        outside = np.maximum(low - centres[:, None], 0) + np.maximum(centres[:, None] - high, 0)
        depth = (outside**2).sum(axis=2).argmin(axis=1)
        half = (size - 1) / 2
        corners = np.concatenate([centres - half, centres + half], axis=1) - np.tile(low[depth], 2)
        growth = (1 / SHRINK) ** depth[:, None]
        corners = corners * growth + 0.3 * (growth - 1) / (1 / SHRINK - 1)  # point_up, x / (5/6) + 0.3, depth times
        # dlib's rectangles are of whole pixels, halves rounded away from zero, and include their last row and column.
        whole = np.trunc(corners + np.copysign(0.5, corners)) + np.array([0, 0, 1, 1])
        back = np.array([self.width / self.lowest.shape[1], self.height / self.lowest.shape[0]] * 2, np.float32)
        return np.asarray(whole.astype(np.float32) * back, np.float32)

    def place(self, x: float, y: float, level: int) -> tuple[float, float]:
        """Return the place in the tiled picture, at a level, of a place (px) in the first level."""
        return self.levels[level].x + x * SHRINK**level, self.levels[level].y + y * SHRINK**level


def tiling(width: int, height: int) -> list[Level]:
    """Return the levels of an image, laid out as dlib's compute_tiled_image_pyramid_details does.

    They go down the left side until the next level fits beside the previous one, then up the right side.
    width, height: of the first level, px.
    """
    sizes = [(width, height)]
    while (narrower := int(sizes[-1][0] * SHRINK)) > 0 and (lower := int(sizes[-1][1] * SHRINK)) >= LEAST_HEIGHT:
        sizes.append((narrower, lower))
    total = sum(h + PADDING for _, h in sizes) - 2 * PADDING
    levels: list[Level] = []
    y, before = 0, 0
    for w, h in sizes:
        if w <= width - before - PADDING and (y - height) * 2 >= total - height:
            break
        levels.append(Level(w, h, OUTER_PADDING, OUTER_PADDING + y))
        y, before = y + h + PADDING, w
    bottom = y - PADDING + OUTER_PADDING
    for w, h in sizes[len(levels) :]:
        x = OUTER_PADDING + width - w
        if bottom - h < OUTER_PADDING + height:
            break
        levels.append(Level(w, h, x, bottom - h))
        bottom -= h + PADDING
    return levels


def tiled(image: Image, levels: list[Level]) -> Image:
    """Return all levels in one picture, on a background of the mean colour.

    The network sees 189 px around a cell, more than its window. So what is beside a level matters, and only dlib's own
    layout gives dlib's own faces.
    image: the first level, uint8 (H, W, 3), BGR.
    levels: as ``tiling`` returns them.
    """
    height = max(level.y + level.height for level in levels) + OUTER_PADDING
    row = np.full((1, image.shape[1] + 2 * OUTER_PADDING, 3), np.round(zoo.DLIB_MEAN[::-1]), np.uint8)
    picture: Image = np.repeat(row, height, axis=0)
    source = image
    for level in levels:
        if level is not levels[0]:
            # Corner pixels stay corner pixels, as in dlib's resize_bilinear.
            across = (source.shape[1] - 1) / max(level.width - 1, 1)
            along = (source.shape[0] - 1) / max(level.height - 1, 1)
            to_source = np.array([[across, 0, 0], [0, along, 0]])
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            wh = level.width, level.height
            warped = cv2.warpAffine(source, to_source, wh, flags=flags, borderMode=cv2.BORDER_REPLICATE)
            source = np.asarray(warped, np.uint8)
        picture[level.y : level.y + level.height, level.x : level.x + level.width] = source
    return picture
