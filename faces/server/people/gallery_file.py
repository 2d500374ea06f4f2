"""The file of ``--gallery``, which the server shares with the scripts, and the rows that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from faces.errors import PickleError
from faces.files.locks import only_one
from faces.files.writing import write_bytes
from faces.recognition.gallery import ERASED, Gallery, LeftOut
from faces.server.store import origins
from faces.types import Fingerprint, Floats

OWN = "serve.py/"  # what the path of a photograph begins with that the data set never had
UNIT = 1e-2  # how far from 1 an embedding's length may be


class Row(NamedTuple):
    """A face in a gallery. The box (4,) and the score are NaN where they are not known."""

    name: str
    embedding: Floats
    sha256: str
    path: str
    box: Floats = np.full(4, np.nan, np.float32)
    score: float = float("nan")
    size: int = 0
    stamp: str = ""


def rows_of(gallery: Gallery) -> list[Row]:
    """Of a gallery, which may be an older version's, and without this or that. Raises ValueError or TypeError."""
    number = len(gallery)
    boxes = np.full((number, 4), np.nan) if gallery.boxes is None or not len(gallery.boxes) else gallery.boxes
    scores = [float("nan")] * number if gallery.scores is None or not len(gallery.scores) else gallery.scores
    hashes, paths = gallery.hashes or [""] * number, gallery.paths or [""] * number
    sizes, stamps = gallery.sizes or [0] * number, gallery.stamps or [""] * number
    embeddings, boxes = np.asarray(gallery.embeddings, np.float32), np.asarray(boxes, np.float32).reshape(number, 4)
    parts = zip(gallery.names, embeddings, hashes, paths, boxes, scores, sizes, stamps, strict=True)
    return [
        Row(
            name, row, str(sha256)[:64] or origins.of_embedding(row), str(path), box, float(score), int(size), str(when)
        )
        for name, row, sha256, path, box, score, size, when in parts
    ]


def gallery_of(rows: Sequence[Row], fingerprint: Fingerprint, settings: str, left_out: LeftOut) -> Gallery:
    """The reverse of ``rows_of``."""
    if not rows:
        return Gallery(np.zeros((0, 0), np.float32), (), fingerprint=fingerprint, settings=settings, left_out=left_out)
    names, embeddings, hashes, paths, boxes, scores, sizes, stamps = zip(*rows, strict=True)
    return Gallery(
        np.stack(embeddings),
        names,
        paths,
        hashes,
        np.stack(boxes),
        np.array(scores, np.float32),
        fingerprint,
        sizes,
        stamps,
        settings,
        left_out,
    )


def without(left_out: LeftOut, rows: Sequence[Row]) -> LeftOut:
    """What is left out, with erased rows of the data set: by it the scripts know not to enrol them again."""
    there = set(left_out.paths)
    new = [row for row in rows if row.path and not row.path.startswith(OWN) and row.path not in there]
    return LeftOut(
        (*left_out.paths, *(row.path for row in new)),
        (*left_out.hashes, *(row.sha256 for row in new)),
        (*left_out.sizes, *(row.size for row in new)),
        (*left_out.stamps, *(row.stamp for row in new)),
        (*left_out.reasons, *(ERASED for _ in new)),
    )


def load(path: Path, fingerprint: Fingerprint, dimension: int | None) -> tuple[Gallery, list[Row]]:
    """A gallery that these models made, and its rows.

    dimension: of the embeddings, where it is known. Raises PickleError for what is no such file, and FingerprintError
    when other models made it, or it does not say which.
    """
    gallery = Gallery.load(path)
    if gallery.fingerprint is None:
        raise PickleError(f"{path}: does not say which models made it; make it with extract_embeddings.py")
    fingerprint.require(
        gallery.fingerprint, str(path), "make it anew with the server's models, or name the same models"
    )
    try:
        rows = rows_of(gallery)
    except (TypeError, ValueError) as error:
        raise PickleError(f"{path}: not embeddings ({type(error).__name__}: {error})") from error
    if len(gallery):
        lengths = np.linalg.norm(gallery.embeddings, axis=1)
        wide = gallery.embeddings.shape[1]
        if abs(lengths - 1).max() > UNIT or wide != (dimension or wide):
            raise PickleError(f"{path}: not embeddings of these models, which are {dimension or wide} numbers long")
    return gallery, rows


@dataclass(frozen=True)
class GalleryFile:
    """The file. settings: of a new one, see ``extraction.settings``."""

    path: Path
    settings: str = ""
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Against the other threads, and against the scripts. Raises FacesError when a script has it."""
        with self._lock, only_one(self.path):
            yield

    def there(self) -> bool:
        """Whether it holds anything."""
        return self.path.exists() and not (self.path.is_file() and self.path.stat().st_size == 0)

    def write(self, gallery: Gallery) -> None:
        """Whole or not at all. Raises FacesError."""
        write_bytes(self.path, gallery.pickled())
