"""Collect the faces to distil an embedder with: one wide crop per photograph, and the teacher's embedding of it."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
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
from faces.pipeline import process_pipeline
from faces.processes import mapped
from faces.training.data.face_crops import MIN_FACE, with_margin
from faces.types import Floats, Image, LandmarkScheme, ModelId

# The wide crop has room for turned, shifted and stretched crops of the face, at about their resolution.
SIDE, PADDING = 152, 0.5
SCHEME: LandmarkScheme = "eye-corners"  # what the crops of the student are aligned by
WIDE = Template("wide", SIDE, {SCHEME: ([0, 1, 2, 3, 4], mean_face(PADDING, SIDE))})
DETECTOR = "dlib"  # whose faces get landmarks of this scheme
BATCH_PHOTOGRAPHS = 64  # per job of a worker process
BLOCK_ROWS = 1000  # faces per matrix product
SAME_PHOTOGRAPH = 0.3  # distance below which a 24 px face is a copy of a larger one (docs/models.md)
NOT_DONE, FACE, NO_FACE = range(3)  # values of a record's state

Progress = Callable[[int], None]
Records = np.memmap[tuple[int], np.dtype[np.void]]


@dataclass(frozen=True, slots=True)
class TeacherFaces:
    """One wide face crop for each of N photographs, with the teacher's embedding.

    images: uint8 (N, 152, 152, 3), BGR, memory-mapped.
    landmarks: float32 (N, 5, 2), px in the crop (scheme ``eye-corners``).
    embeddings: float32 (N, D), unit length; the teacher's mean over the face and its mirror image.
    """

    images: Image
    landmarks: Floats
    embeddings: Floats

    def __len__(self) -> int:
        return len(self.embeddings)


def collect(
    paths: Sequence[Path], teacher: str, file: Path, progress: Progress = lambda _: None, workers: int | None = None
) -> tuple[TeacherFaces, NDArray[np.intp]]:
    """Detect, crop and embed the best face of each photograph, in worker processes.

    Return a row for each of ``paths``, and the rows that show a face.

    paths: photographs.
    teacher: embedding model, as ``--embedding-model`` names it.
    file: ``.npy`` file that keeps the rows; a stopped run continues from it.
    progress: called with the number of photographs done.
    workers: number of processes; None: one per core.

    Raises ModelError if the teacher is missing, FacesError if the disk is full or no photograph shows a face, and
    KeyboardInterrupt with a message if interrupted.
    """
    embedder = embedders.load(teacher, threads=1)
    records = _open_records(file, paths, _key(paths, embedder.model), embedder.spec.dimension or 0)
    pending = np.flatnonzero(records["state"] == NOT_DONE)
    batches = [pending[start : start + BATCH_PHOTOGRAPHS] for start in range(0, len(pending), BATCH_PHOTOGRAPHS)]
    jobs = [[paths[row] for row in rows] for rows in batches]
    done = len(records) - len(pending)
    try:
        for rows, results in zip(batches, mapped(partial(_collect_batch, teacher), jobs, workers), strict=True):
            records[rows] = results
            done += len(rows)
            progress(done)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("stopped; run the same command again to continue") from None
    records.flush()
    usable = np.flatnonzero(records["state"] == FACE)
    if len(usable) == 0:
        raise FacesError("no face was found in any photograph; give other photographs with --photos")
    return TeacherFaces(records["image"], records["landmarks"], records["embedding"]), usable


def distinct(embeddings: Floats, others: Floats) -> NDArray[np.bool_]:
    """Return bool (N,): which faces come from none of the photographs of ``others``, even scaled down or grey.

    embeddings: float32 (N, D), unit length.
    others: float32 (M, D), unit length.
    """
    blocks = (embeddings[start : start + BLOCK_ROWS] for start in range(0, len(embeddings), BLOCK_ROWS))
    limit = 1 - SAME_PHOTOGRAPH**2 / 2  # as a cosine
    return np.concatenate([(block @ others.T).max(axis=1) < limit for block in blocks])


def _record_dtype(dimension: int) -> np.dtype[np.void]:
    image, landmarks = ("image", np.uint8, (SIDE, SIDE, 3)), ("landmarks", np.float32, (5, 2))
    return np.dtype([("state", np.uint8), image, landmarks, ("embedding", np.float32, (dimension,))])


def _key(paths: Sequence[Path], teacher: ModelId) -> str:
    """Hash the teacher and the photographs' names, times and sizes; reading all files would take too long."""
    key = hashlib.sha256(f"{teacher.name} {teacher.sha256}".encode())
    for path in paths:
        try:
            status = path.stat()
            size, written = status.st_size, status.st_mtime_ns
        except OSError:  # it is gone; reading it fails later
            size, written = 0, 0
        key.update(b"\0%d %d %b" % (size, written, os.fsencode(path)))
    return key.hexdigest()


def _open_records(file: Path, paths: Sequence[Path], key: str, dimension: int) -> Records:
    """Open the file if its key matches, else create it with disk space for all records."""
    key_file, dtype = file.with_suffix(".key"), _record_dtype(dimension)
    if file.exists() and key_file.exists() and key_file.read_text() == key:
        return np.lib.format.open_memmap(file, "r+")
    key_file.unlink(missing_ok=True)
    try:
        make_folder(file.parent)
        file.touch(OWNER_FILE)
        records = np.lib.format.open_memmap(file, "w+", dtype, (len(paths),))
        with file.open("r+b") as opened:  # writing to a map without disk space would kill the process
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
    except OSError as error:
        file.unlink(missing_ok=True)
        needed = math.ceil(len(paths) * dtype.itemsize / 1e6)
        raise FacesError(f"cannot write {file} ({needed:,} MB): {reason_of(error)}") from error
    write_bytes(key_file, key.encode())
    return records


def _collect_batch(teacher: str, paths: Sequence[Path]) -> NDArray[np.void]:
    pipeline = process_pipeline(DETECTOR, teacher)
    records = np.zeros(len(paths), _record_dtype(pipeline.embedder.spec.dimension or 0))
    records["state"] = NO_FACE
    aligner, (used, template) = Aligner(WIDE), WIDE.points[SCHEME]
    for record, path in zip(records, paths, strict=True):
        try:
            image, _, margin = with_margin(read_image(path))
        except ImageError:
            continue
        face = pipeline.best_face(image, *([MIN_FACE] if margin else []))
        if len(face) == 0 or face.landmarks is None:
            continue
        points = face.landmarks[0].astype(np.float64)
        to_crop = cv2.invertAffineTransform(similarity(template, points[used]))
        record["image"], record["landmarks"] = aligner.crop(image, face)[0], transform(np.asarray(to_crop), points)
        record["embedding"] = pipeline.embed(image, face)[0]
        record["state"] = FACE
    return records
