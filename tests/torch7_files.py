"""Write Torch7's binary files (`.t7`), and OpenFace's network nn4.small2 as such a file.

The real `openface_nn4.small2.v1.t7` cannot be had offline; the code that loads it is tested on files of the same layout
from here. `write_t7` knows nothing of networks: it writes any tree of values. The functions below it make the `nn`
modules that nn4.small2 needs, with weights from wherever the caller has them: `random_parameters`, or a training run.

Format: torch7's File.lua, Tensor.c and Storage.c on a little-endian machine with 8-byte longs. A value is an int32
type and its content: number float64; string int32 length and bytes; boolean int32; table a memory index (int32), a
count (int32) and that many key-value pairs; object a memory index, the strings `V 1` and its class's name, and its
content (for a Lua class, a table of its fields). A memory index met before stands alone: it means the same object
again.
Network: OpenFace's models/openface/nn4.small2.def.lua; its Inception module: dpnn's Inception.lua; its 2-norm pool:
nn's SpatialLPPooling.lua.

What OpenCV 4's importer (modules/dnn/src/torch/torch_importer.cpp) needs of a file:
- It builds a module where it first meets it, and skips a memory index met before. So one module object must not stand
  in two places of a network, and in an Inception the field `modules` must come before `module` and `pool`: a module
  first met as a field by itself, not in a table, is read and thrown away.
- `ceil_mode` in pools, `eps` in batch norms, `size` as a LongStorage in Reshape and View, `dimension` in
  concatenations, a 2-D weight in SpatialConvolutionMM; an empty tensor must have no storage.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float32]
Parameters: TypeAlias = Callable[[str, tuple[int, ...]], FloatArray]
"""Gives the float32 array of that name and shape; `nn4_small2_tree` says which names it asks for."""

_NIL, _NUMBER, _STRING, _TABLE, _TORCH, _BOOLEAN = range(6)
_TYPE_NAMES = {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "uint8": "Byte"}


@dataclass(frozen=True, eq=False)
class Storage:
    """A torch.*Storage: one-dimensional values of a dtype in `_TYPE_NAMES`."""

    values: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A contiguous torch.*Tensor of `shape` that starts at element `offset` of a storage, which others may share."""

    storage: Storage
    shape: tuple[int, ...]
    offset: int = 0

    @property
    def array(self) -> NDArray[Any]:
        """The elements, as an array of `shape`."""
        size = int(np.prod(self.shape))
        return self.storage.values[self.offset : self.offset + size].reshape(self.shape)


@dataclass(frozen=True, eq=False)
class TorchObject:
    """An object of a Lua class such as nn.ReLU; the same object met twice is written once."""

    class_name: str
    fields: Mapping[str, Any]


