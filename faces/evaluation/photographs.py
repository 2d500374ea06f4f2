"""The photographs of an evaluation, with the best face of each. Small and blurred faces are used too."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from faces.datasets import Dataset, Folder
from faces.enrolment import NO_FACE, NOT_A_FACE
from faces.evaluation.figures.shares import Flags, Indices
from faces.extraction.workers import Models, Progress, Task, enrol_in_parallel
from faces.files.reading import read_file
from faces.pipeline import Pipeline
from faces.types import Fingerprint, Floats

BUILT_IN_MODELS: Models = ("built-in", "built-in", None, "fast")
CURRENT_FOLDER = Folder(Path())  # paths are relative to it, as the user gave them
TIMED_PHOTOGRAPHS = 30


def ignore_progress(done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photographs:
    """N different photographs and the face of each.

    embeddings: float32 (N, D), unit length; NaN without a face.
    boxes: float32 (N, 4), xyxy, px; NaN without a face.
    reasons: N, why there is no face; empty if there is one.
    hashes: N, SHA-256 of the files; empty if a file is unreadable.
    """

    paths: tuple[Path, ...]
    embeddings: Floats
    boxes: Floats
    reasons: tuple[str, ...]
    hashes: tuple[str, ...]
    fingerprint: Fingerprint

    @property
    def has_face(self) -> Flags:
        """Whether a face was found, bool (N,)."""
        return np.asarray(np.isfinite(self.embeddings).all(axis=1))

    def unreadable(self) -> str:
        """Describe the photographs that could not be processed; empty if all could."""
        each = zip(self.paths, self.reasons, strict=True)
        failed = [(path, reason) for path, reason in each if reason not in ("", NO_FACE, NOT_A_FACE)]
        if not failed:
            return ""
        (path, reason), more = failed[0], f" (and {len(failed) - 1:,} more)" if len(failed) > 1 else ""
        return f"{path}: {reason}{more}; counted as without a face"

    def rows(self, paths: Iterable[Path]) -> Indices:
        """Return the rows of these photographs. Raises KeyError for an unknown path."""
        row = {path: k for k, path in enumerate(self.paths)}
        return np.array([row[path] for path in paths], np.intp)

    def without_face(self, paths: Iterable[Path]) -> tuple[Path, ...]:
        """Return those of the given photographs that have no face, sorted, without duplicates."""
        unique = sorted(set(paths))
        has_face = self.has_face[self.rows(unique)]
        return tuple(path for path, face in zip(unique, has_face, strict=True) if not face)


def embed_photographs(
    paths: Iterable[Path],
    models: Models = BUILT_IN_MODELS,
    processes: int = 1,
    progress: Progress = ignore_progress,
    dataset: Dataset = CURRENT_FOLDER,
) -> Photographs:
    """Detect and embed the best face of each photograph.

    progress: called with the number of photographs done, and the total.
    dataset: reads the files; it may change the picture.

    Raises FacesError if a model cannot be loaded, or all worker processes die.
    """
    unique = tuple(dict.fromkeys(paths))
    pipeline = Pipeline.load(*models)
    row = {str(path): k for k, path in enumerate(unique)}
    embeddings = np.full((len(unique), pipeline.embedder.spec.dimension or 0), np.nan, np.float32)
    boxes = np.full((len(unique), 4), np.nan, np.float32)
    reasons, hashes = [""] * len(unique), [""] * len(unique)
    task = Task(dataset, models, check_quality=False)
    with closing(enrol_in_parallel(task, list(row), pipeline.fingerprint, processes, progress)) as enrolled:
        for name, enrolment in enrolled:
            reasons[row[name]], hashes[row[name]] = enrolment.reason, enrolment.sha256
            if enrolment.face is not None and enrolment.embedding is not None:
                boxes[row[name]], embeddings[row[name]] = enrolment.face.xyxy[0], enrolment.embedding
    return Photographs(
        paths=unique,
        embeddings=embeddings,
        boxes=boxes,
        reasons=tuple(reasons),
        hashes=tuple(hashes),
        fingerprint=pipeline.fingerprint,
    )


def seconds_per_photograph(photographs: Photographs, models: Models) -> float | None:
    """Return the median time from a file to its embedding, one photograph at a time, with models loaded.

    Measured on at most ``TIMED_PHOTOGRAPHS`` photographs. None if no photograph has a face.
    """
    paths = [path for path, face in zip(photographs.paths, photographs.has_face, strict=True) if face]
    sample = paths[:: max(1, len(paths) // TIMED_PHOTOGRAPHS)][:TIMED_PHOTOGRAPHS]
    if not sample:
        return None
    pipeline, times = Pipeline.load(*models), []
    for path in (sample[0], *sample):  # the first one warms up
        start = perf_counter()
        pipeline.enrol([read_file(path)], check_quality=False)
        times.append(perf_counter() - start)
    return median(times[1:])
