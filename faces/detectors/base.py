"""What every detector is."""

from __future__ import annotations

from typing import Protocol

from faces.types import Faces, Floats, Image, LandmarkScheme, ModelId


class Detector(Protocol):
    """Finds the faces of an image; may be called from several threads at once.

    model: for fingerprints. scheme: of the landmarks that it gives, or None.
    """

    model: ModelId
    scheme: LandmarkScheme | None

    def detect(self, image: Image, min_face: float | None = None) -> Faces:
        """The faces with a score of at least the detector's confidence, best first; none is ordinary.

        min_face: px; a detector may be quicker where smaller faces are not wanted, and then miss them.
        """
        ...

    def predictor_boxes(self, faces: Faces) -> Floats:
        """float32 (N, 4): the boxes as the 5-point predictor knows them, which is dlib's way to frame a face."""
        ...
