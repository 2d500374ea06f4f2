"""The photographs that models are measured on, in ../shared/data, and their embeddings."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from faces.cli.progress import progress_bar
from faces.evaluation import photographs
from faces.extraction.workers import Models
from faces.types import Floats

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
LFW = DATA / "lfw" / "pairsDevTest.txt"  # View 1 test pairs: 500 of one person, 500 of two
PROBES = 10  # the last photographs of each person


def embeddings(
    paths: Iterable[Path], models: Models = photographs.BUILT_IN_MODELS, progress: str | None = None
) -> dict[Path, Floats]:
    """Return the embedding (D,) of each photograph's best face, even if small or blurred; NaN without a face."""
    each = list(dict.fromkeys(paths))
    with progress_bar("photo", progress or "") as bar:
        seen = photographs.embed_photographs(each, models, os.cpu_count() or 1, bar)
    return dict(zip(seen.paths, seen.embeddings, strict=True))


def found(embedding: Floats) -> bool:
    return bool(np.isfinite(embedding).all())
