"""Views of a crop: the mean embedding of the crop mirrored, closer and farther is steadier than that of the crop."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faces.types import Image


@dataclass(frozen=True, slots=True)
class View:
    """A variant of a crop.

    scale: side of the visible part, as a share of the crop's; above 1 the border pixels are repeated.
    mirror: whether left and right are exchanged.
    """

    scale: float = 1.0
    mirror: bool = False

    def of(self, crops: Image) -> Image:
        """Return this view of crops: uint8 (N, side, side, 3).

        crops: of the same shape; N may be 0.
        """
        scaled = crops if self.scale == 1 else _scaled(crops, self.scale)
        return scaled[:, :, ::-1] if self.mirror else scaled


@dataclass(frozen=True, slots=True)
class Views:
    """The views that are averaged to an embedding.

    name: in fingerprints; empty for one view. Embeddings made with different views cannot be compared.
    """

    name: str
    views: tuple[View, ...]


# Their accuracy: docs/accuracy.md, "Views" (python -m benchmarks.accuracy_variants). Other views need another name.
PLAIN = Views("", (View(),))
MIRRORED = Views("mirrored", (View(), View(mirror=True)))
BEST = Views("best", tuple(View(scale, mirror) for scale in (1.0, 0.9, 1.1) for mirror in (False, True)))
VIEWS = {views.name or "one": views for views in (PLAIN, MIRRORED, BEST)}


def _scaled(crops: Image, scale: float) -> Image:
    """Return the middle part of each crop, ``scale`` as wide, resized to the crop's size."""
    side = crops.shape[1]
    edge = (1 - scale) * (side - 1) / 2
    matrix = np.array([[scale, 0, edge], [0, scale, edge]])
    scaled = np.empty_like(crops)
    for index, crop in enumerate(crops):
        cv2.warpAffine(
            crop,
            matrix,
            (side, side),
            dst=scaled[index],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return scaled
