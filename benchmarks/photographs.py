"""The photographs that models are measured on, in ../shared/data, and their embeddings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from faces.evaluation import pairs, photographs
from faces.images import find_images
from faces.tasks import Models
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
    found = pairs.read(DATA / "lfw" / "pairsDevTest.txt")
    return list(zip(found.first, found.second, found.same.tolist(), strict=True))


def embeddings(
    paths: Iterable[Path], models: Models = photographs.BUILT_IN, progress: str | None = None
) -> dict[Path, Floats]:
    """The embedding (D,) of each photograph's best face, whatever its size and sharpness; NaN where there is none."""
    each = list(dict.fromkeys(paths))
    with tqdm(total=len(each), desc=progress, unit="photo", disable=None) as bar:
        seen = photographs.look_at(each, models, os.cpu_count() or 1, bar.update)
    return dict(zip(seen.paths, seen.embeddings, strict=True))


def found(embedding: Floats) -> bool:
    return bool(np.isfinite(embedding).all())


def distances(embedded: dict[Path, Floats], pairs: list[tuple[Path, Path, bool]]) -> tuple[Floats, NDArray[np.bool_]]:
    """Distances (N,) and whether the pair is one person; a pair with a face not found is infinitely far apart."""
    apart = np.array([np.linalg.norm(embedded[a] - embedded[b]) for a, b, _ in pairs], np.float32)
    return np.where(np.isnan(apart), np.inf, apart), np.array([same for *_, same in pairs])
