"""OpenFace's network as ONNX computes what plain numpy makes of the same modules; other networks are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faces.errors import ModelError
from faces.models.engine import OnnxEngine
from faces.models.torch7.file import TorchObject, write_t7
from faces.models.torch7.modules import average_pool, l2_pool, max_pool, module, reshape, sequential
from faces.models.torch7.to_onnx import converted
from faces.training.embedder.openface import Inception, torch7_inception
from tests.numpy_layers import run_torch
from tests.torch7_files import nn4_small2, random_parameters


def test_openfaces_network(tmp_path: Path) -> None:
    path = tmp_path / "network.t7"
    network = nn4_small2(seed=3)
    write_t7(path, network)
    x = np.random.default_rng(4).uniform(0, 1, (3, 3, 96, 96)).astype(np.float32)
    expected = run_torch(network, x)
    (tmp_path / "network.onnx").write_bytes(converted(path))
    for file in (path, tmp_path / "network.onnx"):
        engine = OnnxEngine(file, threads=1)
        assert engine.input_shape == ["n", 3, 96, 96]
        for count in (3, 1):
            np.testing.assert_allclose(engine.run(x[:count])[0], expected[:count], atol=1e-5)
    net = cv2.dnn.readNetFromONNX(str(tmp_path / "network.onnx"))  # whichever OpenCV this is
    net.setInput(x)
    np.testing.assert_allclose(net.forward(), expected, atol=1e-5)
    np.testing.assert_array_less(1e-3, np.abs(expected[0] - expected[1]).max())


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda p: max_pool(3, 2, 1), (6, 12, 9)),
        (lambda p: average_pool(3, 1), (6, 5, 4)),
        (lambda p: l2_pool(3), (6, 12, 10)),
        (lambda p: torch7_inception(p, Inception("a", 6, ((3, 4, 5), (5, 2, 3)), 1, "2-norm", 4, 7)), (6, 11, 12)),
        (lambda p: torch7_inception(p, Inception("a", 6, ((3, 4, 5),), 2, "max", 0, 0)), (6, 12, 12)),
        (lambda p: sequential(reshape("Reshape", 10, 2, 3), reshape("View", 60)), (6, 5, 2)),
    ],
    ids=["max pool", "average pool", "2-norm pool", "inception", "inception stride 2", "reshape"],
)
def test_each_module_of_other_sizes(tmp_path: Path, build: Any, shape: tuple[int, ...]) -> None:
    root = sequential(build(random_parameters(1)))
    write_t7(tmp_path / "module.t7", root)
    (tmp_path / "module.onnx").write_bytes(converted(tmp_path / "module.t7", shape))
    x = np.random.default_rng(2).normal(0, 30, (2, *shape)).astype(np.float32)
    np.testing.assert_allclose(OnnxEngine(tmp_path / "module.onnx", 1).run(x)[0], run_torch(root, x), 1e-4, 1e-4)


def test_weights_of_double_precision(tmp_path: Path) -> None:
    bias = np.zeros(3, np.float64)
    write_t7(tmp_path / "double.t7", sequential(module("Linear", weight=np.eye(3), bias=bias)))
    (tmp_path / "double.onnx").write_bytes(converted(tmp_path / "double.t7", (3,)))
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(OnnxEngine(tmp_path / "double.onnx").run(x)[0], x)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (sequential(module("Dropout", p=0.5)), "nn.Dropout is not part of OpenFace's networks"),
        (sequential(module("SpatialMaxPooling", kH=2, kW=2, dH=2, dW=2, ceil_mode=True)), "ceil_mode"),
        (sequential(module("SpatialLPPooling", modules=[module("Power", pow=3)])), "nn.Power with pow 3 is not part"),
        (sequential(module("Normalize", p=1, eps=1e-10)), "nn.Normalize with p 1 is not part"),
        (sequential(module("SpatialCrossMapLRN", size=5, alpha=1e-4, beta=0.5, k=1)), "with beta 0.5 is not part"),
        (sequential(module("SpatialConvolution", kH=3)), "not a network such as OpenFace's"),
        (["a", "list"], "not a network such as OpenFace's"),
        (TorchObject("nn.Sequential", {}), "not a network such as OpenFace's"),
    ],
    ids=["another module", "another pool", "norm of a pool", "norm", "LRN", "no weights", "no network", "empty"],
)
def test_another_network_is_refused_in_a_line(tmp_path: Path, value: Any, why: str) -> None:
    path = tmp_path / "other.t7"
    write_t7(path, value)
    with pytest.raises(ModelError, match=why) as refused:
        OnnxEngine(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)
