"""Pictures that look alike: a hash of what they show, which scaling and saving again hardly change."""

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
from faces.images import decode_image
from faces.types import Floats, Image

Hashes = NDArray[np.uint8]  # (N, 32)
Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]  # the rows of the first ones, and of the second ones

SIDE = 16
BITS = SIDE**2
# Of 64 bits, those of different people's aligned faces often differ in 2 only. Of 256, of UTKFace's 704 pairs that
# differ in 20 or fewer 99 % are copies, going by their embeddings; of those that differ in 29 to 32, 15 %.
ALIKE = 20  # bits in which the hashes of two pictures may differ when one is a copy of the other
FILES_AT_ONCE = 2048
PAIRS_AT_ONCE = 2**24  # 64 MB of distances


def dhash(image: Image) -> NDArray[np.uint8]:
    """uint8 (32,): 16 rows of 16 bits, whether each of 17 x 16 grey fields is brighter than the one to its left.

    Source: https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1])


@dataclass(frozen=True, slots=True)
class Looks:
    """What reading N photographs shows.

    fingerprints: S64 (N,), the files' SHA-256, empty where there is no reading a file. hashes: uint8 (N, 32), zero of
    what is no photograph, and of plain ones. sides: intp (N,), px, the shorter one, 0 of what is no photograph.
    unreadable: of the rows of those, why.
    """

    fingerprints: NDArray[np.bytes_]
    hashes: Hashes
    sides: NDArray[np.intp]
    unreadable: dict[int, str]

    def __getitem__(self, mask: NDArray[np.bool_]) -> Looks:
        rows = {int(row): at for at, row in enumerate(np.flatnonzero(mask))}
        unreadable = {rows[row]: why for row, why in self.unreadable.items() if row in rows}
        return Looks(self.fingerprints[mask], self.hashes[mask], self.sides[mask], unreadable)


def look(paths: Sequence[Path], tell: Callable[[int], None] = lambda _: None) -> Looks:
    """Read photographs once, in threads; ``tell`` hears how many are done."""
    count = len(paths)
    found = Looks(np.zeros(count, "S64"), np.zeros((count, BITS // 8), np.uint8), np.zeros(count, np.intp), {})
    with ThreadPoolExecutor(os.cpu_count()) as threads:  # reading, decoding and hashing let each other run
        for start in range(0, count, FILES_AT_ONCE):
            some = paths[start : start + FILES_AT_ONCE]
            for row, (fingerprint, seen) in enumerate(threads.map(_look, some), start):
                found.fingerprints[row] = fingerprint
                if isinstance(seen, str):
                    found.unreadable[row] = seen
                else:
                    found.hashes[row], found.sides[row] = seen
            tell(start + len(some))
    return found


def _look(path: Path) -> tuple[str, tuple[NDArray[np.uint8], int] | str]:
    """A file's SHA-256, and its hash and shorter side, or why there are none."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return "", reason_of(error)
    fingerprint = hashlib.sha256(data).hexdigest()
    try:
        image = decode_image(data)
    except ImageError as error:
        return fingerprint, str(error)
    return fingerprint, (dhash(image), min(image.shape[:2]))


def alike(hashes: Hashes, bits: int = ALIKE) -> Iterator[Pairs]:
    """Pairs of pictures whose hashes (N, 32) differ in at most so many bits, a block at a time; see ``close``."""
    signs = np.where(np.unpackbits(hashes, axis=1), 1, -1).astype(np.float32) / np.sqrt(np.float32(BITS))
    signs[~hashes.any(axis=1)] = 0
    yield from close(signs, 2 * np.sqrt((bits + 0.5) / BITS))


def close(points: Floats, distance: float) -> Iterator[Pairs]:
    """Pairs of the N points (N, D), of unit length, that are closer, the first before the second; a block at a time.

    Points that are all zero are close to none. Compares all with all, in the memory of a block.
    """
    there = np.flatnonzero(points.any(axis=1))
    step = max(1, PAIRS_AT_ONCE // max(1, len(there)))
    for start in range(0, len(there), step):
        similar = points[there[start : start + step]] @ points[there[start:]].T > 1 - distance**2 / 2
        one, other = np.nonzero(np.triu(similar, 1))
        yield there[start + one], there[start + other]
