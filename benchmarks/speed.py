"""Where the time goes: python -m benchmarks.speed [--large] [--detector ...]

Stages of enrolment beside the same in dlib, networks beside what the core can do, and the start of a script; on
../shared/data/people, or on photographs of 12 megapixels. ms are the processor's, of one core, a photograph.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

from benchmarks import large_photographs
from benchmarks.photographs import DATA, embeddings
from benchmarks.throughput import in_turns, load
from faces.cli import options, running, text
from faces.extraction.workers import BATCH_SIZE
from faces.models import packages, zoo
from faces.models.engine import Array, OnnxEngine
from faces.pipeline import Pipeline
from faces.recognition import recognizer_files
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer

ROOT = Path(__file__).resolve().parents[1]
PHOTOGRAPHS, LARGE, DLIB_PHOTOGRAPHS = 120, 16, 20
STAGES = {  # by the modules that do them
    "decode": "images.py",
    "detect": "detection",
    "5 points": "landmarks.py",
    "crop": "aligners.py",
    "embed": "embedders.py",
}
MATRIX, PRODUCTS = 2048, 5  # for what the core can do
STARTS = 5


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="photographs of 12 megapixels; without dlib")
    options.add_model_options(parser)
    args = parser.parse_args(argv)
    paths = in_turns(DATA / "people")
    cv2.setNumThreads(1)
    named: dict[str, Any] = {name: value for name, value in options.model_names(args).items() if value is not None}
    pipeline = Pipeline.load(**named, confidence=args.confidence, threads=1)
    print(f"load average {load()}\n")

    with TemporaryDirectory() as folder:
        some = large_photographs.make(paths[:LARGE], Path(folder)) if args.large else paths[:PHOTOGRAPHS]
        ours, calls = profile(pipeline, some)
    dlib = dlib_profile(some[:DLIB_PHOTOGRAPHS]) if find_spec("dlib") and not args.large else {}
    for times in filter(None, (ours, dlib)):
        times["all"] = sum(times.values())
    rows = [[stage, f"{ms:.2f}", f"{dlib[stage]:.2f}" if stage in dlib else ""] for stage, ms in ours.items()]
    print(text.table(["stage", "ours, ms", "dlib, ms"], rows))

    peak = peak_gflops()
    print(f"\nIn a product of two matrices, this core does {peak:.0f} GFLOP/s.\n")
    headings = ["network", "runs", "GFLOP", "ms", "GFLOP/s", "ms at the core's best"]
    print(text.table(headings, networks(calls, len(some), peak)))
    if not named and not args.large:
        seconds, least = start_up(paths)
        print(
            f"\nrecognize_image.py, one photograph, from exec to the first line: median of {STARTS} {seconds:.2f} s,"
            f" least {least:.2f} s"
        )
    print(f"\nload average now {load()}")
    return 0


@dataclass(frozen=True)
class Call:
    """A network's run: the ONNX file, the input, and the processor's seconds."""

    model: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    seconds: float


@contextmanager
def noted(calls: list[Call]) -> Iterator[None]:
    """Note every run of ONNX Runtime meanwhile."""
    run = OnnxEngine.run

    def noting(engine: OnnxEngine, blob: Array) -> list[Array]:
        start = time.process_time()
        outputs = run(engine, blob)
        calls.append(Call(engine._model, blob.shape, blob.dtype, time.process_time() - start))
        return outputs

    OnnxEngine.run = noting  # type: ignore[assignment, method-assign, unused-ignore]
    try:
        yield
    finally:
        OnnxEngine.run = run  # type: ignore[assignment, method-assign, unused-ignore]


def profile(pipeline: Pipeline, paths: Sequence[Path]) -> tuple[dict[str, float], list[Call]]:
    """ms of each stage of enrolment, as a worker does it, and the networks' runs in it."""
    files = [path.read_bytes() for path in paths]
    pipeline.enrol(files[:BATCH_SIZE])
    calls: list[Call] = []
    profiler = cProfile.Profile(time.process_time)
    with noted(calls), profiler:
        for start in range(0, len(files), BATCH_SIZE):
            pipeline.enrol(files[start : start + BATCH_SIZE])
    stats: Any = pstats.Stats(profiler)
    times = dict.fromkeys(STAGES, 0.0)
    for (file, *_), (*_, callers) in stats.stats.items():
        for (caller, *_), (*_, cumulative) in callers.items():
            stage, outer = stage_of(file), stage_of(caller)
            # A built-in function, "~", that calls a stage's was called by the stage itself.
            if stage and stage != outer and caller != "~":
                times[stage] += cumulative
                if outer:
                    times[outer] -= cumulative
    times["everything else"] = stats.total_tt - sum(times.values())
    return {stage: seconds * 1e3 / len(files) for stage, seconds in times.items()}, calls


