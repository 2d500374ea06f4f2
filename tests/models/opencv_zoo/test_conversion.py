"""Block-quantised networks as float32 networks: the outputs stay those of the original, evaluated by onnx itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from faces.errors import ModelError
from faces.models import packages, zoo
from faces.models.engine import OnnxEngine
from faces.models.opencv_zoo.conversion import convert_sface, convert_yunet
from faces.models.opencv_zoo.folding import Network
from tests.fakes import noise

Array = NDArray[Any]
CHANNELS, SIDE, BLOCK = 6, 5, 4
RANDOM = np.random.default_rng(7)


def normal(*shape: int) -> Array:
    return RANDOM.normal(size=shape).astype(np.float32)


class Graph:
    """A network in the way of OpenCV Zoo's files: weights as int8 in blocks, all of them among the graph's inputs."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: dict[str, Array] = {}
        self.value, self._count = "data", 0

    def add(self, kind: str, *weights: Array, **attributes: Any) -> None:
        """Add an operation on the last value; weights as they are."""
        names = [self._named(f"weight{index}", weight) for index, weight in enumerate(weights)]
        self._node(kind, names, attributes)

    def add_quantized(self, kind: str, weight: Array, **attributes: Any) -> None:
        """Add an operation whose first weight is quantised along its second dimension, and reshaped after that."""
        flat = weight.reshape(len(weight), -1)
        count = -(-flat.shape[1] // BLOCK)
        ends = [min((block + 1) * BLOCK, flat.shape[1]) for block in range(count)]
        scale = np.stack([np.abs(flat[:, end - 1 : end]).max(axis=1) / 50 + 0.01 for end in ends], axis=1)
        zero = RANDOM.integers(-3, 3, scale.shape).astype(np.int8)
        spread = [np.repeat(each, BLOCK, axis=1)[:, : flat.shape[1]] for each in (scale, zero)]
        quantized = np.clip(np.round(flat / spread[0]) + spread[1], -128, 127).astype(np.int8)
        given = zip(("quantized", "scales", "zero"), (quantized, scale.astype(np.float32), zero), strict=True)
        names = [self._named(name, value) for name, value in given]
        dequantized, shaped = self._name("dequantized"), self._name("reshaped")
        self.nodes.append(helper.make_node("DequantizeLinear", names, [dequantized], axis=1, block_size=BLOCK))
        shape = self._named("shape", np.array(weight.shape, np.int64))
        self.nodes.append(helper.make_node("Reshape", [dequantized, shape], [shaped]))
        bias = self._named("bias", normal(len(weight)))
        self._node(kind, [shaped, bias], attributes)

    def model(self, shape: Sequence[int] = (1, CHANNELS, SIDE, SIDE), output: Sequence[int | None] = ()) -> Any:
        data = [helper.make_tensor_value_info("data", TensorProto.FLOAT, shape)]
        stale = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in self.weights.items()
        ]
        result = helper.make_tensor_value_info(self.value, TensorProto.FLOAT, output or [1, *[None] * 3])
        initializers = [numpy_helper.from_array(value, name) for name, value in self.weights.items()]
        graph = helper.make_graph(self.nodes, "network", [*data, *stale], [result], initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)

    def _node(self, kind: str, names: list[str], attributes: dict[str, Any]) -> None:
        output = self._name(kind.lower())
        self.nodes.append(helper.make_node(kind, [self.value, *names], [output], **attributes))
        self.value = output

    def _named(self, name: str, value: Array) -> str:
        name = self._name(name)
        self.weights[name] = value
        return name

    def _name(self, word: str) -> str:
        self._count += 1
        return f"{word}_{self._count}"


