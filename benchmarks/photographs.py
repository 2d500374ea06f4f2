"""The photographs that models are measured on, in ../shared/data, and their embeddings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from faces.evaluation import photographs
from faces.extraction.task import Models
from faces.types import Floats

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LFW = DATA / "lfw" / "pairsDevTest.txt"  # its View 1 test pairs: 500 of one person and 500 of two
PROBES = 10  # of each of the people, the last


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
