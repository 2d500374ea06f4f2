"""Face detectors: an image in, its faces out. ``load`` picks one by the option that the scripts take."""

from __future__ import annotations

from pathlib import Path

from faces.detection.base import Detector
from faces.detection.mmod import MmodDetector
from faces.detection.ssd import SsdDetector
from faces.detection.yunet import YuNetDetector
from faces.errors import ModelError

__all__ = ["BUILT_IN", "Detector", "MmodDetector", "SsdDetector", "YuNetDetector", "load"]

BUILT_IN = "built-in"


def load(name: str, confidence: float = 0.5, threads: int | None = None, min_face: int = 60) -> Detector:
    """The detector that ``--detector`` names: ``built-in``, a YuNet ``.onnx``, or a folder with a model in it.

    min_face: px, for the built-in one, whose time goes with it; the others find what they find. In a folder, the Caffe
    pair is taken before the TensorFlow pair, and that before a YuNet. Raises ModelError.
    """
    if name == BUILT_IN:
        return MmodDetector.load(confidence, threads, min_face)
    path = Path(name)
    if path.is_dir():
        path = _model_in(path)
    if not path.is_file():
        raise ModelError(
            f"{path}: no such detector; run: python download_models.py (or leave out --detector for the built-in one)"
        )
    if path.suffix.lower() == ".onnx":
        return YuNetDetector.load(path, confidence, threads)
    return SsdDetector.load(path, confidence)


def _model_in(folder: Path) -> Path:
    for suffix in (".caffemodel", ".pb", ".onnx"):
        if found := sorted(folder.glob(f"*{suffix}")):
            return found[0]
    raise ModelError(
        f"{folder}: no .caffemodel, .pb or .onnx file in it; run: python download_models.py openface"
        " (or leave out --detector for the built-in one)"
    )
