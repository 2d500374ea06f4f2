"""The detectors that can be chosen. Adding one is described in docs/add-a-model.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faces.detection.base import Detector
from faces.detection.mmod import MmodDetector
from faces.detection.ssd import SsdDetector
from faces.detection.yunet import YuNetDetector
from faces.errors import ModelError
from faces.models.zoo import MODELS
from faces.types import ModelId

BUILT_IN, DLIB = "built-in", "dlib"
PACKAGED = {BUILT_IN: "yunet-int8", DLIB: "dlib-mmod"}  # rows whose files ``faces download-models`` puts in the cache
NAMES_IN_FINGERPRINTS = {"ssd": "ssd-caffe"}  # rows with another name there
DEFAULT_CONFIDENCE, CONFIDENCES = 0.5, {BUILT_IN: 0.6}  # docs/models.md, "What is found" (benchmarks.finding)
Load = Callable[[Path, float, int | None, int], Detector]
LOADERS: dict[str, Load] = {  # by suffix; in a folder with several files the first suffix wins
    ".caffemodel": lambda path, confidence, threads, min_face: SsdDetector.load(path, confidence),
    ".pb": lambda path, confidence, threads, min_face: SsdDetector.load(path, confidence),
    ".onnx": lambda path, confidence, threads, min_face: YuNetDetector.load(path, confidence, threads, min_face),
}


def names() -> tuple[str, ...]:
    """Return what ``--detector`` takes beside a path: packaged detectors, and those with a file of their own."""
    return (*PACKAGED, *_files())


def path_of(name: str) -> Path:
    """Return the path of a detector.

    name: of ``names``, except those of ``PACKAGED``; or a path, which is returned.
    """
    return _files().get(name, Path(name))


def absolute(name: str) -> str:
    """Return a detector's name for processes in other folders: one of ``PACKAGED``, or an absolute path."""
    return name if name in PACKAGED else str(path_of(name).absolute())


def named_by(model: ModelId) -> str:
    """Return the name of the detector that a fingerprint names.

    Raises ModelError if no detector of the table has this name, or its file is not where it belongs.
    """
    packaged = next((short for short, row in PACKAGED.items() if row == model.name), None)
    if packaged is not None:
        return packaged
    name = NAMES_IN_FINGERPRINTS.get(model.name, model.name)
    path = _files().get(name)
    if path is None or not path.is_file():
        raise ModelError(f"the detector {model} is needed; name its file: --detector FILE")
    return name


def default_confidence(name: str) -> float:
    """Return the least score of a face that a detector is used with by default.

    name: as for ``load``.
    """
    return CONFIDENCES.get(name, DEFAULT_CONFIDENCE)


def load(name: str, confidence: float | None = None, threads: int | None = None, min_face: int = 60) -> Detector:
    """Load the detector that ``--detector`` names.

    name: of ``names``, or the path of a model file or of a folder with one.
    confidence: least score of a detected face, in (0, 1); None for ``default_confidence``.
    threads: within one image; by default the number of cores.
    min_face: smallest face that is looked for in large images, px; smaller values take more time. The SSD has a fixed
    limit.
    Raises ModelError if the file is missing, damaged, or not a detector.
    """
    confidence = default_confidence(name) if confidence is None else confidence
    if name == BUILT_IN:
        return YuNetDetector.built_in(confidence, threads, min_face)
    if name == DLIB:
        return MmodDetector.load(confidence, threads, min_face)
    path = path_of(name)
    if path.is_dir():
        path = _model_in(path)
    if not path.is_file():
        raise ModelError(
            f"{path}: no such detector; run: faces download-models (or leave out --detector for the built-in one)"
        )
    load_file = LOADERS.get(path.suffix.lower())
    if load_file is None:
        raise ModelError(f"{path}: expected a {_either(LOADERS)} file")
    return load_file(path, confidence, threads, min_face)


def _files() -> dict[str, Path]:
    """Return the detectors of the model table that have a file to load."""
    return {
        spec.name: Path(file.path)
        for spec in MODELS.values()
        if spec.task == "detector"
        for file in spec.files
        if not file.package and Path(file.path).suffix in LOADERS
    }


def _model_in(folder: Path) -> Path:
    for suffix in LOADERS:
        if paths := sorted(folder.glob(f"*{suffix}")):
            return paths[0]
    raise ModelError(
        f"{folder}: no {_either(LOADERS)} file in it; run: faces download-models openface"
        " (or leave out --detector for the built-in one)"
    )


def _either(suffixes: dict[str, Load]) -> str:
    """Return the suffixes as words: ``.a, .b or .c``."""
    *others, last = suffixes
    return f"{', '.join(others)} or {last}"
