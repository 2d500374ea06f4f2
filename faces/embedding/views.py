"""Views of a face: the mean of what a network says of it mirrored, closer and farther is steadier than of one crop."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from faces.types import Image


@dataclass(frozen=True, slots=True)
class View:
    """One way to see a crop.

    scale: what is seen, as a share of the crop's side; beyond 1 the crop's border goes on. mirror: left is right.
    """

    scale: float = 1.0
    mirror: bool = False

    def of(self, crops: Image) -> Image:
        """uint8 (N, side, side, 3): crops of that shape, seen so; N may be 0."""
        seen = crops if self.scale == 1 else _scaled(crops, self.scale)
        return seen[:, :, ::-1] if self.mirror else seen


@dataclass(frozen=True, slots=True)
class Views:
    """All the ways in which an embedder sees a face. name: in fingerprints; embeddings of two cannot be compared."""

    name: str
    views: tuple[View, ...]


# What each is worth: docs/accuracy.md, "Views" (benchmarks/accuracy_variants.py). Other views need another name.
PLAIN = Views("", (View(),))
MIRRORED = Views("mirrored", (View(), View(mirror=True)))
BEST = Views("best", tuple(View(scale, mirror) for scale in (1.0, 0.9, 1.1) for mirror in (False, True)))


def _scaled(crops: Image, scale: float) -> Image:
    """The middle of each crop, ``scale`` as wide, at the crop's size."""
    side = crops.shape[1]
    edge = (1 - scale) * (side - 1) / 2
    matrix = np.array([[scale, 0, edge], [0, scale, edge]])
    seen = np.empty_like(crops)
    for index, crop in enumerate(crops):
        cv2.warpAffine(
            crop,
            matrix,
            (side, side),
            dst=seen[index],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return seen
