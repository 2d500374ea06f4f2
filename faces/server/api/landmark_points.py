"""The API's 27 landmarks: those of the face mesh, where it was fetched; else the detected ones, and a mean face's.

The mean face has OpenFace's 68 points (openface/align_dlib.py, Apache-2.0). The affine map that carries its five points
closest to the detected ones places the others. The map is planar, so on turned heads eyes and mouth are approximate.
"Left" is the image's left, as in the API: the subject's right eye.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faces.landmarks import schemes
from faces.landmarks.mesh import Meshes
from faces.types import Faces, Floats, LandmarkScheme

MEAN_FACE: dict[
    str, tuple[float, float]
] = {  # the mean of the numbered ones of 68 points; the nose's sides lie between points
    "pupilLeft": (0.3233, 0.3310),  # 36 to 41
    "pupilRight": (0.7092, 0.3220),  # 42 to 47
    "noseTip": (0.5182, 0.5532),  # 30
    "mouthLeft": (0.3532, 0.7462),  # 48
    "mouthRight": (0.6995, 0.7394),  # 54
    "eyebrowLeftOuter": (0.1638, 0.2492),  # 17
    "eyebrowLeftInner": (0.4393, 0.2331),  # 21
    "eyeLeftOuter": (0.2524, 0.3311),  # 36
    "eyeLeftTop": (0.3272, 0.3028),  # 37, 38
    "eyeLeftBottom": (0.3247, 0.3502),  # 40, 41
    "eyeLeftInner": (0.4037, 0.3387),  # 39
    "eyebrowRightInner": (0.5864, 0.2281),  # 22
    "eyebrowRightOuter": (0.8708, 0.2353),  # 26
    "eyeRightInner": (0.6313, 0.3341),  # 42
    "eyeRightTop": (0.7075, 0.2956),  # 43, 44
    "eyeRightBottom": (0.7127, 0.3428),  # 46, 47
    "eyeRightOuter": (0.7829, 0.3213),  # 45
    "noseRootLeft": (0.4595, 0.3287),  # 27, 39
    "noseRootRight": (0.5733, 0.3264),  # 27, 42
    "noseLeftAlarTop": (0.4546, 0.5530),  # above 31, 32
    "noseRightAlarTop": (0.5865, 0.5510),  # above 34, 35
    "noseLeftAlarOutTip": (0.4337, 0.6041),  # 31
    "noseRightAlarOutTip": (0.6071, 0.6016),  # 35
    "upperLipTop": (0.5227, 0.7171),  # 51
    "upperLipBottom": (0.5234, 0.7489),  # 62
    "underLipTop": (0.5240, 0.7834),  # 66
    "underLipBottom": (0.5254, 0.8417),  # 57
}
NAMES = tuple(MEAN_FACE)
_NOSE_BASE = 0.5207, 0.6343  # 33
_POINTS = np.array(list(MEAN_FACE.values()))

_DETECTED: dict[LandmarkScheme, tuple[str | None, ...]] = {  # None: the base of the nose, which the API does not name
    "eye-corners": ("eyeLeftOuter", "eyeLeftInner", "eyeRightInner", "eyeRightOuter", None),
    "five-points": ("pupilLeft", "pupilRight", "noseTip", "mouthLeft", "mouthRight"),
}


def landmarks(faces: Faces, meshes: Meshes | None = None) -> Floats:
    """Return the API's landmarks of N >= 0 faces: float32 (N, 27, 2), px, in the order of ``NAMES``.

    meshes: of the same faces, which show where the landmarks really are; faces without one get the mean face.
    Raises ValueError for faces without landmarks.
    """
    fitted = _from_mean_face(faces)
    if meshes is None:
        return fitted
    dense = schemes.face_api(meshes)
    return np.where(np.isnan(dense).any(axis=(1, 2), keepdims=True), fitted, dense)


def _from_mean_face(faces: Faces) -> Floats:
    if len(faces) == 0:
        return np.zeros((0, len(NAMES), 2), np.float32)
    if faces.landmarks is None or faces.scheme is None:
        raise ValueError("cannot derive the API's landmarks from faces without landmarks")
    return np.stack([_fit_mean_face(points.astype(np.float64), faces.scheme) for points in faces.landmarks])


def _fit_mean_face(points: NDArray[np.float64], scheme: LandmarkScheme) -> Floats:
    names = _DETECTED[scheme]
    mean = np.array([MEAN_FACE[name] if name else _NOSE_BASE for name in names])
    ones = np.ones((len(mean), 1))
    to_image, *_ = np.linalg.lstsq(np.hstack([mean, ones]), points, rcond=None)
    fitted = np.hstack([_POINTS, np.ones((len(_POINTS), 1))]) @ to_image
    for name, point in zip(names, points, strict=True):
        if name:
            fitted[NAMES.index(name)] = point
    return np.asarray(fitted, np.float32)
