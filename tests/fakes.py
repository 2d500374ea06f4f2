"""Stand-ins for models: deterministic, small, and with answers that can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from faces.images import Picture
from faces.types import Faces, Floats, Image, LandmarkScheme, ModelId

Array = NDArray[Any]


class FakeEngine:
    """Answers with what a function makes of the input, and remembers its inputs."""

    def __init__(self, answer: Callable[[Array], list[Array]]) -> None:
        self.answer = answer
        self.blobs: list[Array] = []

    def run(self, blob: Array) -> list[Array]:
        self.blobs.append(blob)
        return self.answer(blob)


class FakeDetector:
    """The one face of an image is where it is not black; counts how often it looked."""

    model = ModelId("fake-detector", "d" * 64)
    upright_score: float | None = None

    def __init__(self, scheme: LandmarkScheme | None = None) -> None:
        self.scheme = scheme
        self.looks = 0

    def detect(self, image: Image) -> Faces:
        self.looks += 1
        rows, columns = np.nonzero(image.any(axis=2))
        if len(rows) == 0:
            return Faces.empty()
        box = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
        points = None if self.scheme is None else box[:, None, :2] + np.zeros((1, 5, 2), np.float32)
        return Faces(box, np.array([0.9], np.float32), points, self.scheme)

    def portrait(self, picture: Picture, smallest: float) -> Faces:
        return self.detect(picture.at_least(1)[0])

    def least_face(self, height: int, width: int) -> float:
        return 0.0

    def refine(self, image: Image, faces: Faces) -> Faces:
        return faces

    def predictor_boxes(self, faces: Faces) -> Floats:
        return faces.xyxy


def faces_at(*boxes: Sequence[float], score: float = 0.9) -> Faces:
    """Faces without landmarks."""
    return Faces(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), score, np.float32))


def smooth(x: Array, y: Array) -> Array:
    """Colours (..., 3) of an endless picture without detail, 40 to 215, at any place."""
    waves = [np.sin(x / 17 + 1) + np.cos(y / 23), np.sin((x + y) / 29), np.cos(x / 31 - y / 19)]
    return 127.5 + 40 * np.stack(waves, axis=-1)


def noise(height: int, width: int, seed: int = 0) -> Image:
    """A picture of nothing but detail, without black."""
    return np.random.default_rng(seed).integers(1, 256, (height, width, 3), dtype=np.uint8)


def write_onnx(
    path: Path,
    shape: Sequence[int | str],
    nodes: Sequence[tuple[str, list[str], list[str]]],
    outputs: Sequence[str] = ("y",),
    weights: dict[str, Array] | None = None,
) -> Path:
    """A float32 network of (operator, inputs, outputs), from ``x`` of a shape to ``outputs``."""
    graph = helper.make_graph(
        [helper.make_node(*node) for node in nodes],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def write_embedder(
    path: Path, side: int = 112, batch: int | str = "n", normalizing: bool = False, dimension: int = 64
) -> Path:
    """An embedder whose first three numbers are the means of the input's channels, and whose others are 0."""
    first = [("Sub", ["x", "mean"], ["s"]), ("Mul", ["s", "scale"], ["p"])] if normalizing else []
    body = [
        ("GlobalAveragePool", ["p" if normalizing else "x"], ["g"]),
        ("Flatten", ["g"], ["f"]),
        ("MatMul", ["f", "w"], ["y"]),
    ]
    weights = {"mean": np.array(100, np.float32), "scale": np.array(2, np.float32)} if normalizing else {}
    weights["w"] = np.eye(3, dimension, dtype=np.float32)
    return write_onnx(path, [batch, 3, side, side], [*first, *body], weights=weights)
