"""Cut faces out of labelled photographs, in the same way as recognition cuts them.

The photographs may be whole pictures, or closely cut faces of any size such as those of UTKFace and FER2013. A small
picture gets a margin and is enlarged, so that the detector sees a face of sufficient size inside a picture.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.attributes.model import FACE
from faces.embedding.aligners import TEMPLATES, Aligner
from faces.errors import FacesError, ImageError
from faces.files.writing import write_bytes
from faces.images import read_image
from faces.pipeline import Pipeline, process_pipeline
from faces.processes import mapped
from faces.types import Faces, Floats, Image

SIDE = TEMPLATES[FACE].side  # px, of every template that these crops are cut by
MARGIN = 1 / 3  # of a photograph's side
MIN_SIDE = 300  # px, of the face with its margin
MIN_FACE = 80  # px, the smallest face to look for in such a picture
BATCH_PHOTOGRAPHS = 64  # per job of a worker process
MAX_BYTES = 4e9  # of crops; training holds them in memory


@dataclass(frozen=True, slots=True)
class FaceCrops:
    """One face crop for each of N photographs.

    images: uint8 (N, 112, 112, 3), BGR.
    embeddings: float32 (N, 128), of the built-in embedder; zero where no face was detected.
    found: bool (N,), whether a face was detected; the other crops are cut at the median position of the found faces.
    """

    images: Image
    embeddings: Floats
    found: NDArray[np.bool_]

    def __getitem__(self, rows: NDArray[np.bool_]) -> FaceCrops:
        return FaceCrops(self.images[rows], self.embeddings[rows], self.found[rows])


def require_memory(count: int) -> None:
    """Raise FacesError if ``count`` crops take more than ``MAX_BYTES`` of memory."""
    limit = int(MAX_BYTES / (SIDE * SIDE * 3))
    if count > limit:
        raise FacesError(f"{count:,} faces take over {MAX_BYTES / 1e9:.0f} GB of memory; give no more than {limit:,}")


def cut_faces(
    paths: Sequence[Path],
    cache: Path,
    key: str,
    progress: Callable[[int], None] = lambda _: None,
    template: str = FACE,
) -> FaceCrops:
    """Cut the best face out of each photograph, in worker processes.

    paths: readable photographs.
    cache: ``.npz`` file that keeps the crops for the next run.
    key: identifies the photographs and their order; a cache with another key is replaced.
    progress: called with the number of photographs done.
    template: one of ``faces.attributes.model.TEMPLATES``.

    Raises ModelError if a model is missing, and FacesError if a process dies or the cache cannot be written.
    """
    if (cached := _read_cache(cache, key)) is not None:
        return cached
    parts: list[tuple[Image, Floats, Floats]] = []
    jobs = [paths[start : start + BATCH_PHOTOGRAPHS] for start in range(0, len(paths), BATCH_PHOTOGRAPHS)]
    Pipeline.load(threads=1)  # fail before any process starts
    for part in mapped(partial(_cut_batch, template=template), jobs):
        parts.append(part)
        progress(min(len(parts) * BATCH_PHOTOGRAPHS, len(paths)))
    images, embeddings, landmarks = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    found = ~np.isnan(landmarks[:, 0, 0])
    if found.any():
        typical = np.asarray(np.nanmedian(landmarks, axis=0), np.float32)
        for row in np.flatnonzero(~found).tolist():
            images[row] = _crop_at(read_image(paths[row]), typical, template)
    file = io.BytesIO()
    np.savez(file, key=np.array(key), images=images, embeddings=embeddings, found=found)
    write_bytes(cache, file.getvalue())
    return FaceCrops(images, embeddings, found)


def _read_cache(cache: Path, key: str) -> FaceCrops | None:
    try:
        with np.load(cache, allow_pickle=False) as file:
            if str(file["key"]) != key:
                return None
            return FaceCrops(file["images"], file["embeddings"], file["found"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _cut_batch(paths: Sequence[Path], template: str) -> tuple[Image, Floats, Floats]:
    """Return crops, embeddings, and landmarks (N, 5, 2) as shares of the photograph's sides, NaN without a face."""
    pipeline, aligner = process_pipeline(), Aligner(TEMPLATES[template])
    images: Image = np.zeros((len(paths), SIDE, SIDE, 3), np.uint8)
    embeddings = np.zeros((len(paths), pipeline.embedder.spec.dimension or 0), np.float32)
    landmarks = np.full((len(paths), 5, 2), np.nan, np.float32)
    for row, path in enumerate(paths):
        try:
            photograph = read_image(path)
        except ImageError:  # it was readable when the data set was scanned
            continue
        image, scale, margin = with_margin(photograph)
        face = pipeline.best_face(image, *([MIN_FACE] if margin else []))
        if len(face) == 0 or face.landmarks is None:
            continue
        images[row] = aligner.crop(image, face)[0]
        embeddings[row] = pipeline.embed(image, face)[0]
        landmarks[row] = (face.landmarks[0] / scale - margin) / (photograph.shape[1], photograph.shape[0])
    return images, embeddings, landmarks


def with_margin(photograph: Image) -> tuple[Image, float, int]:
    """Add a margin to a small photograph and enlarge it to ``MIN_SIDE``.

    Return the image, the scale (1 or more), and the width of the margin, px of the original.
    """
    shorter = min(photograph.shape[:2])
    margin = round(shorter * MARGIN) if shorter < MIN_SIDE else 0
    image = cv2.copyMakeBorder(photograph, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    scale = max(1.0, MIN_SIDE / min(image.shape[:2]))
    if scale > 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.asarray(image, np.uint8), scale, margin


def _crop_at(photograph: Image, landmarks: Floats, template: str) -> Image:
    points = (landmarks * (photograph.shape[1], photograph.shape[0])).astype(np.float32)[None]
    box = np.zeros((1, 4), np.float32)
    face = Faces(box, np.ones(1, np.float32), points, "five-points")
    crop: Image = Aligner(TEMPLATES[template]).crop(photograph, face)[0]
    return crop
