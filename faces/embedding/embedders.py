"""Embedders: crops of faces in, points on the unit sphere out; close points are the same person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from faces.embedding import views
from faces.embedding.aligners import TEMPLATES, Aligner
from faces.embedding.views import Views
from faces.errors import ModelError, UsageError
from faces.files import digest
from faces.models import cache, dlib, zoo
from faces.models.engine import Array, Engine, OnnxEngine, torch7_engine
from faces.models.spec import ModelSpec
from faces.types import Floats, Image, ModelId

BUILT_IN = "built-in"
FAST = "fast"
ACCURACIES = {FAST: views.MIRRORED, "best": views.BEST}
BATCH = 16  # crops in one call: larger ones are no faster, and take memory


class Embedder:
    """A network that turns crops into embeddings.

    prepare: uint8 (N, side, side, 3) BGR crops to the network's input. views: how it sees each crop; an embedding is
    the mean of what it says, and takes as much longer (what that is worth: docs/accuracy.md, "Views").
    """

    def __init__(
        self,
        engine: Engine,
        spec: ModelSpec,
        model: ModelId,
        aligner: Aligner,
        prepare: Callable[[Image], Array],
        views: Views = views.MIRRORED,
    ) -> None:
        self.spec = spec
        self.model = replace(model, name=", ".join(filter(None, (model.name, views.name))))
        self.aligner = aligner
        self._views = views.views
        self._engine = engine
        self._prepare = prepare

    def forward(self, crops: Image) -> Floats:
        """float32 (N, D): what the network says of (N, side, side, 3) crops, its own length kept; N may be 0."""
        batches = [crops[start : start + BATCH] for start in range(0, len(crops), BATCH)]
        if not batches:
            return np.zeros((0, self.spec.dimension or 0), np.float32)
        return np.concatenate([self._engine.run(self._prepare(batch))[0].reshape(len(batch), -1) for batch in batches])

    def embed(self, crops: Image) -> Floats:
        """float32 (N, D), unit length."""
        seen = unit(self.forward(np.concatenate([view.of(crops) for view in self._views])))
        return unit(seen.reshape(len(self._views), len(crops), seen.shape[1]).sum(axis=0))


def unit(vectors: Floats) -> Floats:
    """Vectors (N, D) at unit length; a zero vector stays one."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


def load(name: str, threads: int | None = None, accuracy: str = FAST) -> Embedder:
    """The embedder that ``--embedding-model`` names: ``built-in``, a ``.t7``, or an ``.onnx``.

    accuracy: of ``ACCURACIES``. Raises ModelError when it is missing or is no network that embeds faces, and UsageError
    when more views of a face are asked of another than the built-in one, for which they were never measured.
    """
    if name == BUILT_IN:
        spec, way = zoo.MODELS["dlib-resnet"], ACCURACIES[accuracy]
        engine = OnnxEngine(dlib.converted(spec), threads)
        aligner, model = Aligner(TEMPLATES["dlib-chip"]), zoo.model_id(spec)
        spec = replace(spec, operating_points=zoo.operating_points(f"{spec.name}, {way.name}"))
        return Embedder(engine, spec, model, aligner, np.ascontiguousarray, way)
    if accuracy != FAST:
        raise UsageError(f"--accuracy {accuracy} is the built-in embedder's: leave out it or --embedding-model {name}")
    path = Path(name)
    if not path.is_file():
        raise ModelError(
            f"{path}: no such embedding model; run: python download_models.py"
            " (or leave out --embedding-model for the built-in one)"
        )
    if path.suffix.lower() == ".t7":
        return _load_torch7(path, threads)
    if path.suffix.lower() == ".onnx":
        return _load_onnx(path, threads)
    raise ModelError(f"{path}: expected a .t7 or .onnx file")


def _load_torch7(path: Path, threads: int | None) -> Embedder:
    """OpenFace's network with whatever weights; this project's and the original ones are converted but once."""
    ours, original = zoo.MODELS["openface-distilled"], zoo.MODELS["openface"]
    known = next((spec for spec in (ours, original) if cache.matches(path, spec.files[0])), None)
    spec = known or original
    model = _id(path, spec)
    network = torch7_engine(path, threads, f"{spec.name}-{model.sha256[:8]}" if known else None)
    spec = replace(spec, dimension=_dimension(network, spec, path))
    return Embedder(network, spec, model, Aligner(TEMPLATES["openface"]), _blob(spec))


def _load_onnx(path: Path, threads: int | None) -> Embedder:
    """An embedder of the ArcFace kind (SFace is one), or OpenFace's network, told apart by the input's size."""
    engine = OnnxEngine(path, threads)
    shape = engine.input_shape
    side = shape[-1] if len(shape) == 4 and shape[1] == 3 and shape[-1] == shape[-2] else None
    if side == 112:
        spec, template = zoo.MODELS["sface" if _normalizes_itself(path) else "arcface"], "arcface"
    elif side == 96:
        spec, template = zoo.MODELS["openface"], "openface"
    else:
        raise ModelError(f"{path}: its input is {shape}; known embedders take (n, 3, 112, 112) or (n, 3, 96, 96)")
    spec = replace(spec, dimension=_dimension(engine, spec, path))
    runner: Engine = _OneByOne(engine) if shape[0] == 1 else engine  # 1: exported for a batch of one
    return Embedder(runner, spec, _id(path, spec), Aligner(TEMPLATES[template]), _blob(spec))


def _dimension(engine: Engine, spec: ModelSpec, path: Path) -> int:
    """The length of a network's embeddings, which a trial tells; raises ModelError where it gives none."""
    assert spec.input_wh is not None
    output = engine.run(_blob(spec)(np.zeros((1, *spec.input_wh, 3), np.uint8)))[0]
    if output.ndim != 2 or len(output) != 1 or output.shape[1] < 64:
        raise ModelError(f"{path}: its output is {output.shape}, not one embedding a face")
    return int(output.shape[1])


class _OneByOne:
    """Gives a network that takes one crop at a time a whole batch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, blob: Array) -> list[Array]:
        return [np.concatenate([self._engine.run(crop[None])[0] for crop in blob])]


def _id(path: Path, spec: ModelSpec) -> ModelId:
    return ModelId(spec.name, digest.digest(path).removeprefix("sha256:"))


def _blob(spec: ModelSpec) -> Callable[[Image], Array]:
    """Crops to float32 (N, 3, side, side), as the spec says."""

    def prepare(crops: Image) -> Array:
        blob = cv2.dnn.blobFromImages(list(crops), spec.scale, mean=spec.mean, swapRB=spec.channels == "RGB")
        return np.asarray(blob, np.float32)

    return prepare


def _normalizes_itself(path: Path) -> bool:
    """Whether the network begins with its own subtraction and scaling, as SFace's does and insightface's do not."""
    import onnx

    first = [node.op_type for node in onnx.load(path, load_external_data=False).graph.node[:8]]
    return "Sub" in first or "Mul" in first
