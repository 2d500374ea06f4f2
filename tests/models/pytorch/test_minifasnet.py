"""MiniFASNet as ONNX: the outputs of a small one, layer by layer in numpy, and of Silent-Face's own in PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.photographs import DATA
from faces.errors import ModelError
from faces.models.engine import OnnxEngine
from faces.models.pytorch.file import read_tensors
from faces.models.pytorch.minifasnet import EPSILON, SIDE, convert_minifasnet
from faces.models.zoo import MODELS
from tests.numpy_layers import batch_norm, convolve, scale, softmax
from tests.pytorch_files import Tensors, minifasnet, older, zipped

Array = NDArray[Any]
STAGES = (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5"))
SHARED = DATA.parent / "models"


def pictures(number: int) -> Array:
    return np.random.default_rng(1).integers(0, 256, (number, 3, SIDE, SIDE)).astype(np.float32)


def computed(weights: Tensors, x: Array) -> Array:
    """What a MiniFASNet of these weights makes of pictures (N, 3, 80, 80)."""
    weights = {name.removeprefix("module."): value for name, value in weights.items()}

    def norm(name: str, x: Array) -> Array:
        flat = x if x.ndim == 4 else x[:, :, None, None]
        flat = batch_norm(flat, weights[f"{name}.running_mean"], weights[f"{name}.running_var"], EPSILON)
        return scale(flat, weights[f"{name}.weight"], weights[f"{name}.bias"]).reshape(x.shape)

    def layer(name: str, x: Array, stride: int = 1, pad: int | None = None) -> Array:
        weight = weights[f"{name}.conv.weight"]
        pad = weight.shape[2] // 2 if pad is None else pad
        if weight.shape[1] == 1:
            each = [convolve(x[:, k : k + 1], weight[k : k + 1], None, stride, pad) for k in range(len(weight))]
            x = np.concatenate(each, axis=1)
        else:
            x = convolve(x, weight, None, stride, pad)
        x = norm(f"{name}.bn", x)
        slope = weights.get(f"{name}.prelu.weight")
        return x if slope is None else np.where(x > 0, x, x * slope[:, None, None])

    def block(name: str, x: Array, stride: int = 1) -> Array:
        return layer(f"{name}.project", layer(f"{name}.conv_dw", layer(f"{name}.conv", x), stride))

    def excited(name: str, x: Array) -> Array:
        if f"{name}.fc1.weight" not in weights:
            return x
        y = convolve(x.mean(axis=(2, 3), keepdims=True), weights[f"{name}.fc1.weight"], None)
        y = convolve(np.maximum(norm(f"{name}.bn1", y), 0), weights[f"{name}.fc2.weight"], None)
        return x / (1 + np.exp(-norm(f"{name}.bn2", y)))

    x = layer("conv2_dw", layer("conv1", x, 2))
    for first, stage in STAGES:
        x = block(first, x, 2)
        number = 0
        while (name := f"{stage}.model.{number}") + ".conv.conv.weight" in weights:
            x, number = x + excited(f"{name}.se_module", block(name, x)), number + 1
    x = layer("conv_6_dw", layer("conv_6_sep", x), pad=0).reshape(len(x), -1)
    return softmax(norm("bn", x @ weights["linear.weight"].T) @ weights["prob.weight"].T, 1)


@pytest.mark.parametrize("excited", [False, True])
def test_outputs_are_those_of_the_layers(tmp_path: Path, excited: bool) -> None:
    weights = minifasnet(excited)
    convert_minifasnet(older(weights) if excited else zipped(weights), tmp_path / "network.onnx")
    engine, x = OnnxEngine(tmp_path / "network.onnx"), pictures(3)
    probabilities = engine.run(x)[0]
    assert np.ptp(probabilities, axis=0).min() > 1e-3  # it looks at the picture
    assert probabilities == pytest.approx(computed(weights, x), abs=1e-4)
    assert engine.run(x[:0])[0].shape == (0, 3)


def without(name: str, weights: Tensors) -> Tensors:
    return {key: value for key, value in weights.items() if key != f"module.{name}"}


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"fc.weight": np.zeros((2, 2), np.float32)},
        without("conv1.conv.weight", minifasnet(False)),
        without("bn.running_var", minifasnet(False)),
        {**minifasnet(False), "module.conv1.conv.weight": np.zeros((6, 3), np.float32)},
        {**minifasnet(False), "module.prob.weight": np.zeros((3, 5), np.float32)},
        {**minifasnet(False), "module.prob.weight": np.zeros((2, 4), np.float32)},
        {**minifasnet(False), "module.conv_6_dw.conv.weight": np.zeros((9, 1, 3, 3), np.float32)},
        {**minifasnet(False), "module.conv_3.model.0.conv.prelu.weight": np.zeros(2, np.float32)},
    ],
)
def test_weights_of_another_network(tmp_path: Path, weights: Tensors) -> None:
    with pytest.raises(ModelError, match="not the weights of a MiniFASNet"):
        convert_minifasnet(zipped(weights), tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["minifasnet-v2", "minifasnet-v1se"])
def test_silent_faces_networks(tmp_path: Path, name: str) -> None:
    path = SHARED / MODELS[name].files[0].path
    if not path.is_file():
        pytest.skip(f"no {path.name} in ../shared/models")
    convert_minifasnet(path.read_bytes(), tmp_path / "network.onnx")
    x = pictures(2) / 2
    expected = computed(read_tensors(path.read_bytes()), x)
    assert OnnxEngine(tmp_path / "network.onnx").run(x)[0] == pytest.approx(expected, abs=1e-4)