class _Writer:
    """Writes values to a file, and remembers the memory index of each table, tensor, storage and object."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._seen: dict[
            int, tuple[int, object]
        ] = {}  # id -> memory index, and the object: while it lives, so does its id

    def write(self, value: Any) -> None:
        if value is None:
            self._pack("i", _NIL)
        elif isinstance(value, bool):
            self._pack("ii", _BOOLEAN, value)
        elif isinstance(value, int | float):
            self._pack("id", _NUMBER, value)
        elif isinstance(value, str):
            self._pack("i", _STRING)
            self._text(value)
        elif isinstance(value, Mapping):
            self._table(value, value)
        elif isinstance(value, list | tuple):
            self._table(value, {number: item for number, item in enumerate(value, 1) if item is not None})
        elif isinstance(value, np.ndarray):
            flat = Storage(np.ascontiguousarray(value).reshape(-1))
            self._tensor(value, Tensor(flat, value.shape))
        elif isinstance(value, Tensor):
            self._tensor(value, value)
        elif isinstance(value, Storage):
            if self._begin_object(value, f"torch.{_TYPE_NAMES[value.values.dtype.name]}Storage"):
                self._pack("q", value.values.size)
                self._file.write(np.ascontiguousarray(value.values, value.values.dtype.newbyteorder("<")).tobytes())
        elif isinstance(value, TorchObject):
            if self._begin_object(value, value.class_name):
                self._table(value.fields, value.fields)
        else:
            raise TypeError(f"cannot write a {type(value).__name__} to a Torch7 file")

    def _tensor(self, identity: object, tensor: Tensor) -> None:
        if not self._begin_object(identity, f"torch.{_TYPE_NAMES[tensor.storage.values.dtype.name]}Tensor"):
            return
        empty = 0 in tensor.shape
        shape = () if empty else tensor.shape
        strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
        self._pack(f"i{2 * len(shape) + 1}q", len(shape), *shape, *strides, tensor.offset + 1)
        self.write(None if empty else tensor.storage)

    def _table(self, identity: object, items: Mapping[Any, Any]) -> None:
        self._pack("i", _TABLE)
        if self._begin(identity):
            self._pack("i", len(items))
            for key, value in items.items():
                self.write(key)
                self.write(value)

    def _begin_object(self, identity: object, class_name: str) -> bool:
        self._pack("i", _TORCH)
        if not self._begin(identity):
            return False
        self._text("V 1")
        self._text(class_name)
        return True

    def _begin(self, identity: object) -> bool:
        """Write the memory index; whether this is the first time, so that the content must follow."""
        is_new = id(identity) not in self._seen
        index, _ = self._seen.setdefault(id(identity), (len(self._seen) + 1, identity))
        self._pack("i", index)
        return is_new

    def _text(self, text: str) -> None:
        content = text.encode()
        self._pack("i", len(content))
        self._file.write(content)

    def _pack(self, layout: str, *values: float) -> None:
        self._file.write(struct.pack("<" + layout, *values))


def write_t7(path: Path, value: Any) -> None:
    """Write a value, usually the tree of modules that is a network, as `torch.save(path, value)` does.

    Numbers, strings, booleans and None; mappings and sequences (tables; a sequence counts from 1, and leaves None out);
    numpy arrays and `Tensor` (tensors), `Storage`, `TorchObject`. Fields keep the order they have in memory.
    Raises TypeError for any other value, KeyError for a dtype that is not in `_TYPE_NAMES`.
    """
    with path.open("wb") as file:
        _Writer(file).write(value)


def module(kind: str, **fields: Any) -> TorchObject:
    """A module of class nn.`kind`, as it is after `module:float():evaluate():clearState()`."""
    common = {"_type": "torch.FloatTensor", "train": False, "output": _empty(), "gradInput": _empty()}
    return TorchObject(f"nn.{kind}", {**fields, **common})


def _empty() -> FloatArray:
    return np.zeros(0, np.float32)


def sequential(*modules: TorchObject) -> TorchObject:
    """nn.Sequential: each module's output is the next one's input."""
    return module("Sequential", modules=modules)


def convolution(
    weight: FloatArray, bias: FloatArray, stride: int = 1, pad: int = 0, *, matrix: bool = False
) -> TorchObject:
    """nn.SpatialConvolution of a weight (out, in, k, k) and a bias (out,); `matrix`: nn.SpatialConvolutionMM."""
    outputs, inputs, height, width = weight.shape
    sizes = {"kH": height, "kW": width, "dH": stride, "dW": stride, "padH": pad, "padW": pad}
    weight = weight.reshape(outputs, -1) if matrix else weight
    kind = "SpatialConvolutionMM" if matrix else "SpatialConvolution"
    return module(kind, nInputPlane=inputs, nOutputPlane=outputs, weight=weight, bias=bias, **sizes)


def batch_norm(weight: FloatArray, bias: FloatArray, mean: FloatArray, variance: FloatArray) -> TorchObject:
    """nn.SpatialBatchNormalization: `(x - mean) / sqrt(variance + 1e-5) * weight + bias`, each array (channels,)."""
    learnt = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": variance}
    return module("SpatialBatchNormalization", nDim=4, affine=True, eps=1e-5, momentum=0.1, **learnt)


def relu() -> TorchObject:
    """nn.ReLU, a new one each time: OpenCV reads each module object once."""
    return module("ReLU", threshold=0, val=0, inplace=False)


def max_pool(size: int, stride: int, pad: int = 0) -> TorchObject:
    """nn.SpatialMaxPooling; the last incomplete window is left out."""
    sizes = {"kH": size, "kW": size, "dH": stride, "dW": stride, "padH": pad, "padW": pad}
    return module("SpatialMaxPooling", ceil_mode=False, indices=_empty(), **sizes)


def average_pool(size: int, stride: int) -> TorchObject:
    """nn.SpatialAveragePooling, without padding."""
    sizes = {"kH": size, "kW": size, "dH": stride, "dW": stride, "padH": 0, "padW": 0}
    return module("SpatialAveragePooling", ceil_mode=False, count_include_pad=True, divide=True, **sizes)


def l2_pool(size: int) -> TorchObject:
    """nn.SpatialLPPooling(_, 2, size, size): the 2-norm (root of the sum of squares) of windows side by side."""
    steps = (
        module("Square"),
        average_pool(size, size),
        module("MulConstant", constant_scalar=size * size, inplace=False),
        module("Sqrt", eps=0),
    )
    return module("SpatialLPPooling", kH=size, kW=size, dH=size, dW=size, modules=steps)


def cross_map_lrn(size: int, alpha: float, beta: float) -> TorchObject:
    """nn.SpatialCrossMapLRN: `x / (1 + alpha / size * sum of squares over `size` channels) ** beta`."""
    return module("SpatialCrossMapLRN", size=size, alpha=alpha, beta=beta, k=1)


def reshape(kind: str, *shape: int) -> TorchObject:
    """nn.Reshape or nn.View (`kind`) to `shape`, the batch apart."""
    return module(kind, size=Storage(np.array(shape, np.int64)), numElements=int(np.prod(shape)))


def linear(weight: FloatArray, bias: FloatArray) -> TorchObject:
    """nn.Linear of a weight (out, in) and a bias (out,)."""
    return module("Linear", weight=weight, bias=bias)


def normalize() -> TorchObject:
    """nn.Normalize(2): rows of unit length."""
    return module("Normalize", p=2, eps=1e-10)


def _convolution_block(
    parameters: Parameters, name: str, inputs: int, outputs: int, size: int, stride: int = 1, *, matrix: bool = False
) -> list[TorchObject]:
    """Convolution (padded by half its size), batch norm and ReLU."""
    weight, bias = parameters(f"{name}.weight", (outputs, inputs, size, size)), parameters(f"{name}.bias", (outputs,))
    norm = [parameters(f"{name}.bn.{part}", (outputs,)) for part in ("weight", "bias", "running_mean", "running_var")]
    return [convolution(weight, bias, stride, size // 2, matrix=matrix), batch_norm(*norm), relu()]


def inception(
    parameters: Parameters,
    name: str,
    inputs: int,
    convolutions: Sequence[tuple[int, int, int]],
    stride: int,
    pool: TorchObject,
    projections: tuple[int | None, int | None],
) -> TorchObject:
    """nn.Inception of dpnn with batch norm: branches of one input, joined by channel, the smaller padded with zeros.

    `convolutions` are (kernel size, reduced channels, output channels): a 1x1 convolution, then one with `stride`.
    `projections` are the channels after the pool (None: the pool alone) and of the 1x1 branch (None: no such branch).
    """
    branches = []
    for size, reduced, outputs in convolutions:
        reduce = _convolution_block(parameters, f"{name}.{size}x{size}_reduce", inputs, reduced, 1)
        expand = _convolution_block(parameters, f"{name}.{size}x{size}", reduced, outputs, size, stride)
        branches.append(sequential(*reduce, *expand))
    after_pool, alone = projections
    projection = _convolution_block(parameters, f"{name}.pool", inputs, after_pool, 1) if after_pool else []
    branches.append(sequential(pool, *projection))
    if alone:
        branches.append(sequential(*_convolution_block(parameters, f"{name}.1x1", inputs, alone, 1)))
    joined = module("DepthConcat", dimension=2, size=Storage(np.zeros(0, np.int64)), modules=branches)
    settings = {
        "inputSize": inputs,
        "kernelSize": [size for size, _, _ in convolutions],
        "kernelStride": [stride] * len(convolutions),
        "outputSize": [outputs for _, _, outputs in convolutions],
        "reduceSize": [*(reduced for _, reduced, _ in convolutions), after_pool, alone],
    }
    held_twice = {"module": joined, "pool": pool, "transfer": relu()}  # after `modules`: see the module's docstring
    return module("Inception", modules=[joined], **held_twice, **settings, padding=True, batchNorm=True)


def nn4_small2_tree(parameters: Parameters) -> TorchObject:
    """OpenFace's nn4.small2: RGB (N, 3, 96, 96) in [0, 1] to (N, 128) of unit length; 3,733,968 learnt parameters.

    `parameters` is asked once for each array. The convolutions are `conv1`, `conv2`, `conv3` and `inceptionX.Y`, where
    X is 3a, 3b, 3c, 4a, 4e, 5a or 5b, and Y is what X has of 3x3_reduce, 3x3, 5x5_reduce, 5x5, pool, 1x1. Each has
    `.weight` (out, in, k, k), `.bias`, `.bn.weight`, `.bn.bias`, `.bn.running_mean` and `.bn.running_var` (out,). At
    the end:
    `linear.weight` (128, 736) and `linear.bias` (128,).
    """

    def block(name: str, inputs: int, outputs: int, size: int, stride: int = 1) -> list[TorchObject]:
        return _convolution_block(parameters, name, inputs, outputs, size, stride, matrix=True)

    return sequential(
        *block("conv1", 3, 64, 7, 2),
        max_pool(3, 2, 1),
        cross_map_lrn(5, 1e-4, 0.75),
        *block("conv2", 64, 64, 1),
        *block("conv3", 64, 192, 3),
        cross_map_lrn(5, 1e-4, 0.75),
        max_pool(3, 2, 1),
        inception(parameters, "inception3a", 192, [(3, 96, 128), (5, 16, 32)], 1, max_pool(3, 2), (32, 64)),
        inception(parameters, "inception3b", 256, [(3, 96, 128), (5, 32, 64)], 1, l2_pool(3), (64, 64)),
        inception(parameters, "inception3c", 320, [(3, 128, 256), (5, 32, 64)], 2, max_pool(3, 2), (None, None)),
        inception(parameters, "inception4a", 640, [(3, 96, 192), (5, 32, 64)], 1, l2_pool(3), (128, 256)),
        inception(parameters, "inception4e", 640, [(3, 160, 256), (5, 64, 128)], 2, max_pool(3, 2), (None, None)),
        inception(parameters, "inception5a", 1024, [(3, 96, 384)], 1, l2_pool(3), (96, 256)),
        reshape("Reshape", 736, 3, 3),
        inception(parameters, "inception5b", 736, [(3, 96, 384)], 1, max_pool(3, 2), (96, 256)),
        average_pool(3, 1),
        reshape("Reshape", 736),
        reshape("View", 736),
        linear(parameters("linear.weight", (128, 736)), parameters("linear.bias", (128,))),
        normalize(),
    )


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
    return nn4_small2_tree(random_parameters(seed))


def walk(root: TorchObject) -> list[TorchObject]:
    """The module and all in it, depth first, in the order in which they compute."""
    return [root, *(inner for child in root.fields.get("modules", ()) for inner in walk(child))]


def parameter_count(root: TorchObject) -> int:
    """How many learnt parameters a network has, as net:getParameters() counts: weights and biases, no running means."""
    return sum(int(each.fields[name].size) for each in walk(root) for name in ("weight", "bias") if name in each.fields)
