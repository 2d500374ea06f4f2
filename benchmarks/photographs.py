"""The photographs that models are measured on, in ../shared/data, and their embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from faces.images import find_images, read_image
from faces.pipeline import Pipeline
from faces.types import Floats

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PROBES = 10  # of each of the people, the last


def by_person(folder: Path) -> dict[str, list[Path]]:
    """Photographs by the name of their folder, both sorted."""
    people: dict[str, list[Path]] = {}
    for path in find_images(folder):
        people.setdefault(path.parent.name, []).append(path)
    return dict(sorted(people.items()))


def lfw_pairs() -> list[tuple[Path, Path, bool]]:
    """LFW's View 1 test pairs, 500 of the same person and 500 of two (pairsDevTest.txt)."""
    pairs = []
    for line in (DATA / "lfw" / "pairsDevTest.txt").read_text().splitlines()[1:]:
        fields = line.split("\t")
        first, second = (fields[0], fields[1]), (fields[-2] if len(fields) == 4 else fields[0], fields[-1])
        pairs.append((*(_lfw(name, int(number)) for name, number in (first, second)), len(fields) == 3))
    return pairs  # type: ignore[return-value]


def _lfw(name: str, number: int) -> Path:
    return DATA / "lfw" / name / f"{name}_{number:04d}.jpg"


def embeddings(pipeline: Pipeline, paths: Iterable[Path], progress: str | None = None) -> dict[Path, Floats]:
    """The embedding (D,) of each photograph's best face, whatever its size and sharpness; NaN where there is none."""
    result = {}
    for path in tqdm(list(dict.fromkeys(paths)), desc=progress, unit="photo", disable=None):
        image = read_image(path)
        face = pipeline.best_face(image)
        nothing = np.full(pipeline.embedder.spec.dimension or 0, np.nan, np.float32)
        result[path] = pipeline.embed(image, face)[0] if len(face) else nothing
    return result


def distances(embedded: dict[Path, Floats], pairs: list[tuple[Path, Path, bool]]) -> tuple[Floats, NDArray[np.bool_]]:
    """Distances (N,) and whether the pair is one person; a pair with a face not found is infinitely far apart."""
    apart = np.array([np.linalg.norm(embedded[a] - embedded[b]) for a, b, _ in pairs], np.float32)
    return np.where(np.isnan(apart), np.inf, apart), np.array([same for *_, same in pairs])
