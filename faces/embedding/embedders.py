"""Embedders: crops of faces to unit vectors; close vectors show the same person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.embedding import registry, views
from faces.embedding.aligners import TEMPLATES, Aligner
from faces.embedding.registry import BUILT_IN
from faces.embedding.views import VIEWS, Views
from faces.errors import ModelError, UsageError
from faces.files.digest import digest
from faces.models import conversion, zoo
from faces.models.engine import Array, Engine, OnnxEngine, torch7_engine
from faces.models.spec import ModelSpec
from faces.types import Floats, Image, ModelId

DEFAULT, BEST = "default", "best"
FAST = "fast"  # kept for a smaller network: until there is one, it is the same as the default
ACCURACIES = (DEFAULT, BEST, FAST)
BATCH_FACES = 16  # crops in one call: more are no faster and take memory
LEAST_DIMENSION = 64  # of an embedding: a network with fewer outputs is something else

__all__ = ["ACCURACIES", "BATCH_FACES", "BEST", "BUILT_IN", "DEFAULT", "FAST", "Embedder", "load", "unit"]


class Embedder:
    """A network that turns crops of faces into embeddings.

    engine: the network.
    spec: its row of the model table.
    model: its name and digest, for fingerprints; the name of the views is added.
    aligner: cuts the crops.
    prepare: turns crops uint8 (N, side, side, 3), BGR, into the network's input.
    views: views of each crop. An embedding is the mean of the network's outputs for all views; the time grows with
    their number (docs/accuracy.md, "Views").
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
        """Return the network's output for one view: float32 (N, D), not normalized.

        crops: uint8 (N, side, side, 3), BGR; N may be 0.
        """
        batches = [crops[start : start + BATCH_FACES] for start in range(0, len(crops), BATCH_FACES)]
        if not batches:
            return np.zeros((0, self.spec.dimension or 0), np.float32)
        return np.concatenate([self._engine.run(self._prepare(batch))[0].reshape(len(batch), -1) for batch in batches])

    def embed(self, crops: Image) -> Floats:
        """Return embeddings: float32 (N, D), unit length.

        crops: uint8 (N, side, side, 3), BGR; N may be 0.
        """
        return self.embed_with_outputs(crops)[0]

    def embed_with_outputs(self, crops: Image) -> tuple[Floats, Floats]:
        """Return embeddings, and the network's outputs for the crops as they are, without other views.

        crops: as for ``embed``.
        The embeddings are float32 (N, D), unit length; the outputs float32 (N, D), not normalized.
        """
        outputs = self.forward(np.concatenate([view.of(crops) for view in self._views]))
        views = unit(outputs).reshape(len(self._views), len(crops), outputs.shape[1])
        return unit(views.sum(axis=0)), outputs[: len(crops)]  # the first view is the crop itself


def unit(vectors: Floats) -> Floats:
    """Return vectors (N, D) scaled to unit length; a zero vector stays zero."""
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite stays so: see ``usable``
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


NOT_USABLE = "the embedding model fails on it: its embedding is not finite or is zero"


def usable(embeddings: Floats) -> NDArray[np.bool_]:
    """Return whether each embedding, float32 (N, D), is finite and not zero: bool (N,)."""
    return np.asarray(np.isfinite(embeddings).all(axis=1) & embeddings.any(axis=1))


def load(name: str, threads: int | None = None, accuracy: str = DEFAULT) -> Embedder:
    """Load the embedder that ``--embedding-model`` names.

    name: of ``registry.names``, or the path of a ``.t7`` or ``.onnx`` file.
    threads: within one call of the network; by default the number of cores.
    accuracy: of ``ACCURACIES``.
    Raises ModelError if the file is missing or is not an embedder, and UsageError if this accuracy was not measured for
    the embedder.
    """
    if accuracy not in ACCURACIES:
        raise UsageError(f"no accuracy {accuracy!r}; there are {', '.join(ACCURACIES)}")
    if name in registry.PACKAGED:
        return _load_packaged(zoo.MODELS[registry.PACKAGED[name]], threads, accuracy)
    if accuracy == BEST:
        raise UsageError(
            f"--accuracy {accuracy} works with the built-in embedder and dlib only; leave out it or --embedding-model"
            f" {name}"
        )
    path = registry.path_of(name)
    if not path.is_file():
        raise ModelError(
            f"{path}: no such embedding model; run: faces download-models"
            " (or leave out --embedding-model for the built-in one)"
        )
    if path.suffix.lower() == ".t7":
        return _load_torch7(path, threads)
    if path.suffix.lower() == ".onnx":
        return _load_onnx(path, threads)
    raise ModelError(f"{path}: expected a .t7 or .onnx file")


def _load_packaged(spec: ModelSpec, threads: int | None, accuracy: str) -> Embedder:
    chosen = VIEWS[spec.best_views if accuracy == BEST else spec.views]
    points = zoo.operating_points(", ".join(filter(None, (spec.name, chosen.name))))
    engine = OnnxEngine(conversion.converted(spec), threads)
    return _embedder(engine, replace(spec, operating_points=points), zoo.model_id(spec), chosen)


def _load_torch7(path: Path, threads: int | None) -> Embedder:
    """Load a ``.t7``; known files are converted to ONNX once and kept in the cache."""
    sha256 = _sha256(path)
    known = registry.known(path, sha256)
    spec = known or registry.similar(path)
    engine = torch7_engine(path, threads, f"{spec.name}-{sha256[:8]}" if known else None)
    spec = replace(spec, dimension=_dimension(engine, spec, path))
    return _embedder(engine, spec, ModelId(spec.name, sha256))


def _load_onnx(path: Path, threads: int | None) -> Embedder:
    network = OnnxEngine(path, threads)
    sha256 = _sha256(path)
    spec = registry.known(path, sha256) or registry.similar(path, network.input_shape)
    spec = replace(spec, dimension=_dimension(network, spec, path))
    engine: Engine = _OneByOne(network) if network.input_shape[0] == 1 else network  # 1: exported for a batch of one
    return _embedder(engine, spec, ModelId(spec.name, sha256))


def _embedder(engine: Engine, spec: ModelSpec, model: ModelId, views: Views = views.MIRRORED) -> Embedder:
    return Embedder(engine, spec, model, Aligner(TEMPLATES[spec.template]), _preparation(spec), views)


def _sha256(path: Path) -> str:
    return digest(path).removeprefix("sha256:")


def _dimension(engine: Engine, spec: ModelSpec, path: Path) -> int:
    """Run a network to get the length of its embeddings; raise ModelError if its output is not an embedding."""
    assert spec.input_wh is not None
    output = engine.run(_preparation(spec)(np.zeros((1, *spec.input_wh, 3), np.uint8)))[0]
    if output.ndim != 2 or len(output) != 1 or output.shape[1] < LEAST_DIMENSION:
        raise ModelError(f"{path}: its output is {output.shape}, not one embedding a face")
    return int(output.shape[1])


class _OneByOne:
    """Runs a network that takes one crop at a time on a batch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, blob: Array) -> list[Array]:
        return [np.concatenate([self._engine.run(crop[None])[0] for crop in blob])]


def _preparation(spec: ModelSpec) -> Callable[[Image], Array]:
    """Return the function that turns crops uint8 (N, side, side, 3), BGR, into a network's input."""
    if spec.takes_bytes:
        return np.ascontiguousarray

    def prepare(crops: Image) -> Array:
        blob = cv2.dnn.blobFromImages(list(crops), spec.scale, mean=spec.mean, swapRB=spec.channels == "RGB")
        return np.asarray(blob, np.float32)

    return prepare
