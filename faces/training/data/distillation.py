"""Photographs to teach an embedder with: of each its face, and what the teacher makes of it, found once and kept."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.embedding import embedders
from faces.embedding.aligners import Aligner, Template, mean_face
from faces.errors import FacesError, ImageError, reason_of
from faces.files.writing import OWNER_FILE, make_folder, write_bytes
from faces.geometry import similarity, transform
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.processes import mapped
from faces.training.data.face_crops import LEAST_FACE, with_margin
from faces.types import Floats, Image, ModelId

SIDE, PADDING = 152, 0.5  # a wide cut: room for a face's turned, shifted and stretched crops, about as fine as they are
WIDE = Template("wide", SIDE, {"eye-corners": ([0, 1, 2, 3, 4], mean_face(PADDING, SIDE))})
AT_ONCE = 64
BLOCK = 1000  # faces that are compared with others at once
SAME_PHOTOGRAPH = 0.3  # distance; where a face of 24 px is from the same one larger (docs/models.md)
NOT_YET, FACE, NO_FACE = range(3)

Progress = Callable[[int], None]
Records = np.memmap[tuple[int], np.dtype[np.void]]


@dataclass(frozen=True, slots=True)
class Lessons:
    """What N photographs show: a face each, cut out widely.

    images: uint8 (N, 152, 152, 3) BGR, in a file. landmarks: float32 (N, 5, 2), px in them (``eye-corners``).
    embeddings: float32 (N, D), unit length: the teacher's, the mean with the mirror image's.
    """

    images: Image
    landmarks: Floats
    embeddings: Floats

    def __len__(self) -> int:
        return len(self.embeddings)


def prepare(
    paths: Sequence[Path], teacher: str, file: Path, tell: Progress = lambda _: None, workers: int | None = None
) -> tuple[Lessons, NDArray[np.intp]]:
    """The faces of photographs, and which of ``paths`` they are of; ``tell`` hears how many are done.

    teacher: as ``--embedding-model`` names it. file: a ``.npy`` where they are kept: a killed run goes on from there.
    workers: processes that look for them; one a core if None.
    Raises ModelError when the teacher is missing, FacesError when the disk is full or no photograph shows a face, and
    KeyboardInterrupt with a text.
    """
    embedder = embedders.load(teacher, threads=1)
    records = _records(file, paths, _key(paths, embedder.model), embedder.spec.dimension or 0)
    todo = np.flatnonzero(records["state"] == NOT_YET)
    jobs = [todo[at : at + AT_ONCE] for at in range(0, len(todo), AT_ONCE)]
    done = len(records) - len(todo)
    given = [[paths[row] for row in rows] for rows in jobs]
    try:
        for rows, found in zip(jobs, mapped(_look, given, workers, _start, teacher), strict=True):
            records[rows] = found
            done += len(rows)
            tell(done)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; the same command goes on from here") from None
    records.flush()
    usable = np.flatnonzero(records["state"] == FACE)
    if len(usable) == 0:
        raise FacesError("no face was found in any photograph; give others as --photos")
    return Lessons(records["image"], records["landmarks"], records["embedding"]), usable


def unlike(embeddings: Floats, others: Floats) -> NDArray[np.bool_]:
    """bool (N,): which faces are in none of the photographs that ``others`` are of, however small or grey a copy is.

    embeddings, others: float32 (N, D) and (M, D), unit length.
    """
    blocks = (embeddings[at : at + BLOCK] for at in range(0, len(embeddings), BLOCK))
    least = 1 - SAME_PHOTOGRAPH**2 / 2  # as a cosine
    return np.concatenate([(block @ others.T).max(axis=1) < least for block in blocks])


def _kind(dimension: int) -> np.dtype[np.void]:
    """What is kept of a photograph."""
    image, landmarks = ("image", np.uint8, (SIDE, SIDE, 3)), ("landmarks", np.float32, (5, 2))
    return np.dtype([("state", np.uint8), image, landmarks, ("embedding", np.float32, (dimension,))])


def _key(paths: Sequence[Path], teacher: ModelId) -> str:
    """Stands for the teacher and these photographs, as they are by their times and sizes: reading them takes long."""
    key = hashlib.sha256(f"{teacher.name} {teacher.sha256}".encode())
    for path in paths:
        try:
            status = path.stat()
            size, written = status.st_size, status.st_mtime_ns
        except OSError:  # it is gone, as will be said of it later
            size, written = 0, 0
        key.update(b"\0%d %d %b" % (size, written, os.fsencode(path)))
    return key.hexdigest()


def _records(file: Path, paths: Sequence[Path], key: str, dimension: int) -> Records:
    """The file's records of these photographs; anew where it is of others, with room on the disk for all of them."""
    mark, kind = file.with_suffix(".key"), _kind(dimension)
    if file.exists() and mark.exists() and mark.read_text() == key:
        return np.lib.format.open_memmap(file, "r+")
    mark.unlink(missing_ok=True)
    try:
        make_folder(file.parent)
        file.touch(OWNER_FILE)
        records = np.lib.format.open_memmap(file, "w+", kind, (len(paths),))
        with file.open("r+b") as opened:  # a write to a map that the disk has no room for would kill the process
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
    except OSError as error:
        file.unlink(missing_ok=True)
        needed = math.ceil(len(paths) * kind.itemsize / 1e6)
        raise FacesError(f"cannot write {file} ({needed:,} MB): {reason_of(error)}") from error
    write_bytes(mark, key.encode())
    return records


_pipeline: Pipeline | None = None  # of this process


def _start(teacher: str) -> None:
    global _pipeline
    cv2.setNumThreads(1)
    _pipeline = Pipeline.load(embedding_model=teacher, threads=1)


def _look(paths: Sequence[Path]) -> NDArray[np.void]:
    """The record of each photograph."""
    assert _pipeline is not None
    records = np.zeros(len(paths), _kind(_pipeline.embedder.spec.dimension or 0))
    records["state"] = NO_FACE
    aligner, (used, wanted) = Aligner(WIDE), WIDE.points["eye-corners"]
    for record, path in zip(records, paths, strict=True):
        try:
            image, _, margin = with_margin(read_image(path))
        except ImageError:
            continue
        face = _pipeline.best_face(image, *([LEAST_FACE] if margin else []))
        if len(face) == 0 or face.landmarks is None:
            continue
        points = face.landmarks[0].astype(np.float64)
        to_chip = cv2.invertAffineTransform(similarity(wanted, points[used]))
        record["image"], record["landmarks"] = aligner.crop(image, face)[0], transform(np.asarray(to_chip), points)
        record["embedding"] = _pipeline.embed(image, face)[0]
        record["state"] = FACE
    return records
