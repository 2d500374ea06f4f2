"""Networks of ``faces train-classifier --liveness``: what they are given, and who uses them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from faces.attributes import computed
from faces.errors import ModelError
from faces.liveness.trained import FILE, TrainedLiveness
from tests.fakes import faces_at, noise

ABOUT: dict[str, Any] = {"cut": "around", "side": 8, "scales": {"near": 1.0, "far": 2.5}, "threshold": 0.3}


def write_network(path: Path, about: object = ABOUT) -> Path:
    """How much darker the surroundings are than the face, from 0 to 1."""
    nodes = [
        helper.make_node("ReduceMean", [name], [f"mean_{name}"], axes=[1, 2, 3], keepdims=0) for name in ("near", "far")
    ]
    nodes.append(helper.make_node("Sub", ["mean_near", "mean_far"], ["difference"]))
    nodes.append(helper.make_node("Div", ["difference", "scale"], ["share"]))
    nodes.append(helper.make_node("Reshape", ["share", "column"], ["live"]))
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, 8, 8]) for name in ("near", "far")]
    constants = [
        helper.make_tensor("scale", TensorProto.FLOAT, [], [255.0]),
        helper.make_tensor("column", TensorProto.INT64, [2], [-1, 1]),
    ]
    outputs = [helper.make_tensor_value_info("live", TensorProto.FLOAT, ["n", 1])]
    graph = helper.make_graph(nodes, "liveness", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {"faces": json.dumps(about)})
    onnx.save(model, path)
    return path


def test_each_input_has_its_scale(tmp_path: Path) -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[150:250, 150:250] = 255
    faces = faces_at((150, 150, 250, 250), (150, 150, 180, 180), (10, 150, 110, 250))
    live = TrainedLiveness(write_network(tmp_path / FILE)).of(image, faces)
    assert 0.7 < live[0] < 0.9  # the face is a sixth of what is around it
    assert np.isnan(live[1:]).all()


def test_no_face(tmp_path: Path) -> None:
    assert TrainedLiveness(write_network(tmp_path / FILE)).of(noise(90, 90), faces_at()).shape == (0,)


@pytest.mark.parametrize(
    "about",
    [
        {},
        [],
        ABOUT | {"cut": "whole"},
        ABOUT | {"threshold": None},
        ABOUT | {"scales": {"near": 1.0}},
        ABOUT | {"scales": ["near", "far"]},
    ],
)
def test_another_network(tmp_path: Path, about: object) -> None:
    with pytest.raises(ModelError, match=r"not a network that judges liveness; train one with: faces train-classifier"):
        TrainedLiveness(write_network(tmp_path / FILE, about))


def test_the_attribute_is_answered_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_network(tmp_path / FILE)
    monkeypatch.setattr(computed, "FOLDER", tmp_path)
    live = computed.Liveness()
    [head] = live.heads
    assert (head.name, head.threshold) == ("live", 0.3)
    values = live.of(noise(400, 400), faces_at((150, 150, 250, 250)))["live"]
    assert values.shape == (1, 2) and values.sum() == pytest.approx(1)
