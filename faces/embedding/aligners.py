"""Alignment: a face is rotated, scaled and cropped so that its landmarks are where the embedder expects them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.crops import cut
from faces.geometry import similarity
from faces.types import Faces, Image, LandmarkScheme, ModelId

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Template:
    """Where a network expects the landmarks in its crop.

    side: of the square crop, px.
    points: by landmark scheme, the indices of the landmarks that are used, and float64 (P, 2), their places, px.
    as_dlib: sample as dlib does, which is off by a fraction of a pixel.
    """

    name: str
    side: int
    points: dict[LandmarkScheme, tuple[list[int], Points]]
    as_dlib: bool = False


# dlib's mean face in a square of side 1 (get_face_chip_details, dlib/image_transforms/interpolation.h)
DLIB_MEAN_FACE = np.array(
    [
        [0.1205750620789, 0.2137274526848],
        [0.3340850613712, 0.2290642403242],
        [0.6460604764104, 0.2289674387677],
        [0.8595674595992, 0.2134981538014],
        [0.4901123135679, 0.6277975316475],
    ]
)


def mean_face(padding: float, side: int) -> Points:
    """Return dlib's mean face in a crop: float64 (5, 2), px.

    The half pixel that is subtracted: the crop's centre is between two pixels, that of dlib's points on the second.
    padding: on each side, as a share of the face's side.
    side: of the crop, px.
    """
    return np.asarray((DLIB_MEAN_FACE + padding) / (1 + 2 * padding) * side - 0.5)


def _dlib_chip() -> Template:
    """Return the template of dlib's embedder: 150 px, padding 0.25."""
    return Template("dlib-chip", 150, {"eye-corners": ([0, 1, 2, 3, 4], mean_face(0.25, 150))}, as_dlib=True)


def _openface_crop() -> Template:
    """Return the template of OpenFace: outer eye corners and nose, 96 px.

    openface/align_dlib.py: points 36, 45 and 33 of 68, min-max scaled.
    """
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
    """Return the template of ArcFace and SFace: five points, 112 px (insightface, face_align.py)."""
    five = np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
    )
    # dlib's eye corners and nose base, averaged over the faces of LFW that were aligned by YuNet's five points
    # (python -m benchmarks.measure_models templates).
    corners = np.array([[30.5, 53.8], [44.4, 54.0], [65.5, 53.8], [79.3, 53.2], [55.4, 80.6]])
    every = [0, 1, 2, 3, 4]
    return Template("arcface", 112, {"five-points": (every, five), "eye-corners": (every, corners)})


def _attributes_crop() -> Template:
    """Return the template of the attribute models: from the brows to the chin, 112 px, padding 0.2."""
    # YuNet's points, averaged over the faces of LFW that were aligned by dlib's five (same command).
    five = np.array([[33.6, 31.6], [78.0, 32.3], [55.7, 57.6], [36.8, 76.9], [74.6, 77.3]])
    every = [0, 1, 2, 3, 4]
    return Template("attributes", 112, {"eye-corners": (every, mean_face(0.2, 112)), "five-points": (every, five)})


def _head_crop() -> Template:
    """Return the template of the models that look at hair and hats: the whole head, 112 px, padding 0.6."""
    every, five = _attributes_crop().points["five-points"]
    unit = (five + 0.5) / 112 * (1 + 2 * 0.2) - 0.2
    points = (unit + 0.6) / (1 + 2 * 0.6) * 112 - 0.5
    return Template("head", 112, {"eye-corners": (every, mean_face(0.6, 112)), "five-points": (every, points)})


TEMPLATES = {
    template.name: template
    for template in (_dlib_chip(), _openface_crop(), _arcface_crop(), _attributes_crop(), _head_crop())
}


class Aligner:
    """Cuts aligned crops of faces out of images.

    model: the template's name and digest, for fingerprints.
    """

    def __init__(self, template: Template) -> None:
        self.template = template
        text = repr([(scheme, used, points.round(4).tolist()) for scheme, (used, points) in template.points.items()])
        self.model = ModelId(template.name, hashlib.sha256(f"{template.side} {text}".encode()).hexdigest())

    def accepts(self, scheme: LandmarkScheme | None) -> bool:
        """Return whether the template has points for a landmark scheme; False for None."""
        return scheme in self.template.points

    def crop(self, image: Image, faces: Faces) -> Image:
        """Return one crop for each face: uint8 (N, side, side, 3), BGR; black outside of the image.

        image: uint8 (H, W, 3), BGR.
        faces: N >= 0 faces with landmarks.
        Raises ValueError if the template has no points for the faces' landmark scheme.
        """
        side = self.template.side
        crops: Image = np.zeros((len(faces), side, side, 3), np.uint8)
        if len(faces) == 0:
            return crops
        if faces.landmarks is None or faces.scheme is None or faces.scheme not in self.template.points:
            raise ValueError(f"faces with landmarks {faces.scheme} cannot be aligned to {self.template.name}")
        used, points = self.template.points[faces.scheme]
        for index, landmarks in enumerate(faces.landmarks):
            to_image = similarity(points, landmarks[used].astype(np.float64))
            crops[index] = cut(image, to_image, side, self.template.as_dlib)
        return crops


def aligned_by(aligner: ModelId, points: ModelId) -> ModelId:
    """Return the aligner of a fingerprint whose landmarks are a predictor's: name and digest of both."""
    both = hashlib.sha256((aligner.sha256 + points.sha256).encode()).hexdigest()
    return ModelId(f"{aligner.name} by {points.name}", both)
