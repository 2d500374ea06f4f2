"""One attribute model: an ONNX file that says itself what it answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faces.attributes.answers import Head
from faces.errors import ModelError
from faces.models import zoo
from faces.models.engine import Array, OnnxEngine
from faces.types import Floats, Image

CUT = "attributes"  # the aligner's template that these models know faces by
EMBEDDER = "dlib-resnet"  # whose embeddings they are given, where they take any
IMAGE, EMBEDDING = "image", "embedding"  # inputs
BATCH = 32  # chips in one call: more take memory, and are no faster


class AttributeModel:
    """A network that answers questions about chips, all of them at once.

    heads: what it answers. about: all that the file says of itself. threads: as for ``OnnxEngine``.
    Raises ModelError when the file is missing, no network, none of ours, or its outputs do not fit its labels.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._path = path
        self._engine = OnnxEngine(path, threads)
        try:
            said = json.loads(self._engine.metadata["faces"])
            self.heads = tuple(_head(name, what) for name, what in said["heads"].items())
            self.about: dict[str, Any] = said
            self._side, cut = int(said["side"]), said["cut"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{path}: no attribute model: it does not say what it answers") from error
        if not self.heads or self._side < 1:
            raise ModelError(f"{path}: no attribute model: it says that it answers nothing")
        if cut != CUT:
            raise ModelError(f"{path}: no attribute model: it was trained on images cut as {cut!r}, not {CUT!r}")
        self._try_out()

    @property
    def wants_embeddings(self) -> bool:
        """Whether ``answer`` needs the built-in embedder's embeddings, too."""
        return EMBEDDING in self._engine.input_names

    def answer(self, chips: Image, embeddings: Floats | None = None) -> dict[str, Floats]:
        """By the head's name float32 (N, classes), probabilities, or (N, 1).

        chips: uint8 (N, side, side, 3), BGR. embeddings: float32 (N, 128) of the same faces, by the built-in embedder.
        """
        if chips.shape[1] != self._side:
            size = self._side, self._side
            small = [cv2.resize(chip, size, interpolation=cv2.INTER_AREA) for chip in chips]
            chips = np.array(small, np.uint8).reshape(len(chips), *size, 3)
        names = self._engine.output_names
        given: dict[str, Array] = {IMAGE: chips}
        if self.wants_embeddings:
            assert embeddings is not None, "this model needs embeddings"
            given[EMBEDDING] = embeddings
        parts = [
            self._engine.run({name: array[start : start + BATCH] for name, array in given.items()})
            for start in range(0, len(chips), BATCH)
        ]
        joined = dict(zip(names, (np.concatenate(some) for some in zip(*parts, strict=True)), strict=True))
        return {
            head.name: np.asarray(joined[head.name] if parts else np.zeros((0, head.width)), np.float32)
            for head in self.heads
        }

    def _try_out(self) -> None:
        """Two black chips show what the outputs are."""
        names, path = self._engine.output_names, self._path
        if missing := [head.name for head in self.heads if head.name not in names]:
            raise ModelError(f"{path}: it has no output {missing[0]}, only {', '.join(names)}")
        given: dict[str, Array] = {IMAGE: np.zeros((2, self._side, self._side, 3), np.uint8)}
        if self.wants_embeddings:
            given[EMBEDDING] = np.zeros((2, zoo.MODELS[EMBEDDER].dimension or 0), np.float32)
        outputs = dict(zip(names, self._engine.run(given), strict=True))
        for head in self.heads:
            output = outputs[head.name]
            if output.shape != (2, head.width):
                shape = " x ".join(map(str, output.shape))
                labels = f"{head.width} classes" if head.classes else "a number"
                raise ModelError(f"{path}: the output {head.name} is {shape} for 2 faces, which does not fit {labels}")
            if head.classes and not (np.abs(output.sum(axis=1) - 1) < 1e-2).all():
                raise ModelError(f"{path}: the output {head.name} is no probabilities")


def _head(name: str, what: dict[str, object]) -> Head:
    """As the file describes it; raises TypeError or ValueError."""
    classes, unit = what.get("classes", ()), what.get("unit", "")
    if not isinstance(classes, (list, tuple)) or not all(isinstance(one, str) for one in classes):
        raise TypeError("classes are names")
    if len(classes) == 1 or len(set(classes)) != len(classes) or not isinstance(unit, str):
        raise ValueError("classes are several, and different")
    return Head(name, tuple(classes), unit)
