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
    as_dlib: return dlib's own crop, value by value: off by a fraction of a pixel, with fractions of values cut off.
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
        source, matrix = _halved(source, as_dlib), matrix / 2
        matrix[:, 2] -= (1.25, 0.75) if as_dlib else 1  # 1 is exact; dlib's networks were trained with the others
    if source.size == 0:
        return np.zeros((side, side, 3), np.uint8)
    if as_dlib:
        return _sampled_as_dlib(source, matrix, side)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = np.asarray(cv2.warpAffine(source, matrix, (side, side), flags=flags), np.uint8)
    if (corners.min(axis=0) < margin).any() or (corners.max(axis=0) + margin >= image.shape[1::-1]).any():
        inside = cv2.warpAffine(np.full(source.shape[:2], 255, np.uint8), matrix, (side, side), flags=flags)
        crop[inside < 255] = 0
    return crop


def _halved(image: Image, cut_off: bool) -> Image:
    """Return half the image, without its border; each value is rounded, or its fraction is cut off."""
    smaller = np.floor(cv2.pyrDown(image.astype(np.float32))) if cut_off else cv2.pyrDown(image)
    return np.asarray(smaller[1 : (image.shape[0] - 1) // 2, 1 : (image.shape[1] - 1) // 2], np.uint8)


def _sampled_as_dlib(image: Image, matrix: NDArray[np.float64], side: int) -> Image:
    """Sample a square of an image as dlib's interpolate_bilinear; OpenCV rounds places to 1/32 px, and values.

    image: uint8 (H, W, 3). matrix: float64 (2, 3), from the square to the image. side: px.
    """
    height, width = image.shape[:2]
    if min(height, width) < 2:
        return np.zeros((side, side, 3), np.uint8)
    columns = np.arange(side, dtype=np.float64)
    x, y = (row[0] * columns + (row[1] * columns + row[2])[:, None] + 1e-9 for row in matrix)  # 5 - 1e-15 is 5
    left, top = x.astype(np.int32), y.astype(np.int32)
    inside = (x >= 0) & (y >= 0) & (left < width - 1) & (top < height - 1)
    first = np.where(inside, top * width + left, 0)
    across, down = ((place - low).astype(np.float32)[..., None] for place, low in ((x, left), (y, top)))
    pixels = image.reshape(-1, 3)
    corners = [pixels.take(first + step, axis=0).astype(np.float32) for step in (0, 1, width, width + 1)]
    above, below = (one + across * (other - one) for one, other in (corners[:2], corners[2:]))
    crop: Image = (above + down * (below - above)).astype(np.uint8)
    crop[~inside] = 0
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
