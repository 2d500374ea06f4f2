"""Export: an ONNX file that answers as Keras does, says what it is, and is written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from faces.errors import ModelError
from faces.models.engine import OnnxEngine
from faces.training import backend, exporting, networks
from tests.conftest import contents

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'recognize-faces[train]'")
pytestmark = pytest.mark.training

SIDE = 32
ABOUT = {
    "side": SIDE,
    "cut": "whole",
    "heads": {"kind": {"classes": ["a", "b", "c"]}, "age": {"unit": "years"}},
    "command": "train --dataset Ren\udce9",  # no Unicode
}
PICTURES = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def network() -> Any:
    """With what has cost exporters trouble: same padding at stride 2, separable, BatchNorm, and heads out of order."""
    keras = backend.load_keras()
    layers = keras.layers
    backend.set_seed(0)
    image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(layers.Rescaling(1 / 255)(image))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.SeparableConv2D(8, 3, padding="same")(x))
    x = layers.BatchNormalization()(x)
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    kind = layers.Dense(3, activation="softmax", name="kind")(x)
    age = layers.Rescaling(20, 40)(layers.Dense(1)(x))
    net = keras.Model(image, {"kind": kind, "age": age})
    random = np.random.default_rng(0)
    net.set_weights([weights + random.uniform(0.1, 0.5, weights.shape) for weights in net.get_weights()])
    return net


@pytest.fixture(scope="module")
def file(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "deep" / "network.onnx"
    exporting.export(network, path, ABOUT, PICTURES)
    return path


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_network_of_two_inputs(tmp_path: Path, number: int) -> None:
    core = networks.pretrained(64, {"kind": 3}, {}, blocks=4, frozen=3, embedding=128)
    embeddings = np.random.default_rng(0).normal(size=(5, 128)).astype(np.float32)
    given: dict[str, np.ndarray] = {"image": np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3)).astype(np.uint8)}
    given["embedding"] = embeddings
    about = {"side": 64, "cut": "whole", "heads": {"kind": {"classes": ["a", "b", "c"]}}}
    exporting.export(core, tmp_path / "two.onnx", about, given)
    inputs = {name: array[:number] for name, array in given.items()}
    (kind,) = OnnxEngine(tmp_path / "two.onnx").run(inputs)
    expected = core(inputs, training=False)["kind"].detach().numpy()
    np.testing.assert_allclose(kind, expected, atol=1e-4)
    assert kind.shape == (number, 3)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_it_answers_as_keras_does(network: Any, file: Path, number: int) -> None:
    expected = network(PICTURES[:number], training=False)
    kind, age = OnnxEngine(file).run(PICTURES[:number])
    np.testing.assert_allclose(kind, expected["kind"].detach().numpy(), atol=1e-4)
    np.testing.assert_allclose(age, expected["age"].detach().numpy(), rtol=1e-4)
    assert (kind.shape, age.shape) == ((number, 3), (number, 1)) and kind.dtype == np.float32


def test_keras_answers_without_tf32(network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cudnn, layer, allowed = backend.require("torch").backends.cudnn, backend.load_keras().layers.Conv2D, list[bool]()
    before, call = cudnn.allow_tf32, layer.call

    def noted(self: Any, x: Any) -> Any:
        allowed.append(cudnn.allow_tf32)
        return call(self, x)

    monkeypatch.setattr(layer, "call", noted)
    exporting.export(network, tmp_path / "network.onnx", ABOUT, PICTURES)
    assert before and not allowed[0]  # as the two runtimes are compared, whatever is done later
    assert cudnn.allow_tf32


def test_it_says_what_it_is(file: Path) -> None:
    engine = OnnxEngine(file)
    assert json.loads(engine.metadata["faces"]) == ABOUT
    assert engine.output_names == ["kind", "age"]
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    given = model.graph.input[0]
    assert (given.name, given.type.tensor_type.elem_type) == ("image", onnx.TensorProto.UINT8)
    assert [entry.name for entry in file.parent.iterdir()] == ["network.onnx"]


def test_it_does_not_say_where_it_was_made(file: Path) -> None:
    assert str(Path(__file__).parents[2]).encode() not in file.read_bytes()
    assert b"site-packages" not in file.read_bytes()


def test_nothing_is_left_of_batch_normalization(file: Path, tmp_path: Path) -> None:
    """ONNX Runtime folds it into the convolutions where there are no zeros padded in between."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert "Sub" not in kinds
    assert kinds.count("Conv") + kinds.count("FusedConv") == 3


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        (
            {"kind": {"classes": ["a", "b"]}, "age": {}},
            r"kind: .* output is \(5, 3\), but its classes need \(5, 2\)",
        ),
        ({"kind": {"classes": ["a", "b", "c"]}}, "2 outputs that do not fit the heads kind"),
        ({"kind": {"classes": ["a", "b", "c"]}, "size": {}}, "2 outputs that do not fit the heads kind, size"),
    ],
)
def test_heads_must_fit_the_outputs(network: Any, tmp_path: Path, heads: dict[str, Any], message: str) -> None:
    (tmp_path / "network.onnx").write_bytes(b"before")
    with pytest.raises(ModelError, match=message):
        exporting.export(network, tmp_path / "network.onnx", {**ABOUT, "heads": heads}, PICTURES)
    assert contents(tmp_path) == {"network.onnx": b"before"}


def test_other_answers_than_keras_are_not_shipped(
    network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "network.onnx").write_bytes(b"before")
    monkeypatch.setattr(exporting, "_subtract_by_adding", wrong_constants)
    with pytest.raises(ModelError, match="ONNX Runtime and Keras differ by up to"):
        exporting.export(network, tmp_path / "network.onnx", ABOUT, PICTURES)
    assert contents(tmp_path) == {"network.onnx": b"before"}


def wrong_constants(graph: Any) -> None:
    from onnx import numpy_helper

    for constant in graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.ndim == 4:
            constant.CopyFrom(numpy_helper.from_array(values * np.float32(1.1), constant.name))
