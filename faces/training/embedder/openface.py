"""OpenFace's network nn4.small2 (openface, models/openface/nn4.small2.def.lua), in PyTorch and as a `.t7` file.

The convolutions are named `conv1`, `conv2`, `conv3` and `inceptionX.Y`, where X is 3a, 3b, 3c, 4a, 4e, 5a or 5b, and Y
is a branch of X: 3x3_reduce, 3x3, 5x5_reduce, 5x5, pool or 1x1. Each has `.weight` (out, in, k, k), `.bias`,
`.bn.weight`, `.bn.bias`, `.bn.running_mean` and `.bn.running_var` (out,). The last layer has `linear.weight` (128, 736)
and `linear.bias` (128,).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from faces.models.torch7 import modules as nn7
from faces.models.torch7.file import FloatArray, TorchObject, write_t7
from faces.training import backend

Parameters: TypeAlias = Callable[[str, tuple[int, ...]], FloatArray]
"""Returns the float32 array with a name and a shape."""

DIMENSION = 128
LRN_SIZE, LRN_ALPHA, LRN_BETA = 5, 1e-4, 0.75


class Inception(NamedTuple):
    """The parameters of an Inception module.

    inputs: channels.
    convolutions: (kernel size, reduced channels, output channels): a 1x1 convolution, then one with ``stride``.
    after_pool: channels of the 1x1 convolution after the pool; 0: none.
    direct: channels of the 1x1 convolution of the input; 0: none.
    """

    name: str
    inputs: int
    convolutions: tuple[tuple[int, int, int], ...]
    stride: int
    pool: Literal["max", "2-norm"]
    after_pool: int
    direct: int


INCEPTIONS = (
    Inception("inception3a", 192, ((3, 96, 128), (5, 16, 32)), 1, "max", 32, 64),
    Inception("inception3b", 256, ((3, 96, 128), (5, 32, 64)), 1, "2-norm", 64, 64),
    Inception("inception3c", 320, ((3, 128, 256), (5, 32, 64)), 2, "max", 0, 0),
    Inception("inception4a", 640, ((3, 96, 192), (5, 32, 64)), 1, "2-norm", 128, 256),
    Inception("inception4e", 640, ((3, 160, 256), (5, 64, 128)), 2, "max", 0, 0),
    Inception("inception5a", 1024, ((3, 96, 384),), 1, "2-norm", 96, 256),
    Inception("inception5b", 736, ((3, 96, 384),), 1, "max", 96, 256),
)


def torch7_tree(parameters: Parameters) -> TorchObject:
    """Build the network as in the original's file: RGB (N, 3, 96, 96) in [0, 1] to (N, 128), unit length.

    parameters: called once for each array.
    """

    def block(name: str, inputs: int, outputs: int, size: int, stride: int = 1) -> list[TorchObject]:
        return _block(parameters, name, inputs, outputs, size, stride, matrix=True)

    *inceptions, last = (torch7_inception(parameters, row) for row in INCEPTIONS)
    return nn7.sequential(
        *block("conv1", 3, 64, 7, 2),
        nn7.max_pool(3, 2, 1),
        nn7.cross_map_lrn(LRN_SIZE, LRN_ALPHA, LRN_BETA),
        *block("conv2", 64, 64, 1),
        *block("conv3", 64, 192, 3),
        nn7.cross_map_lrn(LRN_SIZE, LRN_ALPHA, LRN_BETA),
        nn7.max_pool(3, 2, 1),
        *inceptions,
        nn7.reshape("Reshape", 736, 3, 3),
        last,
        nn7.average_pool(3, 1),
        nn7.reshape("Reshape", 736),
        nn7.reshape("View", 736),
        nn7.linear(parameters("linear.weight", (DIMENSION, 736)), parameters("linear.bias", (DIMENSION,))),
        nn7.normalize(),
    )


def torch7_inception(parameters: Parameters, row: Inception) -> TorchObject:
    """Build an Inception module as in the original's file."""
    branches = []
    for size, reduced, outputs in row.convolutions:
        reduce = _block(parameters, f"{row.name}.{size}x{size}_reduce", row.inputs, reduced, 1)
        expand = _block(parameters, f"{row.name}.{size}x{size}", reduced, outputs, size, row.stride)
        branches.append(nn7.sequential(*reduce, *expand))
    pool = nn7.max_pool(3, 2) if row.pool == "max" else nn7.l2_pool(3)
    projection = _block(parameters, f"{row.name}.pool", row.inputs, row.after_pool, 1) if row.after_pool else []
    branches.append(nn7.sequential(pool, *projection))
    if row.direct:
        branches.append(nn7.sequential(*_block(parameters, f"{row.name}.1x1", row.inputs, row.direct, 1)))
    settings = {
        "inputSize": row.inputs,
        "kernelSize": [size for size, _, _ in row.convolutions],
        "kernelStride": [row.stride] * len(row.convolutions),
        "outputSize": [outputs for _, _, outputs in row.convolutions],
        "reduceSize": [*(reduced for _, reduced, _ in row.convolutions), row.after_pool or None, row.direct or None],
    }
    return nn7.inception(branches, settings, pool)


