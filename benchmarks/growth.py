"""How the time of whole commands grows with photographs and with people, ours beside the recipe's."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import recipe
from benchmarks.classifiers import made
from faces.errors import FacesError
from faces.recognition.gallery import Gallery
from faces.types import Fingerprint

ROOT = Path(__file__).resolve().parents[1]

Row = dict[str, Any]  # by the table's headings


def with_photographs(paths: list[Path], counts: Sequence[int], folder: Path) -> list[Row]:
    """Seconds of whole commands on more and more photographs, and of a second run with nothing new."""
    rows: list[Row] = []
    for count in counts:
        if count > len(paths):
            break
        place = folder / str(count)
        for path in paths[:count]:
            (place / "dataset" / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place / "dataset" / path.parent.name)
        row: Row = {"photographs": count, "the recipe, s": None}
        if not recipe.missing():
            words = ("-m", "benchmarks.recipe", folder / "embedder.t7", place / "dataset")
            row["the recipe, s"] = command(*words)
        extract = ROOT / "extract_embeddings.py", "-i", place / "dataset", "-e", place / "e"
        row["extract_embeddings.py, s"] = command(*extract)
        row["again, nothing new, s"] = command(*extract)
        row["train_model.py, s"] = command(ROOT / "train_model.py", *files(place))
        rows.append(row)
    return rows


def with_people(counts: Sequence[int], folder: Path) -> list[Row]:
    """Seconds of training on ten made embeddings each of more and more people: the recipe's fit, our whole command."""
    rows: list[Row] = []
    models = Fingerprint.from_dict({part: {"name": "dlib-resnet", "sha256": ""} for part in Fingerprint.__slots__})
    for count in counts:
        vectors = made(count, 10).reshape(-1, 128)
        names = tuple(f"Person {k:06}" for k in np.repeat(np.arange(count), 10))
        place = folder / f"{count} people"
        paths = tuple(f"{name}/{k}.jpg" for k, name in enumerate(names))
        Gallery(vectors, names, paths, fingerprint=models).save(place / "e")
        start = time.perf_counter()
        recipe.train(vectors, names)
        took = round(time.perf_counter() - start, 2)
        row = {
            "people": count,
            "the recipe's SVC, s": took,
            "train_model.py, s": command(ROOT / "train_model.py", *files(place)),
        }
        rows.append(row)
    return rows


def files(folder: Path) -> list[str]:
    """The options of train_model.py."""
    return [f"-{letter}={folder / letter}" for letter in "erl"]


def command(*words: object) -> float:
    """Seconds that a Python command takes. Raises FacesError when it fails."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FacesError(f"{' '.join(map(str, words))} failed: {done.stderr.strip().splitlines()[-1:]}")
    return round(time.perf_counter() - start, 2)
