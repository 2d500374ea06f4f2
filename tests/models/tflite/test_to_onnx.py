"""Each operation of a TensorFlow Lite file computes in ONNX what plain numpy makes of it; other files are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from faces.errors import ModelError, UsageError
from faces.models.engine import OnnxEngine
from faces.models.tflite import file, to_onnx
from faces.models.tflite.face_mesh import convert_face_mesh
from faces.models.tflite.file import read_tflite

pytest.importorskip("tflite", reason="needs the extra mesh")
from tests.tflite_files import RELU, SAME, TANH, VALID, Tflite

Array = NDArray[np.float32]
RANDOM = np.random.default_rng(5)


def normal(*shape: int) -> Array:
    return RANDOM.normal(size=shape).astype(np.float32)


def engine(network: Tflite, folder: Path) -> OnnxEngine:
    read = read_tflite(network.content())
    names = {0: "image"} | {index: f"output {place}" for place, index in enumerate(read.outputs)}
    (folder / "network.onnx").write_bytes(to_onnx.to_onnx(read, names))
    return OnnxEngine(folder / "network.onnx", 1)


def run(network: Tflite, folder: Path, x: Array) -> Array:
    """Return the output of a network for maps (N, H, W, C), as (N, H, W, C)."""
    return np.asarray(engine(network, folder).run(x.transpose(0, 3, 1, 2))[0]).transpose(0, 2, 3, 1)


def windows(x: Array, size: int, stride: int, outside: float) -> Array:
    """Return the windows of padding ``SAME``: (N, rows, columns, size, size, C)."""
    count = [-(-extent // stride) for extent in x.shape[1:3]]
    missing = [max((n - 1) * stride + size - extent, 0) for n, extent in zip(count, x.shape[1:3], strict=True)]
    around = [(0, 0), *((each // 2, each - each // 2) for each in missing), (0, 0)]
    padded = np.pad(x, around, constant_values=outside)
    rows = [
        [padded[:, r * stride : r * stride + size, c * stride : c * stride + size] for c in range(count[1])]
        for r in range(count[0])
    ]
    return np.array(rows).transpose(2, 0, 1, 3, 4, 5)


@pytest.mark.parametrize(("side", "stride"), [(3, 1), (3, 2), (2, 2), (1, 1)])
@pytest.mark.parametrize("extent", [(6, 6), (7, 5)])
def test_convolution(tmp_path: Path, side: int, stride: int, extent: tuple[int, int]) -> None:
    x, weight, bias = normal(2, *extent, 3), normal(4, side, side, 3), normal(4)
    network = Tflite((1, *extent, 3))
    out = [-(-each // stride) for each in extent]
    network.add("CONV_2D", (1, *out, 4), weight, bias, Padding=SAME, StrideH=stride, StrideW=stride)
    expected = np.einsum("nrchwi,ohwi->nrco", windows(x, side, stride, 0), weight) + bias
    np.testing.assert_allclose(run(network, tmp_path, x), expected, atol=1e-4)


def test_convolution_without_padding_with_relu(tmp_path: Path) -> None:
    x, weight, bias = normal(2, 3, 3, 5), normal(7, 3, 3, 5), normal(7)
    network = Tflite((1, 3, 3, 5))
    options = {"StrideH": 3, "StrideW": 3, "FusedActivationFunction": RELU}
    network.add("CONV_2D", (1, 1, 1, 7), weight, bias, Padding=VALID, **options)
    expected = np.maximum(np.einsum("nhwi,ohwi->no", x, weight) + bias, 0)[:, None, None]
    np.testing.assert_allclose(run(network, tmp_path, x), expected, atol=1e-4)


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_convolution(tmp_path: Path, stride: int) -> None:
    x, weight, bias = normal(2, 6, 6, 4), normal(1, 3, 3, 4), normal(4)
    network = Tflite((1, 6, 6, 4))
    options = {"Padding": SAME, "StrideH": stride, "StrideW": stride, "DepthMultiplier": 1}
    network.add("DEPTHWISE_CONV_2D", (1, 6 // stride, 6 // stride, 4), weight, bias, **options)
    expected = np.einsum("nrchwi,hwi->nrci", windows(x, 3, stride, 0), weight[0]) + bias
    np.testing.assert_allclose(run(network, tmp_path, x), expected, atol=1e-4)


def test_max_pool(tmp_path: Path) -> None:
    x = normal(2, 5, 6, 3) - 9
    network = Tflite((1, 5, 6, 3))
    options = {"StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2}
    network.add("MAX_POOL_2D", (1, 3, 3, 3), Padding=SAME, **options)
    expected = windows(x, 2, 2, -np.inf).max(axis=(3, 4))
    np.testing.assert_array_equal(run(network, tmp_path, x), expected)


def test_prelu_of_any_slope_between_other_operations(tmp_path: Path) -> None:
    x, slope = normal(3, 4, 4, 5), np.array([-1.5, 0, 0.25, 1, 2], np.float32)
    network = Tflite((1, 4, 4, 5))
    network.add("PRELU", (1, 4, 4, 5), slope.reshape(1, 1, 5))
    network.add("ADD", (1, 4, 4, 5), 0)
    np.testing.assert_allclose(run(network, tmp_path, x), np.where(x < 0, slope * x, x) + x, atol=1e-6)
    kinds = {node.op_type for node in onnx.load(tmp_path / "network.onnx").graph.node}
    assert kinds == {"Conv", "Relu", "Add"}  # which ONNX Runtime computes in its own layout


@pytest.mark.parametrize(
    ("pads", "kind"), [([(0, 0), (0, 0), (0, 0), (0, 3)], "Conv"), ([(0, 0), (1, 0), (2, 1), (0, 3)], "Pad")]
)
def test_pad(tmp_path: Path, pads: list[tuple[int, int]], kind: str) -> None:
    x = normal(2, 4, 5, 3)
    expected = np.pad(x, pads)
    network = Tflite((1, 4, 5, 3))
    network.add("PAD", (1, *expected.shape[1:]), np.array(pads, np.int32))
    np.testing.assert_array_equal(run(network, tmp_path, x), expected)
    assert [node.op_type for node in onnx.load(tmp_path / "network.onnx").graph.node] == [kind]


def test_weights_of_half_precision(tmp_path: Path) -> None:
    x, weight, bias = normal(2, 4, 4, 3), normal(5, 1, 1, 3).astype(np.float16), normal(5)
    network = Tflite((1, 4, 4, 3))
    single = network.add("DEQUANTIZE", weight.shape, of=network.constant(weight))
    network.add("CONV_2D", (1, 4, 4, 5), single, bias, of=0, StrideH=1, StrideW=1)
    expected = np.einsum("nhwi,oi->nhwo", x, weight[:, 0, 0].astype(np.float32)) + bias
    np.testing.assert_allclose(run(network, tmp_path, x), expected, atol=1e-5)


def other_activation() -> Tflite:
    network = Tflite((1, 2, 2, 1))
    network.add("ADD", (1, 2, 2, 1), 0, FusedActivationFunction=TANH)
    return network


def broadcast() -> Tflite:
    network = Tflite((1, 2, 2, 1))
    network.add("ADD", (1, 2, 2, 1), normal(1))
    return network


def computed_weights() -> Tflite:
    network = Tflite((1, 1, 1, 1))
    network.add("CONV_2D", (1, 1, 1, 1), 0, StrideH=1, StrideW=1)
    return network


def unknown() -> Tflite:
    network = Tflite((1, 2, 2, 1))
    network.add("TANH", (1, 2, 2, 1))
    return network


def quantised() -> Tflite:
    network = Tflite((1, 2, 2, 1))
    network.add("ADD", (1, 2, 2, 1), np.zeros((1, 2, 2, 1), np.uint8))
    return network


def slope_of_each_pixel() -> Tflite:
    network = Tflite((1, 2, 2, 1))
    network.add("PRELU", (1, 2, 2, 1), normal(2, 2, 1))
    return network


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (other_activation, "with TANH, which is not converted"),
        (broadcast, "with a sum of different shapes"),
        (computed_weights, "whose weights are computed"),
        (unknown, "with TANH, which is not converted"),
        (quantised, "quantised or sparse weights"),
        (slope_of_each_pixel, "a PRelu that is not by channel"),
    ],
)
def test_what_the_face_mesh_does_not_have(tmp_path: Path, build: Callable[[], Tflite], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        engine(build(), tmp_path)


def conv() -> Tflite:
    network = Tflite((1, 6, 6, 3))
    network.add("CONV_2D", (1, 6, 6, 4), normal(4, 3, 3, 3), normal(4), StrideH=1, StrideW=1)
    network.add("PRELU", (1, 6, 6, 4), normal(1, 1, 4))
    network.add("ADD", (1, 6, 6, 4), network.value - 2)
    return network


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0\0\0\0TFL3", b"\x10\0\0\0ONNX", b"<html>" * 9, b"\xff" * 40])
def test_other_files(content: bytes) -> None:
    with pytest.raises(ModelError, match="TensorFlow Lite network"):
        read_tflite(content)


def test_a_damaged_file_is_one_clear_error_or_another_network() -> None:
    content = conv().content()
    for length in range(0, len(content), 7):
        _read_or_refuse(content[:length])
    for place in range(8, len(content)):
        for value in (0, 255, content[place] ^ 1):
            _read_or_refuse(content[:place] + bytes([value]) + content[place + 1 :])


def _read_or_refuse(content: bytes) -> None:
    try:
        network = read_tflite(content)
        to_onnx.to_onnx(network, {index: f"end {index}" for index in (*network.inputs, *network.outputs)})
    except ModelError as error:
        assert "\n" not in str(error) and "TensorFlow Lite" in str(error)


def test_another_network_is_no_face_mesh(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not MediaPipe's face mesh"):
        convert_face_mesh(conv().content(), tmp_path / "mesh.onnx")
    assert not (tmp_path / "mesh.onnx").exists()


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("faces.optional.importlib.import_module", missing)
    with pytest.raises(UsageError, match=r"^TensorFlow Lite files need tflite: pip install 'recognize-faces\[mesh\]'$"):
        file.read_tflite(b"")
