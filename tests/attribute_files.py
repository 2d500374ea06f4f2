"""Attribute models whose answers can be worked out by hand: they look at the mean colour of a chip only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from faces.attributes.model import EMBEDDER, EMBEDDING, IMAGE
from faces.attributes.registry import HAIR

APPEARANCE = (
    *HAIR,
    "beard",
    "moustache",
    "sideburns",
    "eye_makeup",
    "lip_makeup",
    "eyeglasses",
    "hat",
    "smiling",
    "mouth_open",
)
FILES: dict[str, dict[str, dict[str, Any]]] = {
    "face_attributes.onnx": {
        "gender": {"classes": ["male", "female"]},
        "age": {"unit": "years"},
        "age_group": {"classes": ["young", "adult", "elderly"]},
        "ethnicity": {"classes": ["White", "Black", "Asian", "Indian", "Other"]},
    },
    "expression.onnx": {
        "emotion": {"classes": ["anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]}
    },
    "glasses.onnx": {"glasses": {"classes": ["noGlasses", "readingGlasses", "sunglasses"]}},
    "appearance.onnx": {name: {"classes": ["no", "yes"]} for name in APPEARANCE},
}
COLOURS = {"male": 0, "female": 2, "young": 0, "adult": 1, "elderly": 2, "White": 0, "Black": 1, "Asian": 2}
COLOURS |= {
    "no": 0,
    "yes": 2,
    "neutral": 0,
    "sadness": 1,
    "happiness": 2,
    "noGlasses": 0,
    "readingGlasses": 1,
    "sunglasses": 2,
}


def write_attributes(
    path: Path,
    heads: dict[str, dict[str, Any]] | None = None,
    widths: dict[str, int] | None = None,
    metadata: str | None = None,
    sum_to: float = 1.0,
    side: int = 112,
    cut: str = "attributes",
    embedding: bool = False,
    embedder: str | None = EMBEDDER,
) -> Path:
    """A class is the likelier the more of its channel in ``COLOURS`` (0: blue) there is; a number is green's mean.

    widths: of outputs that are not as wide as their labels. metadata: what the file says of itself instead.
    embedding: a number is what an embedding, the second input, says at first, instead. embedder: that the file names.
    """
    heads = FILES[path.name] if heads is None else heads
    nodes = [
        helper.make_node("Cast", [IMAGE], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
    ]
    weights = {"total": np.array(sum_to, np.float32), "first": np.eye(128, 1, dtype=np.float32)}
    for name, what in heads.items():
        classes = what.get("classes", ())
        width = (widths or {}).get(name, len(classes) or 1)
        weights[f"{name}_w"] = np.zeros((3, width), np.float32)
        for column in range(width):
            channel = COLOURS.get(classes[column]) if column < len(classes) else 1
            if channel is not None:
                weights[f"{name}_w"][channel, column] = 0.1 if classes else 1.0
        if classes:
            nodes += [
                helper.make_node("MatMul", ["mean", f"{name}_w"], [f"{name}_l"]),
                helper.make_node("Softmax", [f"{name}_l"], [f"{name}_p"], axis=1),
                helper.make_node("Mul", [f"{name}_p", "total"], [name]),
            ]
        else:
            nodes.append(
                helper.make_node("MatMul", [EMBEDDING, "first"] if embedding else ["mean", f"{name}_w"], [name])
            )
    inputs = [helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, ["n", side, side, 3])]
    if embedding:
        inputs.append(helper.make_tensor_value_info(EMBEDDING, TensorProto.FLOAT, ["n", 128]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        inputs,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in heads],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    named = {"embedder": embedder} if embedder else {}
    said = json.dumps({"side": side, "cut": cut, "heads": heads, **named}) if metadata is None else metadata
    helper.set_model_props(model, {"faces": said})
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def write_folder(folder: Path) -> Path:
    """All files that ``--attributes`` can ask for."""
    for name in FILES:
        write_attributes(folder / name)
    return folder
