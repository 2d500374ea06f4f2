"""Embed photographs with every degradation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2

from faces.datasets import Folder
from faces.errors import ImageError
from faces.evaluation.groups.degradations import KINDS, Degradation, EyesAndMouth
from faces.evaluation.photographs import Photographs, embed_photographs, ignore_progress
from faces.extraction.workers import Models, Progress
from faces.images import read_image
from faces.pipeline import process_pipeline
from faces.types import Image

Degraded = Mapping[Degradation, Photographs]  # the same photographs with each degradation
ALL_DEGRADATIONS = tuple(Degradation(name, level) for name, kind in KINDS.items() for level in kind.levels)


def embed_degraded(
    paths: Iterable[Path], models: Models, processes: int = 1, progress: Progress = ignore_progress
) -> Degraded:
    """Embed photographs with each of ``ALL_DEGRADATIONS``.

    progress: called with the number of degraded photographs done, and the total.

    Raises FacesError as ``embed_photographs`` does.
    """
    unique = tuple(dict.fromkeys(paths))
    # All levels of a photograph come in a row, so that its face is detected once.
    names = [Path(_DegradingFolder.name(degradation, path)) for path in unique for degradation in ALL_DEGRADATIONS]
    seen = embed_photographs(names, models, processes, progress, _DegradingFolder(Path(), models))
    step = len(ALL_DEGRADATIONS)
    return {
        degradation: replace(
            seen,
            paths=unique,
            embeddings=seen.embeddings[k::step],
            boxes=seen.boxes[k::step],
            reasons=seen.reasons[k::step],
            hashes=seen.hashes[k::step],
        )
        for k, degradation in enumerate(ALL_DEGRADATIONS)
    }


@dataclass(frozen=True)
class _DegradingFolder(Folder):
    """Reads photographs and degrades them. models: find the face, for its position and size."""

    models: Models

    @staticmethod
    def name(degradation: Degradation, path: Path) -> str:
        return f"{degradation.kind}={degradation.level}:{path}"

    def read(self, path: str) -> bytes:
        degradation, _, file = path.partition(":")
        kind, _, level = degradation.partition("=")
        image, position = _image_and_face(file, self.models)
        return cv2.imencode(".bmp", Degradation(kind, float(level)).apply(image, position))[1].tobytes()


@lru_cache(maxsize=2)
def _image_and_face(file: str, models: Models) -> tuple[Image, EyesAndMouth]:
    """Return a photograph and the position of its face. Raises OSError if it cannot be read or has no face."""
    try:
        image = read_image(Path(file))
    except ImageError as error:
        raise OSError(str(error)) from error
    face = process_pipeline(*models).best_face(image)
    if len(face) == 0:
        raise OSError("no face to degrade")
    return image, EyesAndMouth.of(face)
