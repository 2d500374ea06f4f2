"""How well OpenFace's network, with whatever weights, tells LFW's 1,000 View 1 test pairs apart.

python -m benchmarks.openface openface_nn4.small2.v1.t7

aligned: by the built-in detector and landmarks, one crop. mirrored: the mean with the mirror image, as the scripts do.
recipe: the SSD's box as it is, one photograph at a time through OpenCV (benchmarks/recipe.py).
Then how long a face takes in ONNX Runtime, which the scripts use, and in OpenCV, side by side.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks import recipe
from benchmarks.photographs import LFW
from faces.cli import running, text
from faces.embedding import embedders
from faces.evaluation.figures.curves import best_accuracy
from faces.evaluation.searches import pairs
from faces.images import read_image
from faces.models.engine import Array, CvDnnEngine, Engine, OnnxEngine, opencv_reads_torch7
from faces.pipeline import Pipeline
from faces.types import Floats, Image

CORES, ROUNDS, TIMED = 2, 5, 160  # crops in a round


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embedder", type=Path, help="a .t7 file")
    args = parser.parse_args(argv)
    embedder = embedders.load(str(args.embedder))
    wanted = pairs.read(LFW)
    paths = list(dict.fromkeys((*wanted.first, *wanted.second)))
    crops = aligned(embedder, paths)
    stacked = np.stack(list(crops.values()))
    ways = {
        "aligned": dict(zip(crops, embedders.unit(embedder.forward(stacked)), strict=True)),
        "mirrored": dict(zip(crops, embedder.embed(stacked), strict=True)),
    }
    if reason := recipe.missing():
        text.warn(f"the recipe cannot be run: {reason}")
    else:
        ways["recipe"] = recipe.Recipe(args.embedder).embed(paths)
    rows = []
    for way, embedded in ways.items():
        distances = [apart(embedded, *two) for two in zip(wanted.first, wanted.second, strict=True)]
        accuracy, threshold = best_accuracy(np.array(distances, np.float32), wanted.same)
        rows.append((way, f"{accuracy:.1%}", f"{threshold:.3f}", f"{len(embedded)} of {len(paths)}"))
    print(text.table(("crops", "pairs told right", "distance", "faces found"), rows))
    runtimes: dict[str, Engine] = {"ONNX Runtime": OnnxEngine(args.embedder, CORES)}
    if opencv_reads_torch7():
        runtimes["OpenCV"] = CvDnnEngine(args.embedder)
    print(text.table(("faces at once", *(f"{name}: ms a face" for name in runtimes)), timed(list(runtimes.values()))))
    return 0


def aligned(embedder: embedders.Embedder, paths: Sequence[Path]) -> dict[Path, Image]:
    """The aligned crop of each photograph's best face; those without one are left out."""
    pipeline = Pipeline.load().with_embedder(embedder)
    images = ((path, read_image(path)) for path in paths)
    found = ((path, image, pipeline.best_face(image)) for path, image in images)
    return {path: embedder.aligner.crop(image, face)[0] for path, image, face in found if len(face)}


def apart(embedded: Mapping[Path, Floats], first: Path, second: Path) -> float:
    """The distance of two photographs' faces; inf where one was not found."""
    if first not in embedded or second not in embedded:
        return np.inf
    return float(np.linalg.norm(embedded[first] - embedded[second]))


def timed(engines: Sequence[Engine]) -> list[tuple[str, ...]]:
    """How long a face takes each engine on two cores, one alone and as many as fit: the median of the rounds' medians.

    They take turns in rounds long enough that the cores are no longer held by the one before.
    """
    cv2.setNumThreads(CORES)
    rows = []
    for faces in (1, embedders.BATCH_FACES):
        blob = np.zeros((faces, 3, 96, 96), np.float32)
        rounds = [[milliseconds(engine, blob) / faces for engine in engines] for _ in range(ROUNDS)]
        rows.append((str(faces), *(f"{each:.1f}" for each in np.median(rounds, axis=0))))
    return rows


def milliseconds(engine: Engine, blob: Array) -> float:
    """The median time that the engine takes for it; the first is not counted."""
    times = []
    for _ in range(1 + TIMED // len(blob)):
        start = time.perf_counter()
        engine.run(blob)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times[1:]))


if __name__ == "__main__":
    running.run(main)
