"""Classifiers in ONNX files, as faces train-classifier leaves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from faces.errors import ModelError
from faces.image_classifier import ImageClassifier, decide, fit_square, read_classes

ABOUT = {"side": 16, "cut": "whole", "heads": {"class": {"classes": ["dark", "light"]}}}


def write_classifier(path: Path, about: Any = ABOUT, outputs: int = 2) -> Path:
    """One whose second class's probability is the picture's mean brightness, if there are two outputs."""
    uint8, real = TensorProto.UINT8, TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=real),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        helper.make_node("Div", ["mean", "white"], ["share"]),
        helper.make_node("Unsqueeze", ["share", "last"], ["light"]),
        helper.make_node("Sub", ["one", "light"], ["dark"]),
        helper.make_node("Concat", ["dark", "light", *["light"] * (outputs - 2)], ["class"], axis=1),
    ]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
        helper.make_tensor("last", TensorProto.INT64, [1], [1]),
        helper.make_tensor("white", real, [], [255.0]),
        helper.make_tensor("one", real, [], [1.0]),
    ]
    given = helper.make_tensor_value_info("image", uint8, ["n", 16, 16, 3])
    output = helper.make_tensor_value_info("class", real, ["n", outputs])
    graph = helper.make_graph(nodes, "classifier", [given], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    if about is not None:
        helper.set_model_props(model, {"faces": about if isinstance(about, str) else json.dumps(about)})
    onnx.save(model, path)
    return path


def grey(value: int, width: int = 30) -> np.ndarray:
    return np.full((20, width, 3), value, np.uint8)


def test_probabilities_of_pictures_of_any_size(tmp_path: Path) -> None:
    classifier = ImageClassifier(write_classifier(tmp_path / "c.onnx"))
    assert classifier.classes == ("dark", "light")
    found = classifier.probabilities([grey(0), grey(255, 300), grey(51, 8)])
    np.testing.assert_allclose(found, np.array([[1, 0], [0, 1], [0.8, 0.2]]), atol=1e-6)
    assert classifier.probabilities([]).shape == (0, 2)


def test_labels_of_a_file_come_first(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text('["Nacht", "Tag"]', encoding="utf-8")
    assert ImageClassifier(write_classifier(tmp_path / "c.onnx"), tmp_path / "classes.json").classes == ("Nacht", "Tag")


def test_the_whole_picture_is_seen() -> None:
    image = np.hstack([grey(0), grey(250)])
    square = fit_square(image, 16)
    assert square.shape == (16, 16, 3)
    assert (square[:, :7].max(), square[:, 9:].min()) == (0, 250)


@pytest.mark.parametrize(
    ("light", "label"), [(0.9, "light"), (0.86, "light"), (0.84, None), (0.5, None), (0.16, None), (0.14, "dark")]
)
def test_a_class_is_named_when_its_probability_passes(light: float, label: str | None) -> None:
    verdict = decide(("dark", "light"), np.array([1 - light, light], np.float32), 0.85)
    assert verdict.label == label
    assert verdict.probabilities == pytest.approx({"dark": 1 - light, "light": light})


@pytest.mark.parametrize(
    ("about", "outputs", "message"),
    [
        (None, 2, "not a picture classifier; train one with"),
        ("no JSON", 2, "not a picture classifier"),
        ([], 2, "not a picture classifier"),
        ({**ABOUT, "heads": {"gender": {"classes": ["male", "female"]}}}, 2, "not a picture classifier"),
        ({**ABOUT, "heads": {"class": {"classes": "ab"}}}, 2, "not a picture classifier"),
        ({**ABOUT, "heads": {"class": {"classes": ["a", "a"]}}}, 2, "not a picture classifier"),
        ({**ABOUT, "cut": "attributes"}, 2, "its input is attributes, not whole pictures"),
        (ABOUT, 3, "3 outputs do not fit the 2 classes of its own metadata"),
        ({**ABOUT, "side": 20}, 2, "ONNX Runtime cannot compute it"),
    ],
)
def test_a_network_that_is_no_such_classifier(tmp_path: Path, about: Any, outputs: int, message: str) -> None:
    path = write_classifier(tmp_path / "c.onnx", about, outputs)
    with pytest.raises(ModelError, match=message):
        ImageClassifier(path)


def test_a_file_that_is_no_network_or_missing(tmp_path: Path) -> None:
    (tmp_path / "c.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match="not a network that ONNX Runtime can run"):
        ImageClassifier(tmp_path / "c.onnx")
    with pytest.raises(ModelError, match="no such model file"):
        ImageClassifier(tmp_path / "other.onnx")


@pytest.mark.parametrize("text", ["", "{}", '"ab"', "[1, 2]", '["a"]', '["a", "a"]', "[", "\xff"])
def test_what_is_no_list_of_classes(tmp_path: Path, text: str) -> None:
    (tmp_path / "classes.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match="not a list of class names"):
        read_classes(tmp_path / "classes.json")
    with pytest.raises(ModelError, match="no such file with class names"):
        read_classes(tmp_path / "other.json")


def test_classes_that_do_not_fit_the_outputs(tmp_path: Path) -> None:
    (tmp_path / "classes.json").write_text('["a", "b", "c"]')
    with pytest.raises(ModelError, match=r"2 outputs do not fit the 3 classes of .*classes\.json"):
        ImageClassifier(write_classifier(tmp_path / "c.onnx"), tmp_path / "classes.json")
