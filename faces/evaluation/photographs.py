"""The photographs that are evaluated on, and the best face of each, whatever its size and sharpness."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from faces.datasets import Dataset, Folder
from faces.evaluation.figures.results import Flags, Indices
from faces.extraction import workers
from faces.extraction.task import Models
from faces.pipeline import Pipeline
from faces.types import Fingerprint, Floats

BUILT_IN: Models = ("built-in", "built-in", 0.5, "fast")
HERE = Folder(Path())  # paths are as the user gave them
TIMED = 30  # photographs


@dataclass(frozen=True, slots=True)
class Photographs:
    """N photographs, each once.

    embeddings: float32 (N, D), unit length. boxes: float32 (N, 4), xyxy, px, of the face. Both NaN where there is none.
    reasons: N, why there is none; empty where there is one. hashes: N, SHA-256 of the files; empty where unreadable.
    """

    paths: tuple[Path, ...]
    embeddings: Floats
    boxes: Floats
    reasons: tuple[str, ...]
    hashes: tuple[str, ...]
    fingerprint: Fingerprint

    @property
    def found(self) -> Flags:
        """bool (N,): where there is a face."""
        return np.asarray(np.isfinite(self.embeddings).all(axis=1))

    def lost(self) -> str:
        """Which ones could not be looked at, and why, in short; empty where all could."""
        lost = [(path, why) for path, why in zip(self.paths, self.reasons, strict=True) if why and why != "no face"]
        if not lost:
            return ""
        more = f" (and {len(lost) - 1:,} more)" if len(lost) > 1 else ""
        return f"{lost[0][0]}: {lost[0][1]}{more}; counted as without a face"

    def rows(self, paths: Iterable[Path]) -> Indices:
        """Where in N these are. Raises KeyError for one that is not."""
        row = {path: k for k, path in enumerate(self.paths)}
        return np.array([row[path] for path in paths], np.intp)

    def without_face(self, paths: Iterable[Path]) -> tuple[Path, ...]:
        """Those of some photographs in which no face was found, each once, sorted."""
        some = sorted(set(paths))
        rows = self.rows(some)
        return tuple(path for path, found in zip(some, self.found[rows], strict=True) if not found)


def look_at(
    paths: Iterable[Path],
    models: Models = BUILT_IN,
    processes: int = 1,
    progress: Callable[[int], object] = lambda _: None,
    dataset: Dataset = HERE,
) -> Photographs:
    """Find and embed the best face of each photograph.

    progress: told of each few that are done. dataset: what reads a file, which may change the picture.
    Raises FacesError when a model cannot be loaded, or all workers die.
    """
    each = tuple(dict.fromkeys(paths))
    pipeline = Pipeline.load(*models)
    row = {str(path): k for k, path in enumerate(each)}
    embeddings = np.full((len(each), pipeline.embedder.spec.dimension or 0), np.nan, np.float32)
    boxes = np.full((len(each), 4), np.nan, np.float32)
    reasons, hashes = [""] * len(each), [""] * len(each)
    if each:
        task = workers.Task(dataset, models, choosy=False)
        some = workers.start(task, min(processes, -(-len(each) // workers.EMBEDDED_TOGETHER)))
        try:
            for names, enrolments in workers.enrol(some, row, pipeline.fingerprint):
                for name, one in zip(names, enrolments, strict=True):
                    reasons[row[name]], hashes[row[name]] = one.reason, one.sha256
                    if one.face is not None and one.embedding is not None:
                        boxes[row[name]], embeddings[row[name]] = one.face.xyxy[0], one.embedding
                progress(len(names))
        finally:
            some.close()
    return Photographs(each, embeddings, boxes, tuple(reasons), tuple(hashes), pipeline.fingerprint)


def seconds(photographs: Photographs, models: Models) -> float | None:
    """For a photograph, from its file to its embedding: the median of some, one by one, the models being loaded.

    None where there is none with a face.
    """
    found = [path for path, there in zip(photographs.paths, photographs.found, strict=True) if there]
    some = found[:: max(1, len(found) // TIMED)][:TIMED]
    if not some:
        return None
    pipeline, times = Pipeline.load(*models), []
    for path in (some[0], *some):  # the first one warms up
        start = perf_counter()
        pipeline.enrol([path.read_bytes()], choosy=False)
        times.append(perf_counter() - start)
    return median(times[1:])
