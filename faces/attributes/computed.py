"""Attributes without a model in ``weights/``: the head's pose from landmarks, and what networks in the cache answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from faces.attributes import pose
from faces.attributes.answers import Head
from faces.attributes.registry import FOLDER
from faces.landmarks.mesh import FaceMesh
from faces.landmarks.pose import head_pose as dense_pose
from faces.liveness.pixels import THRESHOLD, PixelLiveness
from faces.liveness.trained import FILE, TrainedLiveness
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
    """Computes roll and yaw from five landmarks; all three angles from the face mesh, where it was fetched.

    threads: within the mesh's network.
    Raises ValueError for faces without landmarks.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._mesh = FaceMesh.load_if_fetched(threads)
        self.heads: tuple[Head, ...] = pose.HEADS if self._mesh is None else (*pose.HEADS, pose.PITCH)

    def of(self, image: Image, faces: Faces) -> dict[str, Floats]:
        """Return the angles; see ``Computed``. Of a face without a mesh, roll and yaw are from its five landmarks."""
        angles = pose.head_pose(faces)
        if self._mesh is not None:
            dense = dense_pose(self._mesh.of(image, faces))
            no_mesh = np.isnan(dense).any(axis=1)
            dense[no_mesh, : len(pose.HEADS)] = angles[no_mesh]
            angles = dense
        return {head.name: column[:, None] for head, column in zip(self.heads, angles.T, strict=True)}


class Liveness:
    """Computes the probabilities of a live face and of a spoof; NaN where it cannot tell.

    A network of ``faces train-classifier --liveness`` in ``weights/`` answers, else Silent-Face's two.

    threads: within one network.
    Raises ModelError if the networks are missing or damaged.
    """

    def __init__(self, threads: int | None = None) -> None:
        own = FOLDER / FILE
        self._liveness = TrainedLiveness(own, threads) if own.is_file() else PixelLiveness.load(threads)
        self.heads: tuple[Head, ...] = (replace(LIVE, threshold=self._liveness.threshold),)

    def of(self, image: Image, faces: Faces) -> dict[str, Floats]:
        """Return the probabilities; see ``Computed``."""
        live = self._liveness.of(image, faces)
        return {LIVE.name: np.stack([live, 1 - live], axis=1)}


COMPUTED: dict[str, Callable[[int | None], Computed]] = {"head_pose": HeadPose, "live": Liveness}
"""What computes each attribute that has no file, by the attribute's name."""