def conv(graph: Graph, side: int = 1, groups: int = 1, outputs: int = CHANNELS) -> None:
    graph.add_quantized("Conv", normal(outputs, CHANNELS // groups, side, side), group=groups, pads=[side // 2] * 4)


def batch_norm(graph: Graph, channels: int = CHANNELS) -> None:
    scale, shift, mean = normal(channels), normal(channels), normal(channels)
    graph.add("BatchNormalization", scale, shift, mean, np.abs(normal(channels)) + 0.5, epsilon=1e-3)


def prelu(graph: Graph, *slopes: float) -> None:
    graph.add("PRelu", np.resize(np.array(slopes, np.float32), (CHANNELS, 1, 1)))


def rewritten(model: Any, folder: Path, *, norms: bool = True, prelus: bool = True) -> OnnxEngine:
    network = Network(onnx.load_from_string(model.SerializeToString()))
    if norms:
        network.fold_batch_norms()
    if prelus:
        network.split_prelus()
    path = folder / "network.onnx"
    path.write_bytes(network.serialize())
    return OnnxEngine(path, 1)


def kinds(path: Path) -> set[str]:
    return {node.op_type for node in onnx.load(path).graph.node}


def assert_the_same(model: Any, engine: OnnxEngine, shape: Sequence[int] = (CHANNELS, SIDE, SIDE)) -> None:
    """Compare with onnx's own evaluation of the original, one by one, and several at once."""
    inputs = normal(3, *shape)
    evaluator = ReferenceEvaluator(model)
    answers: list[Any] = [evaluator.run(None, {"data": each[None]}) for each in inputs]
    expected = np.concatenate([answer[0] for answer in answers])
    for count in (1, 3):
        assert np.allclose(engine.run(inputs[:count])[0], expected[:count], rtol=1e-4, atol=1e-4)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize(("side", "groups"), [(1, 1), (3, 1), (3, CHANNELS), (3, 2)])
def test_weights_in_blocks_become_floats(tmp_path: Path, side: int, groups: int) -> None:
    graph = Graph()
    conv(graph, side, groups)
    engine = rewritten(graph.model(), tmp_path)
    assert_the_same(graph.model(), engine)
    assert kinds(tmp_path / "network.onnx") == {"Conv"}


def test_dequantization_by_hand() -> None:
    weight = np.array([[1, 2, 3, 4, 5, 6]], np.int8)
    scale, zero = np.array([[0.5, 2.0]], np.float32), np.array([[1, 0]], np.int8)
    node = helper.make_node("DequantizeLinear", ["w", "s", "z"], ["float"], axis=1, block_size=4)
    product = helper.make_node("Gemm", ["data", "float"], ["product"], transB=1)
    data, output = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None]) for name in ("data", "product"))
    initializers = [numpy_helper.from_array(v, n) for n, v in (("w", weight), ("s", scale), ("z", zero))]
    graph = helper.make_graph([node, product], "network", [data], [output], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    folded = onnx.load_from_string(Network(model).serialize())
    [stored] = folded.graph.initializer
    assert np.array_equal(numpy_helper.to_array(stored), [[0, 0.5, 1, 1.5, 10, 12]])


@pytest.mark.parametrize("groups", [1, CHANNELS])
def test_a_batch_norm_after_a_convolution(tmp_path: Path, groups: int) -> None:
    graph = Graph()
    conv(graph, 3, groups)
    batch_norm(graph)
    engine = rewritten(graph.model(), tmp_path)
    assert_the_same(graph.model(), engine)
    assert kinds(tmp_path / "network.onnx") == {"Conv"}


def test_batch_norms_around_a_product(tmp_path: Path) -> None:
    graph = Graph()
    conv(graph)
    prelu(graph, 0.25, 1.5)  # so that the first one cannot go into the convolution
    batch_norm(graph)
    graph.add("Dropout", np.array(0.4, np.float32))
    graph.add("Flatten")
    graph.add_quantized("Gemm", normal(4, CHANNELS * SIDE * SIDE), transB=1)
    batch_norm(graph, 4)
    model = graph.model(output=(1, 4))
    engine = rewritten(model, tmp_path)
    assert_the_same(model, engine)
    assert kinds(tmp_path / "network.onnx") == {"Conv", "Relu", "Add", "Flatten", "Gemm"}


@pytest.mark.parametrize("slopes", [(0.25,), (1.0,), (0.0,), (-0.5,), (1.5,), (0.1, 0.9, 1.0, 1.1, 3.0, -2.0)])
@pytest.mark.parametrize("before", [1, CHANNELS])
@pytest.mark.parametrize("after", [1, CHANNELS])
def test_prelus_with_slopes_below_and_above_one(
    tmp_path: Path, slopes: tuple[float, ...], before: int, after: int
) -> None:
    graph = Graph()
    conv(graph, 3, before)
    batch_norm(graph)
    prelu(graph, *slopes)
    conv(graph, 3, after)
    engine = rewritten(graph.model(), tmp_path)
    assert_the_same(graph.model(), engine)
    assert kinds(tmp_path / "network.onnx") == {"Conv", "Relu", "Add"}


def test_a_chain_like_sfaces(tmp_path: Path) -> None:
    graph = Graph()
    for groups in (1, CHANNELS, 1, CHANNELS, 1):
        conv(graph, 3 if groups > 1 else 1, groups)
        batch_norm(graph)
        prelu(graph, 0.1, 0.9, 1.2, 2.0, -0.3, 1.0)
    batch_norm(graph)
    graph.add("Flatten")
    graph.add_quantized("Gemm", normal(4, CHANNELS * SIDE * SIDE), transB=1)
    batch_norm(graph, 4)
    path = tmp_path / "sface.onnx"
    model = graph.model(output=(1, 4))
    convert_sface(model.SerializeToString(), path)
    assert_the_same(model, OnnxEngine(path, 1))


def test_relu_in_place_of_prelu_is_another_network(tmp_path: Path) -> None:
    graph = Graph()
    conv(graph)
    prelu(graph, 0.5)
    network = Network(graph.model())
    network.replace_prelus()
    (tmp_path / "relu.onnx").write_bytes(network.serialize())
    assert kinds(tmp_path / "relu.onnx") == {"Conv", "Relu"}
    assert OnnxEngine(tmp_path / "relu.onnx", 1).run(normal(2, CHANNELS, SIDE, SIDE))[0].min() == 0


def test_a_detector_takes_images_of_any_size(tmp_path: Path) -> None:
    graph = Graph()
    conv(graph, 3, outputs=2)
    graph.add("Relu")
    model = graph.model((1, CHANNELS, 640, 640), (1, 2, 640, 640))
    convert_yunet(model.SerializeToString(), tmp_path / "yunet.onnx")
    engine = OnnxEngine(tmp_path / "yunet.onnx", 1)
    assert [engine.run(normal(1, CHANNELS, *hw))[0].shape for hw in ((64, 32), (7, 9))] == [
        (1, 2, 64, 32),
        (1, 2, 7, 9),
    ]


@pytest.mark.parametrize("convert", [convert_sface, convert_yunet])
def test_what_is_no_network_is_an_error(tmp_path: Path, convert: Any) -> None:
    with pytest.raises(ModelError, match="not an ONNX network"):
        convert(b"<html>", tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "convert", "hw"), [("sface", convert_sface, (112, 112)), ("yunet", convert_yunet, None)]
)
def test_the_built_in_models_answer_as_the_original_files_do(
    tmp_path: Path, name: str, convert: Any, hw: tuple[int, int] | None
) -> None:
    content = packages.unpacked(zoo.MODELS[f"{name}-int8"].files[0]).read_bytes()
    convert(content, tmp_path / "network.onnx")
    original = onnx.load_from_string(content)
    pixels = noise(*(hw or (640, 640))).transpose(2, 0, 1)[None].astype(np.float32)
    expected = ReferenceEvaluator(original).run(None, {original.graph.input[0].name: pixels})
    answers = OnnxEngine(tmp_path / "network.onnx", 1).run(pixels)
    for answer, wanted in zip(answers, expected, strict=True):
        assert np.allclose(answer, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())
