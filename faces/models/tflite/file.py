"""TensorFlow Lite's files (`.tflite`): a FlatBuffer with a list of tensors and a list of operations on them.

Format: tensorflow/lite/schema/schema.fbs; the package `tflite` is its generated reader. Maps are (N, H, W, C).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces import optional
from faces.errors import ModelError, first_line

IDENTIFIER = slice(4, 8), b"TFL3"  # where a file says what it is
OPTIONS = {  # class of the package, and what is read of it, by the kind of operation
    "CONV_2D": ("Conv2DOptions", ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor")),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor"),
    ),
    "MAX_POOL_2D": ("Pool2DOptions", ("Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth")),
    "ADD": ("AddOptions", ()),
}
DAMAGE = (ArithmeticError, AttributeError, LookupError, MemoryError, StopIteration, TypeError, ValueError, struct.error)
Values = NDArray[np.float32] | NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor of a network: its shape, and its values if the file has them (float32 or int32; float16 is read)."""

    shape: tuple[int, ...]
    values: Values | None


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation.

    kind: as the schema calls it: ``CONV_2D``.
    inputs, outputs: indices of tensors.
    options: by the schema's names, such as ``StrideH``; ``Activation`` is the name of the fused one: ``NONE``.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, int | str]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network: indices of its inputs and outputs, its tensors, and its operations in the order of computation."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]


def read_tflite(content: bytes) -> Network:
    """Return the network of a file.

    content: of the file.
    Raises ModelError for a damaged file, for another kind of file and for values that are not float32, float16 or
    int32, and UsageError if the package ``tflite`` is missing.
    """
    schema = optional.require("tflite", "TensorFlow Lite files", "mesh")
    place, identifier = IDENTIFIER
    if content[place] != identifier:
        raise ModelError("not a TensorFlow Lite network")
    try:
        return _network(schema, schema.Model.GetRootAs(content, 0))
    except DAMAGE as error:
        raise ModelError(f"a damaged TensorFlow Lite network ({first_line(error)})") from error


def _network(schema: ModuleType, model: Any) -> Network:
    if model.SubgraphsLength() != 1:
        raise ModelError(f"a TensorFlow Lite network in {model.SubgraphsLength()} parts, which is not converted")
    graph = model.Subgraphs(0)
    return Network(
        _indices(graph.InputsAsNumpy()),
        _indices(graph.OutputsAsNumpy()),
        tuple(_tensor(schema, model, graph.Tensors(index)) for index in range(graph.TensorsLength())),
        tuple(_operation(schema, model, graph.Operators(index)) for index in range(graph.OperatorsLength())),
    )


def _indices(vector: Any) -> tuple[int, ...]:
    return tuple(int(index) for index in vector)


def _tensor(schema: ModuleType, model: Any, tensor: Any) -> Tensor:
    shape = tuple(int(size) for size in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    buffer = model.Buffers(tensor.Buffer())
    if buffer is None or buffer.DataLength() == 0:
        return Tensor(shape, None)
    kinds = schema.TensorType
    kind = {kinds.FLOAT32: "<f4", kinds.FLOAT16: "<f2", kinds.INT32: "<i4"}.get(tensor.Type())
    if kind is None or tensor.Sparsity() is not None:
        raise ModelError("a TensorFlow Lite network with quantised or sparse weights")
    values = np.frombuffer(buffer.DataAsNumpy().tobytes(), kind).reshape(shape)
    return Tensor(shape, values.astype(np.int32) if kind == "<i4" else values.astype(np.float32))


def _operation(schema: ModuleType, model: Any, operator: Any) -> Operation:
    code = model.OperatorCodes(operator.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())  # older files have the second only
    kind = next((name for name, value in vars(schema.BuiltinOperator).items() if value == number), str(number))
    options: dict[str, int | str] = {}
    if kind in OPTIONS and operator.BuiltinOptions() is not None:
        name, wanted = OPTIONS[kind]
        table = getattr(schema, name)()
        table.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        options = {each: int(getattr(table, each)()) for each in wanted}
        activation = table.FusedActivationFunction()
        names = vars(schema.ActivationFunctionType)
        options["Activation"] = next(name for name, value in names.items() if value == activation)
    return Operation(kind, _indices(operator.InputsAsNumpy()), _indices(operator.OutputsAsNumpy()), options)
