"""Move an attribute model from dlib's embedding to the built-in one, without labels; measure what it loses.

The filters stay. The layers behind the embedding are fitted so that they add to the scores of the heads, from SFace's
embedding, what they added from dlib's.

python -m benchmarks.move_attributes old.onnx new.onnx --faces faces.npz

faces.npz: ``dlib`` and ``sface``, float32 (N, 128), unit length: both embeddings of the same faces. Faces with a
zero embedding are left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faces.attributes.model import EMBEDDER, EMBEDDING
from faces.training.networks import HIDDEN_UNITS
from faces.types import Floats

EPOCHS, BATCH, RATE, DECAY = 20, 256, 2e-3, 3e-2
DROPPED, DROPPED_HIDDEN = 0.05, 0.1  # of the embedding, and of the hidden units
HELD_OUT = 10  # one face in so many measures what is not explained


def main(argv: Sequence[str] | None = None) -> int:
    import onnx
    from onnx import numpy_helper

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--faces", type=Path, required=True, help="both embeddings of each face")
    args = parser.parse_args(argv)
    with np.load(args.faces) as file:
        dlib, sface = file["dlib"], file["sface"]
    known = dlib.any(axis=1) & sface.any(axis=1)
    dlib, sface = dlib[known], sface[known]

    model = onnx.load(args.old)
    graph = model.graph
    constants = {constant.name: constant for constant in graph.initializer}

    def value(name: str) -> Floats:
        return np.asarray(numpy_helper.to_array(constants[name]))

    def put(name: str, array: Any) -> None:
        constants[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))

    def bias_of(node: Any) -> str:
        [add] = [other for other in graph.node if other.op_type == "Add" and node.output[0] in other.input]
        return next(str(name) for name in add.input if name in constants)

    products = [node for node in graph.node if node.op_type == "MatMul"]
    scaled = next(node.output[0] for node in graph.node if node.op_type == "Mul" and EMBEDDING in node.input)
    joined = next(node.output[0] for node in graph.node if node.op_type == "Concat")
    hidden = next(node for node in products if node.input[0] == scaled)
    heads = [node for node in products if node.input[0] == joined]
    weights = np.concatenate([value(node.input[1]) for node in heads], axis=1)
    ends = np.cumsum([value(node.input[1]).shape[1] for node in heads])
    length = dlib.shape[1]
    first = len(weights) - HIDDEN_UNITS - length  # the rows before are of the pixels' features
    before = dlib * np.sqrt(length)
    bent = gelu(before @ value(hidden.input[1]) + value(bias_of(hidden)))
    added = before @ weights[first : first + length] + bent @ weights[first + length :]
    for scores in np.split(added, ends[:-1], axis=1):
        scores -= scores.mean(axis=1, keepdims=True)  # a softmax does not see it
    inner, inner_bias, straight, outer, bias = fitted(sface * np.sqrt(length), added)

    put(hidden.input[1], inner)
    put(bias_of(hidden), inner_bias)
    for node, begin, end in zip(heads, [0, *ends[:-1]], ends, strict=True):
        kernel = value(node.input[1]).copy()
        kernel[first : first + length], kernel[first + length :] = straight[:, begin:end], outer[:, begin:end]
        put(node.input[1], kernel)
        put(bias_of(node), value(bias_of(node)) + bias[begin:end])
    entry = next(entry for entry in model.metadata_props if entry.key == "faces")
    entry.value = json.dumps(json.loads(entry.value) | {"embedder": EMBEDDER})
    onnx.save(model, args.new)
    return 0


def gelu(values: Floats) -> Floats:
    from scipy.special import erf

    return np.asarray(values * (1 + erf(values / np.sqrt(2))) / 2, np.float32)


def fitted(embeddings: Floats, wanted: Floats) -> list[Floats]:
    """Return the hidden layer's weights and biases, the heads' for the embedding and the hidden units, and biases."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    given, target = torch.tensor(embeddings).float(), torch.tensor(wanted).float()
    rows = torch.arange(len(given))
    fit, held_out = rows[rows % HELD_OUT > 0], rows[rows % HELD_OUT == 0]
    straight = nn.Linear(given.shape[1], target.shape[1])
    inner, outer = nn.Linear(given.shape[1], HIDDEN_UNITS), nn.Linear(HIDDEN_UNITS, target.shape[1], bias=False)
    nn.init.zeros_(outer.weight)
    layers = nn.ModuleList([straight, inner, outer])

    def answer(part: Any) -> Any:
        seen = nn.functional.dropout(part, DROPPED, layers.training)
        return straight(part) + outer(
            nn.functional.dropout(nn.functional.gelu(inner(seen)), DROPPED_HIDDEN, layers.training)
        )

    optimizer = torch.optim.AdamW(layers.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, EPOCHS * (len(fit) // BATCH))
    for _ in range(EPOCHS):
        for batch in fit[torch.randperm(len(fit))].split(BATCH)[: len(fit) // BATCH]:
            loss = (answer(given[batch]) - target[batch]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    layers.eval()
    with torch.no_grad():
        missed = (answer(given[held_out]) - target[held_out]).square().mean() / target[held_out].var(0).mean()
    print(f"{len(fit):,} faces; not explained on {len(held_out):,} others: {missed:.1%} of the variance")
    tensors = inner.weight.T, inner.bias, straight.weight.T, outer.weight.T, straight.bias
    return [tensor.detach().numpy() for tensor in tensors]


if __name__ == "__main__":
    sys.exit(main())