def stage_of(file: str) -> str | None:
    """The stage that a source file of the package belongs to."""
    parts = Path(file).parts
    return next((stage for stage, module in STAGES.items() if "faces" in parts and module in parts), None)


def networks(calls: Sequence[Call], photographs: int, peak: float) -> list[list[object]]:
    """A row per network, of what its runs cost a photograph."""
    gflop = {kind: gflop_of(*kind) for kind in {(call.model, call.shape, call.dtype) for call in calls}}
    rows: list[list[object]] = []
    for model in dict.fromkeys(call.model for call in calls):
        runs = [call for call in calls if call.model == model]
        ms = sum(call.seconds for call in runs) * 1e3 / photographs
        total = sum(gflop[call.model, call.shape, call.dtype] for call in runs) / photographs
        numbers = f"{len(runs) / photographs:.2f}", f"{total:.3f}", f"{ms:.2f}"
        rows.append([model.stem, *numbers, f"{total / ms * 1e3:.0f}", f"{total / peak * 1e3:.2f}"])
    return rows


def gflop_of(model: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> float:
    """10^9 multiplications and additions of a run's convolutions and matrix products, two for each weight's use."""
    import onnx
    import onnxruntime

    network = onnx.load(model)
    weights = {tensor.name: tuple(tensor.dims) for tensor in network.graph.initializer}
    nodes = [node for node in network.graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    del network.graph.output[:]
    network.graph.output.extend(onnx.ValueInfoProto(name=node.output[0]) for node in nodes)
    for dimension in network.graph.input[0].type.tensor_type.shape.dim[2:] if shape[1] == 3 else ():
        dimension.Clear()
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {session.get_inputs()[0].name: np.zeros(shape, dtype)})
    flop = 0.0
    for node, output in zip(nodes, outputs, strict=True):
        size = weights[node.input[1]]
        # Each number of the output is a sum over the weights of its own channel.
        flop += 2 * output.size * np.prod(size) / output.shape[1]
    return flop / 1e9


def peak_gflops() -> float:
    """10^9 float32 operations a second in a product of large matrices, on one core; the best of some."""
    a = np.ones((MATRIX, MATRIX), np.float32)
    times = []
    with threadpool_limits(1):
        for _ in range(PRODUCTS):
            start = time.process_time()
            a @ a
            times.append(time.process_time() - start)
    return 2 * MATRIX**3 / min(times) / 1e9


def dlib_profile(paths: Sequence[Path]) -> dict[str, float]:
    """The same with dlib."""
    import dlib  # type: ignore[import-untyped, import-not-found, unused-ignore]

    files = [
        str(packages.unpacked(zoo.MODELS[name].files[0])) for name in ("dlib-mmod", "dlib-5-points", "dlib-resnet")
    ]
    detector = dlib.cnn_face_detection_model_v1(files[0])
    predictor, network = dlib.shape_predictor(files[1]), dlib.face_recognition_model_v1(files[2])

    def detect(image: Any) -> Any:
        found = detector(image, 0)
        middle = dlib.rectangle(68, 68, 182, 182)
        return image, max((one.rect for one in found), key=lambda rect: int(rect.area()), default=middle)

    stages: dict[str, Callable[[Any], Any]] = {
        "decode": lambda path: dlib.load_rgb_image(str(path)),
        "detect": detect,
        "5 points": lambda found: (found[0], predictor(*found)),
        "crop": lambda found: dlib.get_face_chip(*found, 150, 0.25),
        "embed": lambda chip: network.compute_face_descriptor(chip),
    }
    times = dict.fromkeys(stages, 0.0)
    for path in paths:
        value: Any = path
        for stage, step in stages.items():
            start = time.process_time()
            value = step(value)
            times[stage] += (time.process_time() - start) * 1e3 / len(paths)
    return times


def start_up(paths: list[Path]) -> tuple[float, float]:
    """Seconds from exec to the first line of recognize_image.py with everything in the cache: median and least."""
    pipeline = Pipeline.load()
    found = {path: vector for path, vector in embeddings(paths[:20]).items() if np.isfinite(vector).all()}
    names = tuple(path.parent.name for path in found)
    recognizer = FaceRecognizer().fit(Gallery(np.stack(list(found.values())), names, fingerprint=pipeline.fingerprint))
    seconds = []
    with TemporaryDirectory() as folder:
        recognizer_files.save(recognizer, Path(folder, "recognizer.pickle"), Path(folder, "le.pickle"))
        words = ["-r", "recognizer.pickle", "-l", "le.pickle", "-o", ".", "-i", str(paths[-1])]
        for _ in range(STARTS + 1):
            started = time.perf_counter()
            command = [sys.executable, "-u", str(ROOT / "recognize_image.py"), *words]
            with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                line = process.stdout.readline()
                seconds.append(time.perf_counter() - started)
            assert "probability" in line, line
    return median(seconds[1:]), min(seconds[1:])


if __name__ == "__main__":
    running.run(main)
