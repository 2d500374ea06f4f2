"""The modules of Torch7's `nn` in OpenFace's network, as values to write to a `.t7`.

Sources: torch/nn; Inception: dpnn's Inception.lua; the 2-norm pool: nn's SpatialLPPooling.lua.

Requirements of OpenCV 4's importer (modules/dnn/src/torch/torch_importer.cpp):
- It builds a module where it first reads it, and skips a memory index it has read before. So a module object must not
  occur twice in a network. In an Inception the field `modules` must come before `module` and `pool`: a module that is
  first read as a field, not in a table, is discarded.
- `ceil_mode` in pools, `eps` in batch norms, `size` as a LongStorage in Reshape and View, `dimension` in
  concatenations, a 2-D weight in SpatialConvolutionMM; an empty tensor must have no storage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from faces.models.torch7.file import FloatArray, Storage, TorchObject


def module(kind: str, **fields: Any) -> TorchObject:
    """Return a module of class nn.`kind`, in the state after `module:float():evaluate():clearState()`."""
    common = {"_type": "torch.FloatTensor", "train": False, "output": _empty(), "gradInput": _empty()}
    return TorchObject(f"nn.{kind}", {**fields, **common})


def _empty() -> FloatArray:
    return np.zeros(0, np.float32)


def sequential(*modules: TorchObject) -> TorchObject:
    """Return nn.Sequential: each module's output is the input of the next."""
    return module("Sequential", modules=modules)


def convolution(
    weight: FloatArray, bias: FloatArray, stride: int = 1, pad: int = 0, *, matrix: bool = False
) -> TorchObject:
    """Return nn.SpatialConvolution, or nn.SpatialConvolutionMM if `matrix`.

    weight: (out, in, k, k).
    bias: (out,).
    """
    outputs, inputs, height, width = weight.shape
    sizes = {"kH": height, "kW": width, "dH": stride, "dW": stride, "padH": pad, "padW": pad}
    weight = weight.reshape(outputs, -1) if matrix else weight
    kind = "SpatialConvolutionMM" if matrix else "SpatialConvolution"
    return module(kind, nInputPlane=inputs, nOutputPlane=outputs, weight=weight, bias=bias, **sizes)


def batch_norm(weight: FloatArray, bias: FloatArray, mean: FloatArray, variance: FloatArray) -> TorchObject:
    """Return nn.SpatialBatchNormalization: `(x - mean) / sqrt(variance + 1e-5) * weight + bias`.

    Each array is (channels,).
    """
    learnt = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": variance}
    return module("SpatialBatchNormalization", nDim=4, affine=True, eps=1e-5, momentum=0.1, **learnt)


def relu() -> TorchObject:
    """Return a new nn.ReLU: OpenCV reads each module object only once."""
    return module("ReLU", threshold=0, val=0, inplace=False)


def max_pool(size: int, stride: int, pad: int = 0) -> TorchObject:
    """Return nn.SpatialMaxPooling, which leaves out the last incomplete window."""
    sizes = {"kH": size, "kW": size, "dH": stride, "dW": stride, "padH": pad, "padW": pad}
    return module("SpatialMaxPooling", ceil_mode=False, indices=_empty(), **sizes)


def average_pool(size: int, stride: int) -> TorchObject:
    """Return nn.SpatialAveragePooling without padding."""
    sizes = {"kH": size, "kW": size, "dH": stride, "dW": stride, "padH": 0, "padW": 0}
    return module("SpatialAveragePooling", ceil_mode=False, count_include_pad=True, divide=True, **sizes)


def l2_pool(size: int) -> TorchObject:
    """Return nn.SpatialLPPooling(_, 2, size, size): the 2-norm of windows that do not overlap."""
    steps = (
        module("Square"),
        average_pool(size, size),
        module("MulConstant", constant_scalar=size * size, inplace=False),
        module("Sqrt", eps=0),
    )
    return module("SpatialLPPooling", kH=size, kW=size, dH=size, dW=size, modules=steps)


def cross_map_lrn(size: int, alpha: float, beta: float) -> TorchObject:
    """Return nn.SpatialCrossMapLRN: `x / (1 + alpha / size * sum of squares over `size` channels) ** beta`."""
    return module("SpatialCrossMapLRN", size=size, alpha=alpha, beta=beta, k=1)


def reshape(kind: str, *shape: int) -> TorchObject:
    """Return nn.Reshape or nn.View (`kind`) to `shape`, without the batch."""
    return module(kind, size=Storage(np.array(shape, np.int64)), numElements=int(np.prod(shape)))


def linear(weight: FloatArray, bias: FloatArray) -> TorchObject:
    """Return nn.Linear with a weight (out, in) and a bias (out,)."""
    return module("Linear", weight=weight, bias=bias)


def normalize() -> TorchObject:
    """Return nn.Normalize(2), which scales rows to unit length."""
    return module("Normalize", p=2, eps=1e-10)


def inception(branches: Sequence[TorchObject], settings: dict[str, Any], pool: TorchObject) -> TorchObject:
    """Return dpnn's nn.Inception with batch norm: branches of one input, joined by channel.

    Smaller outputs are padded with zeros.
    branches: the modules.
    settings: fields with the arguments it was created with.
    pool: the pool in one of the branches.
    """
    joined = module("DepthConcat", dimension=2, size=Storage(np.zeros(0, np.int64)), modules=list(branches))
    held_twice = {"module": joined, "pool": pool, "transfer": relu()}  # after `modules`: see the module's docstring
    return module("Inception", modules=[joined], **held_twice, **settings, padding=True, batchNorm=True)
