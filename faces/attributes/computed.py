"""Attributes without a model in ``weights/``: head pose, from landmarks, and liveness, by networks in the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from faces.attributes import pose
from faces.attributes.answers import Head
from faces.liveness.pixels import THRESHOLD, PixelLiveness
from faces.types import Faces, Floats, Image

LIVE = Head("live", ("live", "spoof"), threshold=THRESHOLD)


class Computed(Protocol):
    """Computes the answers of an attribute.

    heads: the answers, in order.
    """

    heads: tuple[Head, ...]

    def of(self, image: Image, faces: Faces) -> dict[str, Floats]:
        """Return the answers for N >= 0 faces, as ``Answers`` has them.

        image: uint8 (H, W, 3), BGR.
        faces: as ``Pipeline.detect`` returns them.
        """
        ...


class HeadPose:
    """Computes roll and yaw; raises ValueError for faces without landmarks."""

    def __init__(self, threads: int | None = None) -> None:
        self.heads: tuple[Head, ...] = pose.HEADS

    def of(self, image: Image, faces: Faces) -> dict[str, Floats]:
        """Return the angles; see ``Computed``."""
        columns = pose.head_pose(faces).T
        return {head.name: column[:, None] for head, column in zip(self.heads, columns, strict=True)}


class Liveness:
    """Computes the probabilities of a live face and of a spoof; NaN where it cannot tell.

    threads: within one network.
    Raises ModelError if the networks are missing or damaged.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.heads: tuple[Head, ...] = (LIVE,)
        self._liveness = PixelLiveness.load(threads)

    def of(self, image: Image, faces: Faces) -> dict[str, Floats]:
        """Return the probabilities; see ``Computed``."""
        live = self._liveness.of(image, faces)
        return {LIVE.name: np.stack([live, 1 - live], axis=1)}


COMPUTED: dict[str, Callable[[int | None], Computed]] = {"head_pose": HeadPose, "live": Liveness}
"""What computes each attribute that has no file, by the attribute's name."""
