"""Find copies among pictures with a perceptual hash, which scaling and recompression hardly change."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.errors import ImageError, reason_of
from faces.files.reading import read_file
from faces.images import decode_image
from faces.types import Floats, Image

Hashes = NDArray[np.uint8]  # (N, 32)
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]  # the rows of the first and of the second picture of each pair

SIDE = 16
BITS = SIDE**2
# With 64 bits, the hashes of aligned faces of different people often differ in only 2. With 256 bits, 99 % of UTKFace's
# 704 pairs that differ in 20 or fewer are copies, going by their embeddings; of those that differ in 29 to 32, 15 %.
COPY_BITS = 20  # the hashes of a picture and a copy of it differ in at most so many bits
BATCH_FILES = 2048
BLOCK_PAIRS = 2**24  # 64 MB of distances


def dhash(image: Image) -> NDArray[np.uint8]:
    """Return the difference hash, uint8 (32,): whether a cell is brighter than the one to its left, in 16 x 16 bits.

    image: uint8 (H, W, 3), BGR; it is reduced to 17 x 16 grey cells.
    Source: https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1])


@dataclass(frozen=True, slots=True)
class Scan:
    """The results of reading N photographs.

    fingerprints: S64 (N,), SHA-256 of each file; empty if the file cannot be read.
    hashes: uint8 (N, 32), of ``dhash``; zero for plain pictures and for files that are no pictures.
    sides: intp (N,), px, the shorter side; 0 for files that are no pictures.
    unreadable: by row, why the file cannot be read.
    """

    fingerprints: NDArray[np.bytes_]
    hashes: Hashes
    sides: NDArray[np.intp]
    unreadable: dict[int, str]

    def __getitem__(self, mask: NDArray[np.bool_]) -> Scan:
        rows = {int(row): index for index, row in enumerate(np.flatnonzero(mask))}
        unreadable = {rows[row]: reason for row, reason in self.unreadable.items() if row in rows}
        return Scan(self.fingerprints[mask], self.hashes[mask], self.sides[mask], unreadable)


def scan(paths: Sequence[Path], progress: Callable[[int], None] = lambda _: None) -> Scan:
    """Read each photograph once, in threads; ``progress`` is called with the number done."""
    count = len(paths)
    result = Scan(np.zeros(count, "S64"), np.zeros((count, BITS // 8), np.uint8), np.zeros(count, np.intp), {})
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # reading, decoding and hashing release the interpreter lock
        for start in range(0, count, BATCH_FILES):
            batch = paths[start : start + BATCH_FILES]
            for row, (fingerprint, picture) in enumerate(threads.map(_scan_file, batch), start):
                result.fingerprints[row] = fingerprint
                if isinstance(picture, str):
                    result.unreadable[row] = picture
                else:
                    result.hashes[row], result.sides[row] = picture
            progress(start + len(batch))
    return result


def _scan_file(path: Path) -> tuple[str, tuple[NDArray[np.uint8], int] | str]:
    """Return the file's SHA-256, and its hash and shorter side, or why it cannot be read."""
    try:
        data = read_file(path)
    except OSError as error:
        return "", reason_of(error)
    fingerprint = hashlib.sha256(data).hexdigest()
    try:
        image = decode_image(data)
    except ImageError as error:
        return fingerprint, str(error)
    return fingerprint, (dhash(image), min(image.shape[:2]))


def similar_pairs(hashes: Hashes, bits: int = COPY_BITS) -> Iterator[Pairs]:
    """Yield the pairs of pictures whose hashes differ in at most ``bits`` bits, in blocks as ``close_pairs`` does.

    hashes: uint8 (N, 32).
    """
    signs = np.where(np.unpackbits(hashes, axis=1), 1, -1).astype(np.float32) / np.sqrt(np.float32(BITS))
    signs[~hashes.any(axis=1)] = 0
    yield from close_pairs(signs, 2 * np.sqrt((bits + 0.5) / BITS))


def close_pairs(points: Floats, distance: float) -> Iterator[Pairs]:
    """Yield the pairs of points that are closer than ``distance``, the lower row first, a block at a time.

    Compares all points with each other. Points that are all zero are in no pair.

    points: float32 (N, D), unit length.
    """
    rows = np.flatnonzero(points.any(axis=1))
    step = max(1, BLOCK_PAIRS // max(1, len(rows)))
    for start in range(0, len(rows), step):
        similar = points[rows[start : start + step]] @ points[rows[start:]].T > 1 - distance**2 / 2
        first, second = np.nonzero(np.triu(similar, 1))
        yield rows[start + first], rows[start + second]
