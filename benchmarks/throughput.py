"""The recipe, this project and face_recognition side by side, in one run and on the same photographs: make bench

python -m benchmarks.throughput [--quick] [--dataset FOLDER] [--output FILE.json]

Prints tables and writes them to a JSON file. What is not installed is left out. Only on a machine that does nothing
else do the figures mean something: the load is noted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle, islice, product, zip_longest
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import onnxruntime

from benchmarks import growth, large_photographs
from benchmarks.chains import BUILT_IN, CORES, DLIB, FACE_RECOGNITION, MODELS, RECIPE, Chain, Ours, all_chains
from benchmarks.growth import Row
from benchmarks.photographs import DATA
from faces.cli import running, text
from faces.errors import UsageError
from faces.evaluation.searches.trials import by_person
from faces.extraction.workers import BATCH_SIZE
from faces.files.writing import check_writable, write_bytes
from faces.images import read_image
from faces.models.torch7.file import write_t7
from faces.pipeline import Pipeline
from faces.types import Floats
from tests.torch7_files import nn4_small2

ROOT = Path(__file__).resolve().parents[1]
SMALL, LARGE = "small", "12 megapixels"
COMPARED = 48  # photographs
ALONE = "of one photograph at a time"
DIFFERENCE = 1e-3  # at most, of an embedding from what one photograph at a time gives
TIMES = (  # how many times the throughput of another chain is wanted
    (SMALL, BUILT_IN, RECIPE, 3),
    (SMALL, BUILT_IN, DLIB, 1),
    (LARGE, BUILT_IN, RECIPE, 4),
    (LARGE, BUILT_IN, DLIB, 1),
    (SMALL, BUILT_IN, FACE_RECOGNITION + "hog", 10),
    (SMALL, BUILT_IN, FACE_RECOGNITION + "cnn", 30),
)


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    small, large: photographs. few: how many of either for each model of face_recognition, which is slow.
    """

    small: int = 240
    large: int = max(2, CORES) * BATCH_SIZE
    different: int = 16  # large ones, which are then taken again
    workers: tuple[int, ...] = tuple(sorted({1, CORES}))
    rounds: int = 3
    few: tuple[tuple[str, int, int], ...] = (("hog", 24, 1), ("cnn", 12, 0))
    photographs: tuple[int, ...] = (60, 120, 240, 480)
    people: tuple[int, ...] = (100, 300, 1000)


QUICK = Plan(12, 2, 2, (CORES,), 1, (("hog", 1, 0), ("cnn", 1, 0)), (12,), (10,))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, default=DATA / "people", help="folder of small photographs per person")
    parser.add_argument("--output", type=Path, default=ROOT / "output" / "bench.json")
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it works")
    args = parser.parse_args(argv)
    plan, paths = QUICK if args.quick else Plan(), in_turns(args.dataset)
    if not paths:
        raise UsageError(f"{args.dataset}: no photographs; name another --dataset: make demo draws demo/dataset")
    check_writable(args.output)
    result: dict[str, Any] = {"machine": machine()}
    print(", ".join(f"{what} {value}" for what, value in result["machine"].items()), flush=True)
    with TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        write_t7(folder / "embedder.t7", nn4_small2())
        different = large_photographs.make(paths[: plan.different], folder / LARGE)
        sets = {SMALL: paths[: plan.small], LARGE: list(islice(cycle(different), plan.large))}
        chains = all_chains(folder / "embedder.t7", plan.workers, [model for model, *_ in plan.few], running)
        result["throughput"] = throughput(chains, sets, plan)
        result["differences"] = differences(chains, sets)
        running.close()
        result["growth with photographs"] = growth.with_photographs(paths, plan.photographs, folder)
        show("Whole commands, by photographs", result["growth with photographs"])
        result["growth with people"] = growth.with_people(plan.people, folder)
        show("Training, by people with ten photographs each", result["growth with people"])
    result["targets"] = targets(result["throughput"], result["differences"])
    show("Targets", result["targets"])
    result["load average afterwards"] = load()
    print(f"\nload average afterwards {load()}")
    write_bytes(args.output, json.dumps(result, indent=1).encode())
    print(f"-> {args.output}")
    return 0


def machine() -> dict[str, object]:
    return {
        "cores": CORES,
        "machine": platform.machine(),
        "Python": platform.python_version(),
        "OpenCV": cv2.__version__,
        "ONNX Runtime": onnxruntime.__version__,
        "load average": load(),
    }


def load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def show(title: str, rows: list[Row]) -> None:
    print(f"\n{title}\n\n{text.table(list(rows[0]), [list(row.values()) for row in rows])}", flush=True)


