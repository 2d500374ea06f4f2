"""The only door to an inference runtime: ONNX Runtime for ``.onnx`` and ``.t7``, ``cv2.dnn`` for Caffe and TensorFlow.

A ``.t7`` of another network than OpenFace's is for ``cv2.dnn``, too, where this OpenCV has a reader for it.

An engine takes one array and gives the network's outputs. It knows nothing of pictures or faces.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.errors import CacheError, ModelError, first_line
from faces.models import cache
from faces.models.torch7 import to_onnx

Array = NDArray[Any]


class Engine(Protocol):
    """A network that runs: one input, named outputs in the network's order."""

    def run(self, blob: Array) -> list[Array]:
        """The outputs for one input, whose shape and dtype are the network's."""
        ...


class OnnxEngine:
    """An ONNX network on the processor, by ONNX Runtime; may be called from several threads at once.

    model: an ``.onnx`` file, or a ``.t7`` of OpenFace's kind. threads: within one call; for several calls at once, 1
    serves best. any_size: take images of any height and width where the file states one, which a network that only
    convolves can.
    Raises ModelError when the file is missing or is no ONNX network.
    """

    def __init__(self, model: Path, threads: int | None = None, any_size: bool = False) -> None:
        import onnxruntime as ort

        ort.disable_telemetry_events()  # on Windows older versions heed this, not the environment (see faces)
        if not model.is_file():
            raise ModelError(f"{model}: no such model file")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or os.cpu_count() or 1
        # A pool that spins after its turn keeps the cores from the next network: a photograph took twice as long.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False  # of each size of picture, another block as large as all it takes
        options.log_severity_level = 3
        try:
            source = _source(model, any_size)
            self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions have no common base but Exception
            raise ModelError(f"{model}: not a network that ONNX Runtime can run ({first_line(error)})") from error
        self._input = self._session.get_inputs()[0]
        self._model = model

    @property
    def input_shape(self) -> list[int | str | None]:
        """The input's shape as the file states it; a name or None where it may vary."""
        return list(self._input.shape)

    @property
    def output_names(self) -> list[str]:
        """In the order of ``run``'s results."""
        return [output.name for output in self._session.get_outputs()]

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says of itself."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def input_names(self) -> list[str]:
        """What ``run`` takes a mapping of, where there are several."""
        return [entry.name for entry in self._session.get_inputs()]

    def run(self, blob: Array | Mapping[str, Array]) -> list[Array]:
        """The outputs for the one input, or for several by their names."""
        feed = blob if isinstance(blob, Mapping) else {self._input.name: blob}
        try:
            outputs: list[Array] = self._session.run(None, dict(feed))
        except Exception as error:
            raise ModelError(f"{self._model}: ONNX Runtime cannot compute it ({first_line(error)})") from error
        return outputs


class CvDnnEngine:
    """A Torch7, Caffe or TensorFlow network, by ``cv2.dnn``; calls from several threads take turns.

    Raises ModelError when OpenCV cannot read the files, and when it is OpenCV 5, which has no reader for the first two.
    """

    def __init__(self, weights: Path, config: Path | None = None) -> None:
        for path in (weights, config):
            if path is not None and not path.is_file():
                raise ModelError(f"{path}: no such model file; run: python download_models.py openface")
        kind, reader = {
            ".t7": ("Torch", "readNetFromTorch"),
            ".caffemodel": ("Caffe", "readNetFromCaffe"),
            ".pb": ("TensorFlow", "readNetFromTensorflow"),
        }.get(weights.suffix.lower(), ("", ""))
        if not kind:
            raise ModelError(f"{weights}: expected a .t7, .caffemodel or .pb file")
        read = getattr(cv2.dnn, reader, None)
        if read is None:
            raise ModelError(
                f"{weights}: OpenCV {cv2.__version__} cannot read {kind} files any more;"
                " run: pip install 'opencv-python<5' (or leave the option out for the built-in models)"
            )
        files = {"Torch": (weights,), "Caffe": (config, weights), "TensorFlow": (weights, config)}[kind]
        try:
            self._net = read(*(str(path) for path in files if path is not None))
        except (cv2.error, SystemError) as error:
            raise ModelError(f"{weights}: OpenCV cannot read it as a {kind} network; download it again") from error
        self._weights = weights
        self._lock = Lock()

    def run(self, blob: Array) -> list[Array]:
        try:
            with self._lock:  # a cv2.dnn.Net holds its input between setInput and forward
                self._net.setInput(blob)
                return [np.array(self._net.forward())]
        except cv2.error as error:
            raise ModelError(f"{self._weights}: OpenCV cannot compute it; download it again") from error


def opencv_reads_torch7() -> bool:
    """Whether this OpenCV has a reader for ``.t7`` files: 4 has, 5 has not."""
    return hasattr(cv2.dnn, "readNetFromTorch")


def torch7_engine(path: Path, threads: int | None = None, keep_as: str | None = None) -> Engine:
    """The network in a ``.t7``: by ONNX Runtime, twice as fast as OpenCV (docs/models.md), which is for what is left.

    threads: ONNX Runtime's. keep_as: the name under which the converted network stays in the user's cache; without one
    it is converted anew. Raises ModelError when neither can compute it.
    """
    try:
        return OnnxEngine(_kept(path, keep_as) if keep_as else path, threads)
    except ModelError:
        if opencv_reads_torch7():
            with suppress(ModelError):  # the first one says more
                return CvDnnEngine(path)
        raise


def _kept(torch7: Path, name: str) -> Path:
    """The network as an ``.onnx`` in the user's cache; itself where that cannot be written, which costs only time."""
    try:
        return cache.cached(f"{name}-{to_onnx.FORMAT}.onnx", lambda path: path.write_bytes(to_onnx.converted(torch7)))
    except CacheError:
        return torch7


def _source(model: Path, any_size: bool) -> Path | bytes:
    """What ONNX Runtime is to read."""
    if model.suffix.lower() == ".t7":
        return to_onnx.converted(model)
    return _without_sizes(model) if any_size else model


def _without_sizes(model: Path) -> bytes:
    """An ONNX file's bytes, without the images' height and width, and what follows from them."""
    import onnx

    network = onnx.load(model)
    for dimension in network.graph.input[0].type.tensor_type.shape.dim[2:]:
        dimension.Clear()
    for output in network.graph.output:
        output.type.tensor_type.ClearField("shape")
    del network.graph.value_info[:]
    return bytes(network.SerializeToString())
