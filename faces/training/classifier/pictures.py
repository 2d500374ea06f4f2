"""Read the pictures of a classifier's data set into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from faces.errors import FacesError
from faces.files.finding import find_images
from faces.image_classifier import fit_square
from faces.images import read_image
from faces.training.data.labelled import LabelledImages
from faces.training.data.near_duplicates import Scan, scan
from faces.types import Image

MAX_BYTES = 4e9  # of pictures; training holds them in memory


def require_memory(folder: Path, side: int) -> None:
    """Raise FacesError if the pictures below a folder, side x side px, take more than ``MAX_BYTES`` of memory.

    Listing stops at the first picture too many.
    """
    limit = int(MAX_BYTES / (side * side * 3))
    if next(islice(find_images(folder), limit, None), None) is not None:
        raise FacesError(
            f"{folder}: more than {limit:,} pictures, which at {side} px take over {MAX_BYTES / 1e9:.0f} GB of memory;"
            " give fewer, or a smaller --image-size"
        )


def drop_unreadable(
    data: LabelledImages, log: Callable[[str], None], warn: Callable[[str], None]
) -> tuple[LabelledImages, Scan]:
    """Leave out the pictures that cannot be read, with a warning for each; return the others and their scan."""
    files = scan(data.paths, lambda done: log(f"{done:,} of {len(data):,} pictures read"))
    readable = np.array([row not in files.unreadable for row in range(len(data))], np.bool_)
    unreadable = tuple((data.paths[row], reason) for row, reason in files.unreadable.items())
    for path, reason in unreadable:
        warn(f"{path}: left out: {reason}")
    kept = data[readable]
    return replace(kept, left_out=(*data.left_out, *unreadable)), files[readable]


def read_squares(paths: Sequence[Path], side: int) -> Image:
    """Read pictures as uint8 (N, side, side, 3), BGR. Raises ImageError if one cannot be read."""
    squares: Image = np.zeros((len(paths), side, side, 3), np.uint8)
    with ThreadPoolExecutor() as threads:
        for row, square in enumerate(threads.map(lambda path: fit_square(read_image(path), side), paths)):
            squares[row] = square
    return squares
