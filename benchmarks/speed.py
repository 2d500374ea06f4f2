"""How fast everything is, side by side in one run: python -m benchmarks.speed

On ../shared/data/people. Chains are timed after loading; ratios are to the built-in models. Only on a machine that does
nothing else do the figures mean something: the load is printed first.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import onnxruntime

from benchmarks.photographs import DATA, by_person
from faces import cli, recognizers, zoo
from faces.gallery import Gallery
from faces.images import decode_image
from faces.pipeline import Pipeline
from faces.recognizers import FaceRecognizer
from tests.torch7_files import nn4_small2, write_t7

ROOT = Path(__file__).resolve().parents[1]
MODELS = DATA.parent / "models"
YUNET = MODELS / "face_detection_yunet_2026may.onnx"
WORKERS = 2
WARM_UP = 16  # photographs, untimed
DLIB_PHOTOGRAPHS, RECIPE_PHOTOGRAPHS = 20, 100  # they are slow
STARTS = 5


def main(argv: Sequence[str] | None = None) -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(argv)
    paths = [path for paths in by_person(DATA / "people").values() for path in paths]
    print(f"{os.cpu_count()} cores, {platform.machine()}; Python {platform.python_version()}, OpenCV {cv2.__version__},"
          f" ONNX Runtime {onnxruntime.__version__}; load average {load()}\n")  # fmt: skip
    print(cli.table(["chain", "photographs", "ms each", "times ours"], chains(paths)))
    print("\nOne photograph at a time, medians:\n")
    print(cli.table(["stage", "ours, ms", "dlib, ms", "ratio"], stages(paths[::24])))
    seconds, least = start_up(paths)
    print(f"\nrecognize_image.py, one photograph, from exec to the first line: median of {STARTS} {seconds:.2f} s,"
          f" least {least:.2f} s")  # fmt: skip
    print(f"\nload average now {load()}")
    return 0


def load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def chains(paths: list[Path]) -> list[list[object]]:
    """A row per chain, from file to embedding."""
    with TemporaryDirectory() as folder:
        recipe = recipes_loop(Path(folder))
    runs: list[tuple[str, list[Path], Callable[[list[Path]], object]]] = [
        (f"built-in, {WORKERS} workers", paths, enrolment("built-in")),
        (f"YuNet, 5 points, ResNet, {WORKERS} workers", paths, enrolment(str(YUNET))),
        ("the recipe's loop: SSD, nn4.small2", paths[:RECIPE_PHOTOGRAPHS], lambda some: list(map(recipe, some))),
    ]
    if find_spec("dlib"):
        chain, few = dlib_stages(), paths[:: len(paths) // DLIB_PHOTOGRAPHS]
        runs.append(("dlib: cnn, 5 points, resnet", few, lambda some: [all_stages(chain, path) for path in some]))
    each = []
    for _, some, run in runs:
        run(some[: min(WARM_UP, len(some) // 10)])
        started = time.perf_counter()
        run(some)
        each.append((time.perf_counter() - started) * 1e3 / len(some))
    return [
        [name, len(some), round(ms, 1), round(ms / each[0], 1)] for (name, some, _), ms in zip(runs, each, strict=True)
    ]


def enrolment(detector: str) -> Callable[[list[Path]], object]:
    """As extract_embeddings.py does it."""
    pipeline = Pipeline.load(detector, threads=1)
    return lambda paths: list(pipeline.enrol_all(paths, WORKERS))


def recipes_loop(folder: Path) -> Callable[[Path], object]:
    """The recipe's: one image at a time through OpenCV. The .t7 has random weights, and the real one's layout."""
    write_t7(folder / "openface.t7", nn4_small2())
    detector = cv2.dnn.readNetFromTensorflow(
        str(MODELS / "opencv_face_detector_uint8.pb"), str(MODELS / "opencv_face_detector.pbtxt")
    )
    embedder = cv2.dnn.readNetFromTorch(str(folder / "openface.t7"))

    def embed(path: Path) -> object:
        image = cv2.imread(str(path))
        assert image is not None
        image = cv2.resize(image, (600, round(600 * image.shape[0] / image.shape[1])), interpolation=cv2.INTER_AREA)
        small = cv2.resize(image, (300, 300))
        detector.setInput(cv2.dnn.blobFromImage(small, 1.0, (300, 300), (104.0, 177.0, 123.0)))
        rows = detector.forward()[0, 0]
        best = rows[rows[:, 2].argmax()]
        x1, y1, x2, y2 = np.clip(best[3:] * np.tile(image.shape[1::-1], 2), 0, 600).astype(int)
        face = image[y1:y2, x1:x2]
        if best[2] < 0.5 or min(face.shape[:2]) < 20:
            return None
        embedder.setInput(cv2.dnn.blobFromImage(face, 1.0 / 255, (96, 96), (0, 0, 0), swapRB=True))
        return embedder.forward()

    return embed


Stages = dict[str, Callable[[Any], Any]]


def our_stages() -> Stages:
    """From one stage's result to the next's; as enrolment goes, but one photograph at a time."""
    pipeline = Pipeline.load(min_face=80)
    return {
        "decode": lambda path: decode_image(path.read_bytes(), path.suffix),
        "detect, faces from 80 px": lambda image: (image, pipeline.detector.detect(image).best(*image.shape[1::-1])),
        "5 points": lambda found: (found[0], pipeline.predictor.predict(*found)),
        "crop": lambda found: pipeline.embedder.aligner.crop(*found),
        "embed, ours with the mirror image": lambda crops: pipeline.embedder.embed(crops),
    }


def dlib_stages() -> Stages:
    """The same with dlib."""
    import dlib  # type: ignore[import-untyped, import-not-found, unused-ignore]

    files = [str(zoo.packaged(zoo.MODELS[name].files[0])) for name in ("dlib-mmod", "dlib-5-points", "dlib-resnet")]
    detector = dlib.cnn_face_detection_model_v1(files[0])
    predictor, network = dlib.shape_predictor(files[1]), dlib.face_recognition_model_v1(files[2])

    def detect(image: Any) -> Any:
        found = detector(image, 0)
        middle = dlib.rectangle(68, 68, 182, 182)
        return image, max((one.rect for one in found), key=lambda rect: int(rect.area()), default=middle)

    return {
        "decode": lambda path: dlib.load_rgb_image(str(path)),
        "detect, faces from 80 px": detect,
        "5 points": lambda found: (found[0], predictor(*found)),
        "crop": lambda found: dlib.get_face_chip(*found, 150, 0.25),
        "embed, ours with the mirror image": lambda chip: network.compute_face_descriptor(chip),
    }


def all_stages(chain: Stages, path: Path) -> Any:
    value: Any = path
    for stage in chain.values():
        value = stage(value)
    return value


def stages(paths: list[Path]) -> list[list[object]]:
    """A row per stage, and one for all."""
    columns = [stage_times(our_stages(), paths)]
    if find_spec("dlib"):
        columns.append(stage_times(dlib_stages(), paths))
    rows: list[list[object]] = []
    for name in [*columns[0], "all"]:
        values = [sum(column.values()) if name == "all" else column[name] for column in columns]
        ratio = round(values[1] / values[0], 1) if len(values) > 1 else "-"
        rows.append([name, round(values[0], 2), round(values[1], 2) if len(values) > 1 else "-", ratio])
    return rows


def stage_times(chain: Stages, paths: list[Path]) -> dict[str, float]:
    """ms of each stage: medians over the photographs, of which the first two are not timed."""
    times: dict[str, list[float]] = {name: [] for name in chain}
    for path in paths:
        value: Any = path
        for name, stage in chain.items():
            started = time.perf_counter()
            value = stage(value)
            times[name].append((time.perf_counter() - started) * 1e3)
    return {name: median(values[2:]) for name, values in times.items()}


def start_up(paths: list[Path]) -> tuple[float, float]:
    """Seconds from exec to the first line of recognize_image.py with everything in the cache: median and least."""
    pipeline = Pipeline.load()
    some = paths[::24]
    enrolled = [enrolment for enrolment in pipeline.enrol(some) if enrolment.embedding is not None]
    vectors = np.stack([enrolment.embedding for enrolment in enrolled if enrolment.embedding is not None])
    names = tuple(enrolment.path.parent.name for enrolment in enrolled)
    recognizer = FaceRecognizer().fit(Gallery(vectors, names, fingerprint=pipeline.fingerprint))
    seconds = []
    with TemporaryDirectory() as folder:
        recognizers.save(recognizer, Path(folder, "recognizer.pickle"), Path(folder, "le.pickle"))
        words = ["-r", "recognizer.pickle", "-l", "le.pickle", "-o", ".", "-i", str(paths[1])]
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
    cli.run(main)
