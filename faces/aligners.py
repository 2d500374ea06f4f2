"""Alignment: a face, turned and scaled so that its landmarks fall where the embedder expects them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.geometry import similarity, transform
from faces.types import Faces, Image, LandmarkScheme, ModelId

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Template:
    """Where an embedder wants the landmarks: px in its crop, per scheme, and which of the five count.

    side: px; crops are square.
    """

    name: str
    side: int
    points: dict[LandmarkScheme, tuple[list[int], Points]]


def _dlib_chip() -> Template:
    """dlib's get_face_chip_details (dlib/image_transforms/interpolation.h): 150 px, padding 0.25.

    dlib's chip has its middle between pixels 74 and 75 where its points have it at 75: hence the half pixel.
    """
    unit = np.array(
        [
            [0.1205750620789, 0.2137274526848],
            [0.3340850613712, 0.2290642403242],
            [0.6460604764104, 0.2289674387677],
            [0.8595674595992, 0.2134981538014],
            [0.4901123135679, 0.6277975316475],
        ]
    )
    return Template("dlib-chip", 150, {"eye-corners": ([0, 1, 2, 3, 4], (unit + 0.25) / 1.5 * 150 - 0.5)})


def _openface_crop() -> Template:
    """OpenFace's outer eyes and nose (openface/align_dlib.py): points 36, 45 and 33 of 68, min-max scaled, 96 px."""
    low, high = np.array([0.0792396913815, 0.182360984545]), np.array([0.971193274221, 1.06080371126])
    points = np.array(
        [
            [0.252418718401, 0.331052263829],
            [0.782865376271, 0.321305281656],
            [0.520712933176, 0.634268222208],
        ]
    )
    return Template("openface", 96, {"eye-corners": ([0, 3, 4], (points - low) / (high - low) * 96)})


def _arcface_crop() -> Template:
    """ArcFace's five points at 112 px (insightface, face_align.py); SFace uses the same."""
    five = np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
    )
    # dlib's corners and nose base, averaged over the faces of LFW aligned by YuNet's five points
    # (benchmarks/measure_models.py templates).
    corners = np.array([[29.5, 51.7], [45.0, 52.2], [66.9, 52.1], [82.3, 51.3], [56.0, 78.0]])
    every = [0, 1, 2, 3, 4]
    return Template("arcface", 112, {"five-points": (every, five), "eye-corners": (every, corners)})


TEMPLATES = {template.name: template for template in (_dlib_chip(), _openface_crop(), _arcface_crop())}


class Aligner:
    """Cuts faces out of images, by one template."""

    def __init__(self, template: Template) -> None:
        self.template = template
        text = repr([(scheme, used, points.round(4).tolist()) for scheme, (used, points) in template.points.items()])
        self.model = ModelId(template.name, hashlib.sha256(f"{template.side} {text}".encode()).hexdigest())

    def accepts(self, scheme: LandmarkScheme | None) -> bool:
        """Whether landmarks of a scheme serve; None, for faces without any, never does."""
        return scheme in self.template.points

    def crop(self, image: Image, faces: Faces) -> Image:
        """uint8 (N, side, side, 3) BGR; black where a crop leaves the image.

        Raises ValueError for faces without landmarks that the template knows.
        """
        side = self.template.side
        crops: Image = np.zeros((len(faces), side, side, 3), np.uint8)
        if len(faces) == 0:
            return crops
        if faces.landmarks is None or faces.scheme is None or faces.scheme not in self.template.points:
            raise ValueError(f"faces with landmarks {faces.scheme} cannot be aligned to {self.template.name}")
        used, points = self.template.points[faces.scheme]
        for index, landmarks in enumerate(faces.landmarks):
            crops[index] = _cut(image, similarity(points, landmarks[used].astype(np.float64)), side)
        return crops


def _cut(image: Image, to_image: NDArray[np.float64], side: int) -> Image:
    """The square that ``to_image`` (2, 3) carries onto the image.

    As in dlib's extract_image_chips, the image is halved (5 x 5 Gaussian) while the square would still be larger than
    ``side`` in it, then sampled bilinearly: no pixel of a large photograph is skipped.
    """
    corners = transform(to_image, np.array([[0, 0], [side, 0], [0, side], [side, side]], np.float64))
    halvings = max(0, int(np.ceil(np.log2(np.linalg.norm(to_image[:, 0])) - 1e-9) - 1)) if np.any(to_image) else 0
    margin = 4 << halvings
    low = np.clip(np.floor(corners.min(axis=0)).astype(int) - margin, 0, None)
    high = np.ceil(corners.max(axis=0)).astype(int) + margin
    source = image[low[1] : max(high[1], 0), low[0] : max(high[0], 0)]
    if source.size == 0:
        return np.zeros((side, side, 3), np.uint8)
    matrix = to_image.copy()
    matrix[:, 2] -= low
    for _ in range(halvings):
        source = np.asarray(cv2.pyrDown(source), np.uint8)
        matrix /= 2
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(source, matrix, (side, side), flags=flags), np.uint8)
