"""Faces cut out of labelled photographs to train with, just as they are cut out of a photograph when it is asked about.

The photographs may be whole pictures, or closely cut faces of any size such as UTKFace's and FER2013's: these get a
margin, so that the detector sees a face in a picture, and are enlarged, so that it sees one that is large enough.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.embedding.aligners import TEMPLATES, Aligner
from faces.errors import FacesError, ImageError
from faces.files.writing import write_bytes
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.processes import mapped
from faces.types import Faces, Floats, Image

CUT = TEMPLATES["attributes"]
MARGIN = 1 / 3  # of a photograph's side
LEAST_SIDE = 300  # px, of the face with its margin
LEAST_FACE = 80  # px, in such a picture; smaller ones are not looked for
AT_ONCE = 64
MEMORY = 4e9  # bytes of chips; training takes them from memory


@dataclass(frozen=True, slots=True)
class Chips:
    """What N photographs show: a face each.

    images: uint8 (N, 112, 112, 3) BGR. embeddings: float32 (N, 128) of the built-in embedder, zero where no face was
    found. found: bool (N,); the other chips are cut where the faces of the others are, on average.
    """

    images: Image
    embeddings: Floats
    found: NDArray[np.bool_]

    def __getitem__(self, rows: NDArray[np.bool_]) -> Chips:
        return Chips(self.images[rows], self.embeddings[rows], self.found[rows])


def require_room(count: int) -> None:
    """Raise FacesError when so many chips are more than memory should hold."""
    most = int(MEMORY / (CUT.side * CUT.side * 3))
    if count > most:
        raise FacesError(f"{count:,} faces take over {MEMORY / 1e9:.0f} GB of memory; give no more than {most:,}")


def cut(paths: Sequence[Path], cache: Path, key: str, tell: Callable[[int], None] = lambda _: None) -> Chips:
    """The faces of readable photographs; ``tell`` hears how many are done.

    cache: a file where they are kept for another run with the same ``key``, which stands for the photographs in this
    order.
    Raises ModelError, and FacesError when a process dies or the cache cannot be written.
    """
    if (kept := _kept(cache, key)) is not None:
        return kept
    parts: list[tuple[Image, Floats, Floats]] = []
    jobs = [paths[at : at + AT_ONCE] for at in range(0, len(paths), AT_ONCE)]
    Pipeline.load(threads=1)  # says what is wrong before there are processes
    for part in mapped(_cut, jobs, None, _start):
        parts.append(part)
        tell(min(len(parts) * AT_ONCE, len(paths)))
    images, embeddings, landmarks = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    found = ~np.isnan(landmarks[:, 0, 0])
    if found.any():
        typical = np.asarray(np.nanmedian(landmarks, axis=0), np.float32)
        for row in np.flatnonzero(~found).tolist():
            images[row] = _cut_at(read_image(paths[row]), typical)
    chips = Chips(images, embeddings, found)
    file = io.BytesIO()
    np.savez(file, key=np.array(key), images=images, embeddings=embeddings, found=found)
    write_bytes(cache, file.getvalue())
    return chips


def _kept(cache: Path, key: str) -> Chips | None:
    try:
        with np.load(cache, allow_pickle=False) as file:
            if str(file["key"]) != key:
                return None
            return Chips(file["images"], file["embeddings"], file["found"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


_pipeline: Pipeline | None = None  # of this process


def _start() -> None:
    global _pipeline
    cv2.setNumThreads(1)
    _pipeline = Pipeline.load(threads=1)


def _cut(paths: Sequence[Path]) -> tuple[Image, Floats, Floats]:
    """Chips, embeddings, and landmarks (N, 5, 2) as shares of the photograph's sides, NaN where no face was found."""
    assert _pipeline is not None
    aligner = Aligner(CUT)
    images: Image = np.zeros((len(paths), CUT.side, CUT.side, 3), np.uint8)
    embeddings = np.zeros((len(paths), _pipeline.embedder.spec.dimension or 0), np.float32)
    landmarks = np.full((len(paths), 5, 2), np.nan, np.float32)
    for row, path in enumerate(paths):
        try:
            photograph = read_image(path)
        except ImageError:  # was readable a moment ago
            continue
        image, scale, margin = with_margin(photograph)
        face = _pipeline.best_face(image, *([LEAST_FACE] if margin else []))
        if len(face) == 0 or face.landmarks is None:
            continue
        images[row] = aligner.crop(image, face)[0]
        embeddings[row] = _pipeline.embed(image, face)[0]
        landmarks[row] = (face.landmarks[0] / scale - margin) / (photograph.shape[1], photograph.shape[0])
    return images, embeddings, landmarks


def with_margin(photograph: Image) -> tuple[Image, float, int]:
    """A photograph that is large enough, with a margin where it is small; how it was enlarged, and the margin in px."""
    shorter = min(photograph.shape[:2])
    margin = round(shorter * MARGIN) if shorter < LEAST_SIDE else 0
    image = cv2.copyMakeBorder(photograph, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    scale = max(1.0, LEAST_SIDE / min(image.shape[:2]))
    if scale > 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.asarray(image, np.uint8), scale, margin


def _cut_at(photograph: Image, landmarks: Floats) -> Image:
    points = (landmarks * (photograph.shape[1], photograph.shape[0])).astype(np.float32)[None]
    box = np.zeros((1, 4), np.float32)
    chip: Image = Aligner(CUT).crop(photograph, Faces(box, np.ones(1, np.float32), points, "eye-corners"))[0]
    return chip
