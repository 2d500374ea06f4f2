"""What a picture is of, by a classifier of ``train_classifier.py``."""

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
CUT = "whole"  # what such a network sees: the picture from edge to edge


def fit_square(image: Image, side: int) -> Image:
    """uint8 (side, side, 3): the whole picture, stretched where it is no square."""
    smaller = min(image.shape[:2]) > side
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR))


class ImageClassifier:
    """A classifier in an ONNX file that says what it takes.

    labels: a JSON file with the names of the classes, instead of those in the model. threads: as for ``OnnxEngine``.
    classes: (C,), the names. Raises ModelError when a file is missing or not what it should be.
    """

    def __init__(self, model: Path, labels: Path | None = None, threads: int | None = None) -> None:
        self._engine = OnnxEngine(model, threads)
        try:
            about = json.loads(self._engine.metadata["faces"])
            self._side, cut = int(about["side"]), about["cut"]
            self.classes = _names(about["heads"][HEAD]["classes"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{model}: no classifier of pictures; make one with: train_classifier.py") from error
        if cut != CUT:
            raise ModelError(f"{model}: its input is not whole pictures but {cut}; it is no classifier of pictures")
        if labels is not None:
            self.classes = read_classes(labels)
        output = self._engine.run(np.zeros((2, self._side, self._side, 3), np.uint8))[0]
        if output.shape != (2, len(self.classes)):
            where = labels or "its own description"
            raise ModelError(
                f"{model}: {output.shape[-1]} outputs do not fit the {len(self.classes)} classes of {where}"
            )

    def probabilities(self, images: Sequence[Image]) -> Floats:
        """float32 (N, C), in rows of sum 1, of images of any size."""
        if not images:
            return np.zeros((0, len(self.classes)), np.float32)
        batch = np.stack([fit_square(image, self._side) for image in images])
        return np.asarray(self._engine.run(batch)[0], np.float32)


@dataclass(frozen=True, slots=True)
class Verdict:
    """label: the class, or None when no probability passes the threshold. probabilities: of each class."""

    label: str | None
    probabilities: dict[str, float]


def decide(classes: Sequence[str], probabilities: Floats, threshold: float) -> Verdict:
    """Which class a picture is of, by float32 (C,): the one whose probability is above the threshold.

    Of two classes, the second's being below 1 - threshold is the first's being above it.
    """
    likeliest = int(probabilities.argmax())
    sure = bool(probabilities[likeliest] > threshold)
    values = {name: float(value) for name, value in zip(classes, probabilities, strict=True)}
    return Verdict(classes[likeliest] if sure else None, values)


def read_classes(path: Path) -> tuple[str, ...]:
    """The names in ``classes.json``, in the order of the network's outputs; raises ModelError."""
    try:
        return _names(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such file of class names") from error
    except (OSError, TypeError, ValueError) as error:
        raise ModelError(f'{path}: no list of class names such as ["cats", "dogs"]') from error


def _names(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("not a list of names")
    if len(values) < 2 or len(set(values)) < len(values):
        raise ValueError("not two names or more, each one once")
    return tuple(values)
