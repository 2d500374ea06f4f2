"""The gallery file of ``--gallery``, which the server shares with the scripts, and its rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from faces.errors import PickleError
from faces.files.locks import only_one
from faces.files.writing import write_bytes
from faces.recognition.gallery import ERASED, SERVER_PATH, Gallery, LeftOut
from faces.server.store import origins
from faces.types import Fingerprint, Floats

LENGTH_TOLERANCE = 1e-2  # greatest difference of an embedding's length from 1


class GalleryRow(NamedTuple):
    """A face in a gallery.

    embedding: float32 (D,).
    box: float32 (4,), px; NaN if unknown.
    score: in [0, 1]; NaN if unknown.
    size, stamp: of the photograph's file.
    chosen: as in ``Gallery``.
    """

    name: str
    embedding: Floats
    sha256: str
    path: str
    box: Floats = np.full(4, np.nan, np.float32)
    score: float = float("nan")
    size: int = 0
    stamp: str = ""
    chosen: bool = False

    @property
    def is_photograph(self) -> bool:
        """Whether it is of a photograph in the data set."""
        return bool(self.path) and not self.path.startswith(SERVER_PATH)


def rows_of(gallery: Gallery) -> list[GalleryRow]:
    """Return a gallery's rows; an older gallery may lack columns. Raises ValueError or TypeError for bad columns."""
    number = len(gallery)
    boxes = np.full((number, 4), np.nan) if gallery.boxes is None or not len(gallery.boxes) else gallery.boxes
    scores = [float("nan")] * number if gallery.scores is None or not len(gallery.scores) else gallery.scores
    hashes, paths = gallery.hashes or [""] * number, gallery.paths or [""] * number
    sizes, stamps = gallery.sizes or [0] * number, gallery.stamps or [""] * number
    embeddings, boxes = np.asarray(gallery.embeddings, np.float32), np.asarray(boxes, np.float32).reshape(number, 4)
    chosen = gallery.chosen or [False] * number
    columns = zip(gallery.names, embeddings, hashes, paths, boxes, scores, sizes, stamps, chosen, strict=True)
    return [
        GalleryRow(
            name=name,
            embedding=embedding,
            sha256=str(sha256)[:64] or origins.embedding_digest(embedding),
            path=str(path),
            box=box,
            score=float(score),
            size=int(size),
            stamp=str(stamp),
            chosen=bool(is_chosen),
        )
        for name, embedding, sha256, path, box, score, size, stamp, is_chosen in columns
    ]


def gallery_of(rows: Sequence[GalleryRow], fingerprint: Fingerprint, settings: str, left_out: LeftOut) -> Gallery:
    """Return a gallery of these rows; the reverse of ``rows_of``."""
    if not rows:
        return Gallery(np.zeros((0, 0), np.float32), (), fingerprint=fingerprint, settings=settings, left_out=left_out)
    names, embeddings, hashes, paths, boxes, scores, sizes, stamps, chosen = zip(*rows, strict=True)
    return Gallery(
        embeddings=np.stack(embeddings),
        names=names,
        paths=paths,
        hashes=hashes,
        boxes=np.stack(boxes),
        scores=np.array(scores, np.float32),
        fingerprint=fingerprint,
        sizes=sizes,
        stamps=stamps,
        settings=settings,
        left_out=left_out,
        chosen=chosen,
    )


def with_erased(left_out: LeftOut, rows: Sequence[GalleryRow], people: Container[str]) -> LeftOut:
    """Return ``left_out`` with the erased rows of the data set added, so that the scripts do not enrol them again.

    people: folders of the people of whom nothing is left: their photographs without a usable face are erased, too.
    """
    reasons = tuple(ERASED if folder(path) in people else reason for path, reason in left_out.rows())
    known = {sha256 for sha256, reason in zip(left_out.hashes, reasons, strict=True) if reason == ERASED}
    new = [row for row in rows if row.is_photograph and row.sha256 not in known]
    return LeftOut(
        (*left_out.paths, *(row.path for row in new)),
        (*left_out.hashes, *(row.sha256 for row in new)),
        (*left_out.sizes, *(row.size for row in new)),
        (*left_out.stamps, *(row.stamp for row in new)),
        (*reasons, *(ERASED for _ in new)),
    )


def folder(path: str) -> str:
    """Return the folder of a photograph's person, as names are written."""
    return unicodedata.normalize("NFC", path.partition("/")[0])


def load(path: Path, fingerprint: Fingerprint, dimension: int | None) -> tuple[Gallery, list[GalleryRow]]:
    """Load a gallery made by the models in use, and its rows.

    path: an ``embeddings.pickle``.
    fingerprint: of the models in use.
    dimension: of the embeddings; None if unknown.

    Raises PickleError if the file is not a gallery or does not name its models, and FingerprintError if other models
    made it.
    """
    gallery = Gallery.load(path)
    if gallery.fingerprint is None:
        raise PickleError(f"{path}: does not name the models that made it; create it with extract_embeddings.py")
    fingerprint.require(
        gallery.fingerprint, str(path), "make it anew with the server's models, or name the same models"
    )
    try:
        rows = rows_of(gallery)
    except (TypeError, ValueError) as error:
        raise PickleError(f"{path}: not embeddings ({type(error).__name__}: {error})") from error
    if len(gallery):
        lengths = np.linalg.norm(gallery.embeddings, axis=1)
        columns = gallery.embeddings.shape[1]
        expected = dimension or columns
        if abs(lengths - 1).max() > LENGTH_TOLERANCE or columns != expected:
            raise PickleError(f"{path}: not embeddings of these models (unit vectors of dimension {expected})")
    return gallery, rows


@dataclass(frozen=True)
class GalleryFile:
    """A gallery file.

    settings: of a new file, see ``extraction.known.settings``.
    """

    path: Path
    settings: str = ""
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the file against other threads and the scripts. Raises FacesError if a script uses it."""
        with self._lock, only_one(self.path):
            yield

    def has_content(self) -> bool:
        """Return whether the file exists and is not empty."""
        return self.path.exists() and not (self.path.is_file() and self.path.stat().st_size == 0)

    def write(self, gallery: Gallery) -> None:
        """Replace the file atomically. Raises FacesError."""
        write_bytes(self.path, gallery.pickled())
