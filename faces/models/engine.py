"""Run networks: ``.onnx`` and ``.t7`` with ONNX Runtime, Caffe and TensorFlow with ``cv2.dnn``.

A ``.t7`` of another network than OpenFace's is also run with ``cv2.dnn``, if this OpenCV can read it. No other module
imports an inference runtime.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.errors import CacheError, ModelError, first_line
from faces.models import cache, devices
from faces.models.torch7 import to_onnx

log = logging.getLogger(__name__)

LARGE_INPUT_BYTES = 4 << 20  # a network keeps hundreds of megabytes after such an input, unless it is told not to

Array = NDArray[Any]


class Engine(Protocol):
    """A network with one input and outputs in a fixed order."""

    def run(self, blob: Array) -> list[Array]:
        """Return the outputs for one input.

        blob: of the shape and dtype that the network takes.
        """
        ...


class OnnxEngine:
    """An ONNX network, run by ONNX Runtime; may be called from several threads at once.

    It runs on the device of ``devices.choose``, by default the CPU, and on the CPU if that one's results differ.

    model: an ``.onnx`` file, or a ``.t7`` of OpenFace's kind.
    threads: within one call, by default the number of cores; 1 is best for several calls at once.
    any_size: accept images of any height and width although the file declares one; only for fully convolutional
    networks.
    Raises ModelError if the file is missing or is not an ONNX network, or the device is none that there is.
    """

    def __init__(self, model: Path, threads: int | None = None, any_size: bool = False) -> None:
        import onnxruntime as ort

        ort.disable_telemetry_events()  # older versions on Windows need this beside the environment (faces/__init__.py)
        if not model.is_file():
            raise ModelError(f"{model}: no such model file")
        self._model = model
        self._turn: AbstractContextManager[object] = nullcontext()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or os.cpu_count() or 1
        # A thread pool that spins blocks the cores for the next network: a photograph took twice as long.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False  # it allocates another block of memory for every size of picture
        options.log_severity_level = 3
        try:
            source = _source(model, any_size)
            self._session = ort.InferenceSession(source, options, providers=[devices.PROVIDERS[devices.CPU]])
            if (device := devices.chosen(ort.get_available_providers())) != devices.CPU:
                self._move(device, source, options)
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions have no common base but Exception
            raise ModelError(f"{model}: not a network that ONNX Runtime can run ({first_line(error)})") from error
        self._input = self._session.get_inputs()[0]
        self._freeing = ort.RunOptions()
        self._freeing.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def _move(self, device: str, source: Path | bytes, options: Any) -> None:
        """Take a session on another device if it starts and its results agree with the CPU's; log it if not."""
        import onnxruntime as ort

        names = [devices.PROVIDERS[device], devices.PROVIDERS[devices.CPU]]
        try:
            session = ort.InferenceSession(source, options, providers=names)
        except Exception as error:
            session, reason = None, f" ({first_line(error)})"
        else:
            reason = ""
        if session is None or session.get_providers()[0] != names[0]:
            log.info("all networks run on the CPU: ONNX Runtime cannot start %s%s", device, reason)
            devices.choose(devices.CPU)
            return
        blob = devices.sample_input(session.get_inputs())
        try:
            deviation = devices.deviation(session.run(None, blob), self._session.run(None, blob))
        except Exception as error:
            log.info("%s runs on the CPU: %s cannot compute it (%s)", self._model.name, device, first_line(error))
            return
        if deviation > devices.TOLERANCE:
            log.info("%s runs on the CPU: %s's results differ by %.2g", self._model.name, device, deviation)
            return
        self._session = session
        if device == "directml":  # whose sessions compute one call at a time
            self._turn = Lock()

    @property
    def input_shape(self) -> list[int | str | None]:
        """The input's shape as the file declares it; a dimension that varies is a name or None."""
        return list(self._input.shape)

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, in the order of the results of ``run``."""
        return [output.name for output in self._session.get_outputs()]

    @property
    def metadata(self) -> dict[str, str]:
        """The file's own metadata."""
        return dict(self._session.get_modelmeta().custom_metadata_map)

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return [entry.name for entry in self._session.get_inputs()]

    def run(self, blob: Array | Mapping[str, Array]) -> list[Array]:
        """Return the outputs.

        blob: the input, or a mapping from the names of several inputs.
        Raises ModelError if ONNX Runtime fails.
        """
        feed = blob if isinstance(blob, Mapping) else {self._input.name: blob}
        is_large = sum(array.nbytes for array in feed.values()) > LARGE_INPUT_BYTES
        try:
            with self._turn:
                outputs: list[Array] = self._session.run(None, dict(feed), self._freeing if is_large else None)
        except Exception as error:
            raise ModelError(f"{self._model}: ONNX Runtime cannot compute it ({first_line(error)})") from error
        return outputs


class CvDnnEngine:
    """A Torch7, Caffe or TensorFlow network, run by ``cv2.dnn``; calls from several threads wait for each other.

    weights: a ``.t7``, ``.caffemodel`` or ``.pb`` file.
    config: its ``.prototxt`` or ``.pbtxt``.
    Raises ModelError if OpenCV cannot read the files; OpenCV 5 cannot read Torch7 and Caffe.
    """

    def __init__(self, weights: Path, config: Path | None = None) -> None:
        for path in (weights, config):
            if path is not None and not path.is_file():
                raise ModelError(f"{path}: no such model file; run: faces download-models openface")
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
        """Return the output as a list of one; raise ModelError if OpenCV fails."""
        try:
            with self._lock:  # a cv2.dnn.Net keeps its input between setInput and forward
                self._net.setInput(blob)
                return [np.array(self._net.forward())]
        except cv2.error as error:
            raise ModelError(f"{self._weights}: OpenCV cannot compute it; download it again") from error


def opencv_reads_torch7() -> bool:
    """Return whether this OpenCV can read ``.t7`` files: 4 can, 5 cannot."""
    return hasattr(cv2.dnn, "readNetFromTorch")


def torch7_engine(path: Path, threads: int | None = None, keep_as: str | None = None) -> Engine:
    """Return an engine for a ``.t7``: ONNX Runtime, which is twice as fast (docs/models.md), or else OpenCV.

    path: the file.
    threads: of ONNX Runtime.
    keep_as: name of the converted network in the user's cache; without a name it is converted each time.
    Raises ModelError if neither can run it.
    """
    try:
        return OnnxEngine(_cached_onnx(path, keep_as) if keep_as else path, threads)
    except ModelError:
        if opencv_reads_torch7():
            with suppress(ModelError):  # the first error says more
                return CvDnnEngine(path)
        raise


def _cached_onnx(torch7: Path, name: str) -> Path:
    """Return the path of the converted network in the cache, or the ``.t7`` itself if the cache cannot be written."""
    try:
        return cache.cached(f"{name}-{to_onnx.FORMAT}.onnx", lambda path: path.write_bytes(to_onnx.converted(torch7)))
    except CacheError:
        return torch7


def _source(model: Path, any_size: bool) -> Path | bytes:
    """Return the file or the bytes for ONNX Runtime to read."""
    if model.suffix.lower() == ".t7":
        return to_onnx.converted(model)
    return _without_sizes(model) if any_size else model


def _without_sizes(model: Path) -> bytes:
    """Return an ONNX file without the declared height and width of images and all shapes derived from them."""
    import onnx

    network = onnx.load(model)
    for dimension in network.graph.input[0].type.tensor_type.shape.dim[2:]:
        dimension.Clear()
    for output in network.graph.output:
        output.type.tensor_type.ClearField("shape")
    del network.graph.value_info[:]
    return bytes(network.SerializeToString())
