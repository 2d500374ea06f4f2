"""Random weights for OpenFace's network nn4.small2: its real file cannot be had offline, one of its layout can."""

from __future__ import annotations

import numpy as np

from faces.models.torch7.file import FloatArray, TorchObject
from faces.training.embedder.openface import Parameters, torch7_tree


def random_parameters(seed: int) -> Parameters:
    """Random arrays, float32, such that values stay near 1 through convolutions, batch norms and ReLUs.

    The weights of each filter add up to 0, since otherwise brightness alone would decide, and all embeddings be one.
    """
    rng = np.random.default_rng(seed)

    def draw(name: str, shape: tuple[int, ...]) -> FloatArray:
        if name.endswith((".bn.weight", ".running_var")):
            values = rng.uniform(0.5, 1.5, shape)
        elif name.endswith(".weight"):
            values = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
            values -= values.mean(tuple(range(1, len(shape))), keepdims=True)
        else:
            values = rng.normal(0, 0.1, shape)
        return values.astype(np.float32)

    return draw


def nn4_small2(seed: int = 0) -> TorchObject:
    """nn4.small2 with random weights, always the same for a seed."""
    return torch7_tree(random_parameters(seed))


def walk(root: TorchObject) -> list[TorchObject]:
    """The module and all in it, depth first, in the order in which they compute."""
    return [root, *(inner for child in root.fields.get("modules", ()) for inner in walk(child))]


def parameter_count(root: TorchObject) -> int:
    """How many learnt parameters a network has, as net:getParameters() counts: weights and biases, no running means."""
    return sum(int(each.fields[name].size) for each in walk(root) for name in ("weight", "bias") if name in each.fields)
