"""The seven functions of face_recognition: same arguments, defaults, order, types and errors.

A location is a tuple of ints (top, right, bottom, left), px, as dlib has it: the last row and column are inside. An
encoding is float64 (128,). Without its models a call raises ``faces.ModelError``, which names the command that fetches
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _encoding, _finding, _landmarks
from ._images import as_bgr, decoded

Location = tuple[int, int, int, int]
Point = tuple[int, int]
Encoding = NDArray[np.float64]


def load_image_file(file: Any, mode: str = "RGB") -> NDArray[np.uint8]:
    """Load an image file: uint8 (H, W, 3), RGB, as it is stored; EXIF turns nothing.

    file: name or file object. mode: "RGB", "L" (H, W), or another mode of Pillow; None: the file's own.
    Raises OSError for what Pillow cannot open.
    """
    return decoded(file, mode)


def face_locations(img: Any, number_of_times_to_upsample: int = 1, model: str = "hog") -> list[Location]:
    """Find faces, the surest first.

    img: uint8 (H, W, 3), RGB, or (H, W), grey.
    number_of_times_to_upsample: faces are looked for from about 80 px on, halved each time.
    model: "cnn": dlib's MMOD; all else: the built-in detector, with boxes of the shape of dlib's "hog".
    Raises TypeError for what is no such image.
    """
    return _finding.locations(as_bgr(img), number_of_times_to_upsample, model)


def batch_face_locations(
    images: Iterable[Any], number_of_times_to_upsample: int = 1, batch_size: int = 128
) -> list[list[Location]]:
    """Find the faces of several images with "cnn", each as ``face_locations``; ``batch_size`` changes nothing."""
    return [face_locations(image, number_of_times_to_upsample, "cnn") for image in images]


def face_landmarks(
    face_image: Any, face_locations: Iterable[Sequence[int]] | None = None, model: str = "large"
) -> list[dict[str, list[Point]]]:
    """Return the landmarks of each face by part, as points (x, y), px.

    face_locations: the faces; by default all that "hog" finds.
    model: "small": dlib's five points; "large": 68 points of the face mesh.
    Raises ValueError for another model, and TypeError as ``face_locations``.
    """
    if model not in _landmarks.PARTS:
        raise ValueError("Invalid landmarks model type. Supported models are ['small', 'large'].")
    image = as_bgr(face_image)
    return [_landmarks.by_part(points, model) for points in _landmarks.of(image, face_locations, model)]


def face_encodings(
    face_image: Any,
    known_face_locations: Iterable[Sequence[int]] | None = None,
    num_jitters: int = 1,
    model: str = "small",
) -> list[Encoding]:
    """Return an encoding of each face.

    face_image: uint8 (H, W, 3), RGB.
    known_face_locations: the faces; by default all that "hog" finds.
    num_jitters: with more than 1, the mean of so many slightly moved copies of the face.
    model: the landmarks by which faces are aligned, as for ``face_landmarks``; all else than "small" is "large".
    Raises TypeError as ``face_locations``, and for a grey image.
    """
    image = as_bgr(face_image, grey=False)
    points = _landmarks.of(image, known_face_locations, "small" if model == "small" else "large")
    return list(_encoding.encode(image, points, num_jitters))


def face_distance(face_encodings: Any, face_to_compare: Encoding) -> NDArray[np.float64]:
    """Return the Euclidean distance of each encoding (N, 128) to one encoding (128,): float64 (N,)."""
    if len(face_encodings) == 0:
        return np.empty(0)
    distances: NDArray[np.float64] = np.linalg.norm(face_encodings - face_to_compare, axis=1)
    return distances


def compare_faces(known_face_encodings: Any, face_encoding_to_check: Encoding, tolerance: float = 0.6) -> list[bool]:
    """Return for each encoding whether it is no farther than ``tolerance`` from one encoding."""
    return list(face_distance(known_face_encodings, face_encoding_to_check) <= tolerance)
