"""MediaPipe's face mesh: 468 points of a face, in three dimensions.

As MediaPipe does, the network sees a square about the face, turned so that the eyes are level. Boxes differ from
detector to detector, and the points with them; so it looks again, at 1.5 times the box of the points that it found,
which is MediaPipe's crop for the next frame of a video. YuNet's boxes are taller than those of MediaPipe's detector, so
that the first crop is 1.4 times the box, not 1.5: fewer faces go astray (tests/landmarks/test_against_dlib.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.crops import cut
from faces.models import zoo
from faces.models.conversion import converted
from faces.models.engine import Engine, OnnxEngine
from faces.models.packages import place
from faces.types import Faces, Floats, Image, LandmarkScheme

SPEC = zoo.MODELS["mediapipe-mesh"]
POINTS, SIDE = 468, 192  # SIDE: of the crop, px
FIRST, AGAIN = 1.4, 1.5  # side of the crop, as a multiple of the longer side of the face's box, of the points' box
RIGHT_EYE, LEFT_EYE = 33, 263  # the outer corners, in the mesh
LEAST_PRESENCE = 0.5  # of MediaPipe's graph; below, there is no telling where the points are
BATCH_FACES = 16  # crops in one call: more take memory and are no faster
EYES: dict[LandmarkScheme, tuple[list[int], list[int]]] = {  # landmarks whose mean is the right eye, the left eye
    "five-points": ([0], [1]),
    "eye-corners": ([0, 1], [2, 3]),
}
Matrices = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Meshes:
    """The meshes of the N >= 0 faces of an image.

    points: float32 (N, 468, 3), in MediaPipe's order. x and y are px of the image; z is in the same scale, from a plane
    through the head, and smaller nearer to the camera. NaN where ``presence`` is below ``LEAST_PRESENCE``: profiles,
    halves of faces and what is no face.
    presence: float32 (N,), the probability that the crop shows a face as a whole; does not tell animals from people.
    """

    points: Floats
    presence: Floats

    def __len__(self) -> int:
        return len(self.points)


class FaceMesh:
    """Finds the mesh of faces; may be called from several threads at once.

    engine: the network.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def load(cls, threads: int | None = None) -> FaceMesh:
        """Load the network that ``faces download-models mesh`` fetched.

        threads: within one call, by default the number of cores.
        Raises ModelError if it was not fetched, with the command that fetches it, and UsageError if it has yet to be
        converted and the extra ``mesh`` is not installed.
        """
        return cls(OnnxEngine(converted(SPEC), threads))

    @classmethod
    def load_if_fetched(cls, threads: int | None = None) -> FaceMesh | None:
        """Load the network, or return None if it was not fetched; one that is loaded already is shared.

        Raises as ``load`` does if its file is damaged.
        """
        original = place(SPEC.files[0])
        return _shared(original, threads) if original.is_file() else None

    def of(self, image: Image, faces: Faces) -> Meshes:
        """Return the meshes of N >= 0 faces of an image.

        image: uint8 (H, W, 3), BGR.
        faces: as ``Pipeline.detect`` returns them; those without landmarks should be upright.
        """
        points, presence = self.look(image, around_boxes(faces))
        again = presence >= LEAST_PRESENCE
        points[again], presence[again] = self.look(image, around_points(points[again]))
        points[~(presence >= LEAST_PRESENCE)] = np.nan
        return Meshes(points, presence)

    def look(self, image: Image, to_image: Matrices) -> tuple[Floats, Floats]:
        """Return what the network sees in N crops: points (N, 468, 3), px of the image, and presence (N,).

        Both are 0 where an answer is not finite.
        image, to_image: as for ``cut_crops``.
        """
        points: Floats = np.zeros((len(to_image), POINTS, 3), np.float32)
        presence: Floats = np.zeros(len(to_image), np.float32)
        for start in range(0, len(to_image), BATCH_FACES):
            batch = slice(start, start + BATCH_FACES)
            found, logits = self._engine.run(blob(cut_crops(image, to_image[batch])))
            presence[batch] = 1 / (1 + np.exp(-np.clip(logits.reshape(-1).astype(np.float64), -50, 50)))
            points[batch] = found.reshape(-1, POINTS, 3)
        unusable = ~(np.isfinite(points).all(axis=(1, 2)) & np.isfinite(presence))
        points[unusable], presence[unusable] = 0, 0
        return _placed(points, to_image), presence


@lru_cache(maxsize=4)
def _shared(original: Path, threads: int | None) -> FaceMesh:
    """Return the network of a file; the path tells caches apart."""
    return FaceMesh.load(threads)


def around_boxes(faces: Faces) -> Matrices:
    """Return the crops about the boxes of N >= 0 faces: float64 (N, 2, 3), from the crop's px to the image's."""
    boxes = faces.xyxy.astype(np.float64)
    if faces.landmarks is None or faces.scheme is None:
        roll = np.zeros(len(faces))
    else:
        right, left = (faces.landmarks[:, eye].mean(axis=1) for eye in EYES[faces.scheme])
        roll = np.arctan2(*(left - right).T[::-1])
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    return _squares((boxes[:, :2] + boxes[:, 2:]) / 2, FIRST * sides, roll)


def around_points(points: Floats) -> Matrices:
    """Return the crops about meshes (N, 468, 3), px of the image, as ``around_boxes`` does."""
    flat = points[:, :, 0].astype(np.float64) + 1j * points[:, :, 1]
    roll = np.angle(flat[:, LEFT_EYE] - flat[:, RIGHT_EYE])
    level = flat * np.exp(-1j * roll)[:, None]
    sides = np.stack([level.real, level.imag], axis=1)  # (N, 2, 468)
    low, high = sides.min(axis=2), sides.max(axis=2)
    centre = ((low + high) / 2 @ np.array([1, 1j])) * np.exp(1j * roll)
    return _squares(np.stack([centre.real, centre.imag], axis=1), AGAIN * (high - low).max(axis=1, initial=0), roll)


def cut_crops(image: Image, to_image: Matrices) -> Image:
    """Return the crops: uint8 (N, 192, 192, 3), BGR, black outside of the image."""
    return np.stack([cut(image, matrix, SIDE) for matrix in to_image])


def blob(crops: Image) -> Floats:
    """Return the network's input for crops: float32 (N, 3, 192, 192), RGB, 0 to 1."""
    rgb = crops[..., ::-1].transpose(0, 3, 1, 2)
    return np.asarray(np.ascontiguousarray(rgb, np.float32) * np.float32(SPEC.scale))


def _squares(centre: NDArray[np.float64], side: NDArray[np.float64], roll: NDArray[np.float64]) -> Matrices:
    """Return crops: (N, 2, 3); centre: (N, 2), px; side: (N,), px; roll: (N,), radians."""
    turn = np.maximum(side, 1e-3) / SIDE * np.exp(1j * roll)
    turned = np.stack([turn.real, -turn.imag, turn.imag, turn.real], axis=1).reshape(-1, 2, 2)
    shift = centre - turned @ np.array([SIDE / 2, SIDE / 2])
    return np.concatenate([turned, shift[:, :, None]], axis=2)


def _placed(points: Floats, to_image: Matrices) -> Floats:
    """Return points (N, 468, 3) of crops in px of the image."""
    flat = np.einsum("nij,npj->npi", to_image[:, :, :2], points[:, :, :2]) + to_image[:, None, :, 2]
    depth = points[:, :, 2:] * np.linalg.norm(to_image[:, :, 0], axis=1)[:, None, None]
    return np.concatenate([flat, depth], axis=2).astype(np.float32)
