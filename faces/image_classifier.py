"""Classify whole pictures with a network from ``faces train-classifier``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from faces.errors import ModelError
from faces.models.engine import OnnxEngine
from faces.types import Floats, Image

HEAD = "class"
CUT = "whole"  # the network's input is the whole picture


def fit_square(image: Image, side: int) -> Image:
    """Resize a whole picture to a square: uint8 (side, side, 3); the aspect ratio changes."""
    smaller = min(image.shape[:2]) > side
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR))


class ImageClassifier:
    """A classifier in an ONNX file whose metadata describes its input and classes.

    model: the ``.onnx`` file.
    labels: a JSON file with the names of the classes, instead of those in the model.
    threads: as for ``OnnxEngine``.
    classes: names of the C classes.
    Raises ModelError if a file is missing or invalid.
    """

    def __init__(self, model: Path, labels: Path | None = None, threads: int | None = None) -> None:
        self._engine = OnnxEngine(model, threads)
        try:
            about = json.loads(self._engine.metadata["faces"])
            self._side, cut = int(about["side"]), about["cut"]
            self.classes = _names(about["heads"][HEAD]["classes"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{model}: not a picture classifier; train one with: faces train-classifier") from error
        if cut != CUT:
            raise ModelError(f"{model}: not a picture classifier: its input is {cut}, not whole pictures")
        if labels is not None:
            self.classes = read_classes(labels)
        output = self._engine.run(np.zeros((2, self._side, self._side, 3), np.uint8))[0]
        if output.shape != (2, len(self.classes)):
            source = labels or "its own metadata"
            raise ModelError(
                f"{model}: {output.shape[-1]} outputs do not fit the {len(self.classes)} classes of {source}"
            )

    def probabilities(self, images: Sequence[Image]) -> Floats:
        """Return the probabilities of each class: float32 (N, C), rows sum to 1.

        images: N >= 0 images of any size, BGR.
        """
        if not images:
            return np.zeros((0, len(self.classes)), np.float32)
        batch = np.stack([fit_square(image, self._side) for image in images])
        return np.asarray(self._engine.run(batch)[0], np.float32)


@dataclass(frozen=True, slots=True)
class Classification:
    """The class of a picture.

    label: the class, or None if no probability is above the threshold.
    probabilities: of each class.
    """

    label: str | None
    probabilities: dict[str, float]


def decide(classes: Sequence[str], probabilities: Floats, threshold: float) -> Classification:
    """Choose the class with the highest probability, if it is above the threshold.

    classes: names of the C classes.
    probabilities: float32 (C,).
    threshold: in [0, 1].
    """
    likeliest = int(probabilities.argmax())
    accepted = bool(probabilities[likeliest] > threshold)
    values = {name: float(value) for name, value in zip(classes, probabilities, strict=True)}
    return Classification(classes[likeliest] if accepted else None, values)


def read_classes(path: Path) -> tuple[str, ...]:
    """Read the names of classes in the order of the network's outputs, from ``classes.json``.

    Raises ModelError if the file is missing or is not a list of names.
    """
    try:
        return _names(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such file with class names") from error
    except (OSError, TypeError, ValueError) as error:
        raise ModelError(f'{path}: not a list of class names such as ["cats", "dogs"]') from error


def _names(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("not a list of names")
    if len(values) < 2 or len(set(values)) < len(values):
        raise ValueError("fewer than two names, or the same name twice")
    return tuple(values)
