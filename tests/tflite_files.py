"""Small TensorFlow Lite files, written with the package ``tflite``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

Array = NDArray[Any]
NONE, RELU, TANH = 0, 1, 4  # fused activations
SAME, VALID = 0, 1
TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3}
CLASSES = {  # table of the options, and its number in the schema's union
    "CONV_2D": ("Conv2DOptions", 1),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", 2),
    "MAX_POOL_2D": ("Pool2DOptions", 5),
    "ADD": ("AddOptions", 11),
}


@dataclass
class Tflite:
    """A network that is written operation by operation; ``value`` is the last tensor.

    shape: of the input, (1, H, W, C).
    """

    shape: Sequence[int]
    tensors: list[tuple[Sequence[int], Array | None, int]] = field(default_factory=list)
    operations: list[tuple[str, list[int], int, dict[str, int]]] = field(default_factory=list)
    value: int = 0
    outputs: list[int] | None = None

    def __post_init__(self) -> None:
        self.tensors.append((self.shape, None, TYPES["float32"]))

    def constant(self, values: Array) -> int:
        self.tensors.append((values.shape, values, TYPES[str(values.dtype)]))
        return len(self.tensors) - 1

    def add(self, kind: str, shape: Sequence[int], *others: Array | int, of: int | None = None, **options: int) -> int:
        """Add an operation on the last value, or on ``of``; others: more inputs, constants or indices of tensors."""
        inputs = [self.value if of is None else of]
        inputs += [self.constant(each) if isinstance(each, np.ndarray) else each for each in others]
        self.tensors.append((shape, None, TYPES["float32"]))
        self.value = len(self.tensors) - 1
        self.operations.append((kind, inputs, self.value, options))
        return self.value

    def content(self) -> bytes:
        """The bytes of the file."""
        builder = flatbuffers.Builder(1024)
        buffers = [self._buffer(builder, None), *(self._buffer(builder, values) for _, values, _ in self.tensors)]
        tensors = [self._tensor(builder, number) for number in range(len(self.tensors))]
        kinds = sorted({kind for kind, *_ in self.operations})
        codes = [self._code(builder, kind) for kind in kinds]
        operators = [self._operator(builder, kinds.index(each[0]), *each) for each in self.operations]
        ends = [_numbers(builder, each) for each in ([0], self.outputs or [self.value])]
        vectors = [_offsets(builder, each) for each in (tensors, operators, codes, buffers)]
        tflite.SubGraphStart(builder)
        tflite.SubGraphAddTensors(builder, vectors[0])
        tflite.SubGraphAddInputs(builder, ends[0])
        tflite.SubGraphAddOutputs(builder, ends[1])
        tflite.SubGraphAddOperators(builder, vectors[1])
        graphs = _offsets(builder, [tflite.SubGraphEnd(builder)])
        tflite.ModelStart(builder)
        tflite.ModelAddVersion(builder, 3)
        tflite.ModelAddOperatorCodes(builder, vectors[2])
        tflite.ModelAddSubgraphs(builder, graphs)
        tflite.ModelAddBuffers(builder, vectors[3])
        builder.Finish(tflite.ModelEnd(builder), b"TFL3")
        return bytes(builder.Output())

    def _buffer(self, builder: Any, values: Array | None) -> Any:
        data = None if values is None else builder.CreateByteVector(values.tobytes())
        tflite.BufferStart(builder)
        if data is not None:
            tflite.BufferAddData(builder, data)
        return tflite.BufferEnd(builder)

    def _tensor(self, builder: Any, number: int) -> Any:
        shape, values, kind = self.tensors[number]
        name, sizes = builder.CreateString(f"tensor {number}"), _numbers(builder, shape)
        tflite.TensorStart(builder)
        tflite.TensorAddShape(builder, sizes)
        tflite.TensorAddType(builder, kind)
        tflite.TensorAddBuffer(builder, 0 if values is None else number + 1)
        tflite.TensorAddName(builder, name)
        return tflite.TensorEnd(builder)

    def _code(self, builder: Any, kind: str) -> Any:
        tflite.OperatorCodeStart(builder)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, getattr(tflite.BuiltinOperator, kind))
        tflite.OperatorCodeAddVersion(builder, 1)
        return tflite.OperatorCodeEnd(builder)

    def _operator(
        self, builder: Any, code: int, kind: str, inputs: list[int], output: int, options: dict[str, int]
    ) -> Any:
        table, number = CLASSES.get(kind, ("", 0))
        if table:
            getattr(tflite, f"{table}Start")(builder)
            for name, value in options.items():
                getattr(tflite, f"{table}Add{name}")(builder, value)
            written = getattr(tflite, f"{table}End")(builder)
        ends = [_numbers(builder, each) for each in (inputs, [output])]
        tflite.OperatorStart(builder)
        tflite.OperatorAddOpcodeIndex(builder, code)
        tflite.OperatorAddInputs(builder, ends[0])
        tflite.OperatorAddOutputs(builder, ends[1])
        if table:
            tflite.OperatorAddBuiltinOptionsType(builder, number)
            tflite.OperatorAddBuiltinOptions(builder, written)
        return tflite.OperatorEnd(builder)


def _numbers(builder: Any, values: Sequence[int]) -> Any:
    return builder.CreateNumpyVector(np.array(values, np.int32))


def _offsets(builder: Any, offsets: Sequence[Any]) -> Any:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()
