"""What every detector is."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from faces.images import Picture
from faces.types import Faces, Floats, Image, LandmarkScheme, ModelId


class Detector(Protocol):
    """Finds the faces of an image; may be called from several threads at once.

    model: for fingerprints. scheme: of the landmarks that it gives, or None.
    """

    model: ModelId
    scheme: LandmarkScheme | None

    def detect(self, image: Image) -> Faces:
        """The faces with a score of at least the detector's confidence, best first; none is ordinary."""
        ...

    def portrait(self, picture: Picture, smallest: float) -> Faces:
        """The face that a photograph is of, or none; px of the whole picture, which is decoded only as finely
        as the detector needs.

        smallest: px; a detector need not look for smaller ones. Raises ImageError for damaged photographs.
        """
        ...

    def predictor_boxes(self, faces: Faces) -> Floats:
        """float32 (N, 4): the boxes as the 5-point predictor knows them, which is dlib's way to frame a face."""
        ...


def scaled(faces: Faces, by: float) -> Faces:
    """The same faces in an image ``by`` times as large."""
    landmarks = None if faces.landmarks is None else faces.landmarks * np.float32(by)
    return Faces(faces.xyxy * np.float32(by), faces.score, landmarks, faces.scheme)
