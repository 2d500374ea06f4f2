"""The interface of all detectors."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from faces.images import Picture
from faces.types import Faces, Floats, Image, LandmarkScheme, ModelId


class Detector(Protocol):
    """Finds the faces in an image; may be called from several threads at once.

    model: name and digest, for fingerprints.
    scheme: of the landmarks that it returns, or None.
    upright_score: score from which a face is surely upright; below it a photograph is turned. None: it never is.
    """

    model: ModelId
    scheme: LandmarkScheme | None
    upright_score: float | None

    def detect(self, image: Image) -> Faces:
        """Return the faces whose score is at least the detector's confidence, best first; N may be 0."""
        ...

    def portrait(self, picture: Picture, smallest: float) -> Faces:
        """Return the main face of a photograph, or none, in px of the whole picture, and then the faces about as large.

        A detector that stops at the first face it finds returns that alone.

        The picture is decoded only as finely as the detector needs.
        picture: the photograph.
        smallest: px; smaller faces need not be found.
        Raises ImageError for damaged photographs.
        """
        ...

    def least_face(self, height: int, width: int) -> float:
        """Return the size from which nearly all faces of an image are found, in its px; 0 if it was not measured."""
        ...

    def refine(self, image: Image, faces: Faces) -> Faces:
        """Return the same faces, with landmarks found again in a closer look at each where this detector can.

        image: uint8 (H, W, 3), BGR.
        faces: as ``detect`` or ``portrait`` returns them, in px of the image.
        """
        ...

    def predictor_boxes(self, faces: Faces) -> Floats:
        """Return boxes framed as dlib frames a face, for the 5-point predictor: float32 (N, 4).

        faces: as ``detect`` returns them.
        """
        ...


def scaled(faces: Faces, factor: float) -> Faces:
    """Return the same faces in an image that is ``factor`` times as large."""
    landmarks = None if faces.landmarks is None else faces.landmarks * np.float32(factor)
    return Faces(faces.xyxy * np.float32(factor), faces.score, landmarks, faces.scheme)