def _block(
    parameters: Parameters, name: str, inputs: int, outputs: int, size: int, stride: int = 1, *, matrix: bool = False
) -> list[TorchObject]:
    """Build a convolution (padded by half its size), batch norm and ReLU."""
    weight, bias = parameters(f"{name}.weight", (outputs, inputs, size, size)), parameters(f"{name}.bias", (outputs,))
    norm = [parameters(f"{name}.bn.{part}", (outputs,)) for part in ("weight", "bias", "running_mean", "running_var")]
    return [nn7.convolution(weight, bias, stride, size // 2, matrix=matrix), nn7.batch_norm(*norm), nn7.relu()]


def network() -> Any:
    """Build the network as a ``torch.nn.Module`` with random weights and the parameter names above."""
    torch = backend.require("torch")
    nn, functional = torch.nn, torch.nn.functional

    class Block(nn.Conv2d):  # type: ignore[misc, name-defined]
        """Convolution (padded by half its size), batch norm and ReLU."""

        def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1) -> None:
            super().__init__(inputs, outputs, size, stride, size // 2)
            nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
            nn.init.zeros_(self.bias)
            self.bn = nn.BatchNorm2d(outputs)

        def forward(self, x: Any) -> Any:
            return functional.relu(self.bn(super().forward(x)), inplace=True)

    class InceptionModule(nn.ModuleDict):  # type: ignore[misc, name-defined]
        """An Inception module: branches concatenated by channel, the smaller ones padded with zeros."""

        def __init__(self, row: Inception) -> None:
            super().__init__()
            self.row = row
            for size, reduced, outputs in row.convolutions:
                self[f"{size}x{size}_reduce"] = Block(row.inputs, reduced, 1)
                self[f"{size}x{size}"] = Block(reduced, outputs, size, row.stride)
            if row.after_pool:
                self["pool"] = Block(row.inputs, row.after_pool, 1)
            if row.direct:
                self["1x1"] = Block(row.inputs, row.direct, 1)

        def forward(self, x: Any) -> Any:
            sizes = [f"{size}x{size}" for size, *_ in self.row.convolutions]
            branches = [self[size](self[f"{size}_reduce"](x)) for size in sizes]
            pooled = l2_pool(x) if self.row.pool == "2-norm" else functional.max_pool2d(x, 3, 2)
            branches.append(self["pool"](pooled) if "pool" in self else pooled)
            if "1x1" in self:
                branches.append(self["1x1"](x))
            return torch.cat([padded(branch, branches[0].shape[-1]) for branch in branches], 1)

    class Network(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2, self.conv3 = Block(3, 64, 7, 2), Block(64, 64, 1), Block(64, 192, 3)
            for row in INCEPTIONS:
                self.add_module(row.name, InceptionModule(row))
            self.linear = nn.Linear(736, DIMENSION)

        def forward(self, x: Any) -> Any:
            x = self.normed(functional.max_pool2d(self.conv1(x), 3, 2, 1))
            x = functional.max_pool2d(self.normed(self.conv3(self.conv2(x))), 3, 2, 1)
            for row in INCEPTIONS:
                x = getattr(self, row.name)(x)
            return functional.normalize(self.linear(x.mean((2, 3))))

        def normed(self, x: Any) -> Any:
            """Normalize local responses; not in training, where this is slow and changes values by a thousandth."""
            return x if self.training else functional.local_response_norm(x, LRN_SIZE, LRN_ALPHA, LRN_BETA)

    def l2_pool(x: Any) -> Any:
        """Return the 2-norm of adjacent 3 x 3 windows; the 1e-12 keeps the gradient finite where all are 0."""
        return (functional.avg_pool2d(x * x, 3) * 9 + 1e-12).sqrt()

    def padded(x: Any, side: int) -> Any:
        before = (side - x.shape[-1]) // 2
        after = side - x.shape[-1] - before
        return functional.pad(x, (before, after, before, after)) if before or after else x

    return Network()


def write(weights: Mapping[str, FloatArray], path: Path) -> None:
    """Write weights, by the names above, to a ``.t7`` file, atomically."""
    write_t7(path, torch7_tree(lambda name, shape: weights[name].reshape(shape)))
