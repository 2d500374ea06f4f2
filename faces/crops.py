"""Squares that are cut out of images, such as aligned faces, and how sharp they are."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.geometry import transform
from faces.types import Image

LEAST_SHARPNESS = 3.5  # embeddings of blurrier faces vary too much (docs/models.md, "What can be enrolled")
AS_IN_DLIBS_CROP = {112: 0.55}  # by the crop's side: SFace's crops have 6.4 where dlib's have 3.5 (same place)


def cut(image: Image, to_image: NDArray[np.float64], side: int, as_dlib: bool = False) -> Image:
    """Return a square of an image: uint8 (side, side, 3), BGR; black outside of the image.

    As in dlib's extract_image_chips, the image is halved (5 x 5 Gaussian) while the square is still larger than
    ``side`` in it, then sampled bilinearly: no pixel of a large photograph is skipped. A pixel is black if one of the
    four pixels it is sampled from is missing, or one of the 25 that a halved pixel is made of.
    image: uint8 (H, W, 3), BGR.
    to_image: float64 (2, 3), a similarity from the square to the image.
    side: px.
    as_dlib: sample as dlib does, which is off by a fraction of a pixel.
    """
    last, width, halvings = side - 1, side * float(np.linalg.norm(to_image[:, 0])), 0
    matrix = _one_pixel_smaller(to_image, last, width) if as_dlib else to_image.copy()
    while (width + 1) / 2 > side:
        width, halvings = (width + 1) / 2, halvings + 1
    margin = (4 << halvings) - 2
    corners = transform(matrix, np.array([[0, 0], [last, 0], [0, last], [last, last]], np.float64))
    low = np.clip(np.floor(corners.min(axis=0) - margin + 0.5).astype(int), 0, None)
    high = np.floor(corners.max(axis=0) + margin + 1.5).astype(int)
    source = image[low[1] : max(high[1], 0), low[0] : max(high[0], 0)]
    matrix[:, 2] -= low
    for _ in range(halvings):
        if min(source.shape[:2]) < 5:
            break
        smaller = cv2.pyrDown(source)[1 : (source.shape[0] - 1) // 2, 1 : (source.shape[1] - 1) // 2]
        source, matrix = np.asarray(smaller, np.uint8), matrix / 2
        matrix[:, 2] -= (1.25, 0.75) if as_dlib else 1  # 1 is exact; dlib's networks were trained with the others
    if source.size == 0:
        return np.zeros((side, side, 3), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = np.asarray(cv2.warpAffine(source, matrix, (side, side), flags=flags), np.uint8)
    if (corners.min(axis=0) < margin).any() or (corners.max(axis=0) + margin >= image.shape[1::-1]).any():
        inside = cv2.warpAffine(np.full(source.shape[:2], 255, np.uint8), matrix, (side, side), flags=flags)
        crop[inside < 255] = 0
    return crop


def _one_pixel_smaller(to_image: NDArray[np.float64], last: int, width: float) -> NDArray[np.float64]:
    """Return the same square with a side of ``width`` - 1 px in the image, about its centre: dlib's centered_drect."""
    matrix: NDArray[np.float64] = to_image.copy()
    matrix[:, :2] *= max(width - 1, 0) / max(width * last / (last + 1), 1e-9)
    middle = np.array([last / 2, last / 2])
    matrix[:, 2] += transform(to_image, middle) - transform(matrix, middle)
    return matrix


def sharpness(crop: Image) -> float:
    """Return the sharpness of an aligned crop, as that of dlib's crop of the same face.

    It is the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000), which is larger in a smaller crop.
    """
    variance = float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_32F).var(dtype=np.float64))
    return variance * AS_IN_DLIBS_CROP.get(len(crop), 1.0)
