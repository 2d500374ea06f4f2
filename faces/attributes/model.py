"""An attribute model: an ONNX file whose metadata describes its outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from faces.attributes.answers import Head
from faces.embedding import registry
from faces.errors import ModelError
from faces.models import zoo
from faces.models.engine import Array, OnnxEngine
from faces.types import Floats, Image

FACE, HEAD = "attributes", "head"  # the alignment templates of the crops that these models take
TEMPLATES = (FACE, HEAD)
EMBEDDER = registry.PACKAGED[registry.BUILT_IN]  # the embedder of the embeddings that new models take
BEFORE = "dlib-resnet"  # the embedder of files that do not name theirs
IMAGE, EMBEDDING = "image", "embedding"  # names of the inputs
BATCH_FACES = 32  # crops in one call: more take memory and are no faster


class AttributeModel:
    """A network that predicts attributes of face crops.

    path: an ``.onnx`` file.
    threads: as for ``OnnxEngine``.
    heads: the outputs. about: the file's own description. template: of the crops, from ``TEMPLATES``.
    Raises ModelError if the file is missing, is not an attribute model, or its outputs do not match its description.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._path = path
        self._engine = OnnxEngine(path, threads)
        try:
            about = json.loads(self._engine.metadata["faces"])
            self.heads = tuple(_head(name, description) for name, description in about["heads"].items())
            self.about: dict[str, Any] = about
            self._side, self.template = int(about["side"]), about["cut"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{path}: not an attribute model: its metadata does not describe its outputs") from error
        if not self.heads or self._side < 1:
            raise ModelError(f"{path}: not an attribute model: its metadata describes no outputs")
        if self.template not in TEMPLATES:
            known = " or ".join(map(repr, TEMPLATES))
            raise ModelError(
                f"{path}: not an attribute model: it was trained on crops of type {self.template!r}, not {known}"
            )
        if self.wants_embeddings and self.embedder not in registry.PACKAGED.values():
            raise ModelError(f"{path}: it takes embeddings of {self.embedder}, which is no packaged embedder")
        self._check_outputs()

    @property
    def wants_embeddings(self) -> bool:
        """Whether ``answer`` also needs embeddings, by ``embedder``."""
        return EMBEDDING in self._engine.input_names

    @property
    def embedder(self) -> str:
        """The row of the model table that makes the embeddings that it takes; ``EMBEDDER`` if it was trained today."""
        return str(self.about.get("embedder", BEFORE))

    def answer(self, crops: Image, embeddings: Floats | None = None) -> dict[str, Floats]:
        """Predict the attributes of N >= 0 faces: by the head's name, float32 (N, classes) probabilities or (N, 1).

        crops: uint8 (N, side, side, 3), BGR, aligned to ``template``.
        embeddings: float32 (N, 128) of the same faces, by ``embedder``, unit length.
        """
        if crops.shape[1] != self._side:
            size = self._side, self._side
            resized = [cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in crops]
            crops = np.array(resized, np.uint8).reshape(len(crops), *size, 3)
        names = self._engine.output_names
        inputs: dict[str, Array] = {IMAGE: crops}
        if self.wants_embeddings:
            assert embeddings is not None, "this model needs embeddings"
            inputs[EMBEDDING] = embeddings
        batches = [
            self._engine.run({name: array[start : start + BATCH_FACES] for name, array in inputs.items()})
            for start in range(0, len(crops), BATCH_FACES)
        ]
        joined = dict(zip(names, (np.concatenate(parts) for parts in zip(*batches, strict=True)), strict=True))
        return {
            head.name: np.asarray(joined[head.name] if batches else np.zeros((0, head.width)), np.float32)
            for head in self.heads
        }

    def _check_outputs(self) -> None:
        """Run two black crops through the network, and compare its outputs with its description."""
        names, path = self._engine.output_names, self._path
        if missing := [head.name for head in self.heads if head.name not in names]:
            raise ModelError(f"{path}: it has no output {missing[0]}, only {', '.join(names)}")
        inputs: dict[str, Array] = {IMAGE: np.zeros((2, self._side, self._side, 3), np.uint8)}
        if self.wants_embeddings:
            inputs[EMBEDDING] = np.zeros((2, zoo.MODELS[self.embedder].dimension or 0), np.float32)
        outputs = dict(zip(names, self._engine.run(inputs), strict=True))
        for head in self.heads:
            output = outputs[head.name]
            if output.shape != (2, head.width):
                shape = " x ".join(map(str, output.shape))
                labels = f"{head.width} classes" if head.classes else "a number"
                raise ModelError(f"{path}: the output {head.name} is {shape} for 2 faces, which does not fit {labels}")
            if head.classes and not (np.abs(output.sum(axis=1) - 1) < 1e-2).all():
                raise ModelError(f"{path}: the output {head.name} does not sum to 1 over its classes")


def read_metadata(path: Path) -> dict[str, Any]:
    """Return an attribute model's description of itself, whichever embedder it takes embeddings of.

    Raises ModelError if the file is missing or is not an attribute model.
    """
    try:
        about = json.loads(OnnxEngine(path).metadata["faces"])
        about["heads"], about["cut"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not an attribute model: its metadata does not describe its outputs") from error
    return dict(about)


def _head(name: str, description: dict[str, object]) -> Head:
    """Return a head from its description in the file; raise TypeError or ValueError if it is malformed."""
    classes, unit = description.get("classes", ()), description.get("unit", "")
    if not isinstance(classes, (list, tuple)) or not all(isinstance(label, str) for label in classes):
        raise TypeError("classes are not names")
    if len(classes) == 1 or len(set(classes)) != len(classes) or not isinstance(unit, str):
        raise ValueError("fewer than two classes, or two of the same name")
    return Head(name, tuple(classes), unit)