def in_turns(dataset: Path) -> list[Path]:
    """The first photograph of everybody, then the second of everybody, and so on."""
    turns = zip_longest(*by_person(dataset).values())
    return [path for turn in turns for path in turn if path is not None]


def throughput(chains: Sequence[Chain], sets: dict[str, list[Path]], plan: Plan) -> list[Row]:
    """A row per kind of photograph and chain: the median of the rounds, in which every chain has its turn."""
    few = {FACE_RECOGNITION + model: numbers for model, *numbers in plan.few}
    rows: list[Row] = []
    for column, (kind, paths) in enumerate(sets.items()):
        work = {chain: paths[: few[chain.name][column]] if chain.name in few else paths for chain in chains}
        times: dict[Chain, list[tuple[float, float]]] = {chain: [] for chain, some in work.items() if some}
        for chain in times:  # untimed, so that every process loads its models
            chain.embed(work[chain][: 1 if chain.name in few else 2 * BATCH_SIZE * chain.workers])
        for turn in range(plan.rounds):
            for chain in times:
                if turn == 0 or chain.name not in few:
                    times[chain].append(timed(chain, work[chain]))
        rates = {chain: len(work[chain]) / median(map(sum, seconds)) for chain, seconds in times.items()}
        recipes = next((rate for chain, rate in rates.items() if chain.name == RECIPE), None)
        rows += [
            {
                "photographs": kind,
                "chain": chain.name,
                "workers": chain.workers,
                "count": len(work[chain]),
                "ms each": round(1e3 * median(first for first, _ in seconds) / len(work[chain]), 1),
                "training, s": round(median(second for _, second in seconds), 2),
                "a second": round(rates[chain], 2),
                "times the recipe": round(rates[chain] / recipes, 2) if recipes else None,
            }
            for chain, seconds in times.items()
        ]
    show("Throughput: photographs a second, from file to classifier, after loading", rows)
    return rows


def timed(chain: Chain, paths: Sequence[Path]) -> tuple[float, float]:
    """Seconds of extraction and of training."""
    start = time.perf_counter()
    found = chain.embed(paths)
    middle = time.perf_counter()
    chain.train(found)
    return middle - start, time.perf_counter() - middle


def differences(chains: Sequence[Chain], sets: dict[str, list[Path]]) -> list[Row]:
    """How far embeddings are from those of one photograph at a time, and of one read at its full size."""
    rows: list[Row] = []
    for (kind, paths), chain in product(sets.items(), chains):
        if isinstance(chain, Ours) and chain.workers == CORES:
            found = chain.embed(paths[:COMPARED])
            pipeline = Pipeline.load(MODELS[chain.name], MODELS[chain.name])
            alone = {path: one_alone(pipeline, path) for path in found}
            row: Row = {"photographs": kind, "chain": chain.name, "count": len(found)}
            whole = {path: of_full_size(pipeline, path) for path in found}
            for what, others in ((ALONE, alone), ("of its full size", whole)):
                row[what] = float(f"{max(np.linalg.norm(found[path] - others[path]) for path in found):.1e}")
            rows.append(row)
    show("Greatest distance of an embedding from that", rows)
    return rows


def of_full_size(pipeline: Pipeline, path: Path) -> Floats:
    image = read_image(path)
    return np.asarray(pipeline.embed(image, pipeline.best_face(image))[0])


def one_alone(pipeline: Pipeline, path: Path) -> Floats:
    embedding = pipeline.enrol([path.read_bytes()])[0].embedding
    assert embedding is not None
    return embedding


def targets(throughput: list[Row], differences: list[Row]) -> list[Row]:
    """What is wanted of all cores, beside what was measured; without what was left out."""

    def rate(kind: str, chain: str) -> float:
        rows = (row for row in throughput if (row["photographs"], row["chain"]) == (kind, chain))
        return max((row["a second"] for row in rows), default=0)

    rows: list[Row] = []
    for kind, chain, other, least in TIMES:
        if rate(kind, chain) and rate(kind, other):
            times = rate(kind, chain) / rate(kind, other)
            what, wanted = f"{chain}, times {other}, {kind}", f"at least {least}"
            rows.append({"target": what, "wanted": wanted, "measured": f"{times:.1f}", "met": times >= least})
    for row in differences:
        what = f"{row['chain']}, embeddings as of one at a time, {row['photographs']}"
        met = row[ALONE] <= DIFFERENCE
        rows.append({"target": what, "wanted": f"within {DIFFERENCE}", "measured": f"{row[ALONE]:.1e}", "met": met})
    return rows


if __name__ == "__main__":
    running.run(main)
