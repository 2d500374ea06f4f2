"""Convert convolutional networks from TensorFlow Lite to ONNX.

What each operation computes: tensorflow.org/mlir/tfl_ops. Maps become (N, C, H, W), and the batch may have any size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import ModelError, first_line
from faces.models.tflite.file import DAMAGE, Network, Operation

OPSET, IR_VERSION = 17, 8
SAME = 0  # of the schema's two paddings
Array = NDArray[Any]


def to_onnx(network: Network, names: Mapping[int, str]) -> bytes:
    """Return a network as the bytes of an ONNX file.

    names: of the inputs and outputs, by the index of their tensor.
    Raises ModelError for an operation that cannot be converted.
    """
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph(network, names)
    ends: list[list[Any]] = []
    try:
        for operation in network.operations:
            graph.add(operation)
        for indices in (network.inputs, network.outputs):
            shapes = [(index, _channels_first(network.tensors[index].shape)) for index in indices]
            ends.append(
                [
                    helper.make_tensor_value_info(names[index], TensorProto.FLOAT, ["n", *shape[1:]])
                    for index, shape in shapes
                ]
            )
        parts = helper.make_graph(graph.nodes, "network", ends[0], ends[1], graph.constants)
        model = helper.make_model(parts, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
    except (*DAMAGE, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelError(f"a damaged TensorFlow Lite network ({first_line(error)})") from error
    return bytes(model.SerializeToString())


class _Graph:
    """ONNX nodes, added operation by operation."""

    def __init__(self, network: Network, names: Mapping[int, str]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._tensors = network.tensors
        self._names = names
        self._values = {index: tensor.values for index, tensor in enumerate(network.tensors)}

    def add(self, operation: Operation) -> None:
        """Add an operation. Raises ModelError for one that MediaPipe's face mesh does not have."""
        if operation.kind == "DEQUANTIZE":  # float16 weights, which were read as float32
            self._values[operation.outputs[0]] = self._constant(operation.inputs[0])
            return
        steps = {
            "CONV_2D": self._conv,
            "DEPTHWISE_CONV_2D": self._depthwise,
            "MAX_POOL_2D": self._max_pool,
            "PRELU": self._prelu,
            "ADD": self._sum,
            "PAD": self._pad,
        }
        if operation.kind not in steps:
            raise ModelError(f"a TensorFlow Lite network with {operation.kind}, which is not converted")
        output = self._name(operation.outputs[0])
        activation = operation.options.get("Activation", "NONE")
        if activation == "NONE":
            steps[operation.kind](operation, output)
        elif activation == "RELU":
            steps[operation.kind](operation, f"{output}_before")
            self._node("Relu", [f"{output}_before"], output)
        else:
            raise ModelError(f"a TensorFlow Lite network with {activation}, which is not converted")

    def _conv(self, operation: Operation, output: str) -> None:
        weight = self._constant(operation.inputs[1]).transpose(0, 3, 1, 2)  # from (out, H, W, in)
        self._convolve(operation, weight, 1, output)

    def _depthwise(self, operation: Operation, output: str) -> None:
        weight = self._constant(operation.inputs[1]).transpose(3, 0, 1, 2)  # from (1, H, W, channels)
        self._convolve(operation, weight, self._tensors[operation.inputs[0]].shape[3], output)

    def _convolve(self, operation: Operation, weight: Array, groups: int, output: str) -> None:
        options = operation.options
        dilations = [int(options[f"Dilation{axis}Factor"]) for axis in "HW"]
        windows = self._windows(operation, weight.shape[2:], dilations)
        constants = [weight] if len(operation.inputs) < 3 else [weight, self._constant(operation.inputs[2])]
        inputs = [self._input(operation), *(self._added(each, output) for each in constants)]
        self._node("Conv", inputs, output, group=groups, dilations=dilations, **windows)

    def _max_pool(self, operation: Operation, output: str) -> None:
        size = [int(operation.options[f"Filter{axis}"]) for axis in ("Height", "Width")]
        windows = self._windows(operation, size, [1, 1])
        self._node("MaxPool", [self._input(operation)], output, kernel_shape=size, **windows)

    def _prelu(self, operation: Operation, output: str) -> None:
        """Add x + (1 - slope) Relu(-x), as two depthwise convolutions of 1 x 1.

        For these ONNX Runtime keeps its own layout of maps; before each PRelu it brings them into (N, C, H, W), and
        back after it.
        """
        slope = self._constant(operation.inputs[1]).astype(np.float32)
        if slope.size != slope.shape[-1]:
            raise ModelError("a TensorFlow Lite network with a PRelu that is not by channel, which is not converted")
        factors = {"negated": np.full(slope.size, -1, np.float32), "bent": 1 - slope.reshape(-1)}
        value = x = self._input(operation)
        for name, factor in factors.items():
            weight = self._added(factor.reshape(-1, 1, 1, 1), f"{output}_{name}")
            self._node("Conv", [value, weight], f"{output}_{name}", group=slope.size)
            value = f"{output}_{name}"
            if name == "negated":
                self._node("Relu", [value], f"{output}_relu")
                value = f"{output}_relu"
        self._node("Add", [value, x], output)

    def _sum(self, operation: Operation, output: str) -> None:
        shapes = {self._tensors[index].shape for index in operation.inputs}
        if len(shapes) != 1:
            raise ModelError("a TensorFlow Lite network with a sum of different shapes, which is not converted")
        self._node("Add", [self._input(operation, place) for place in (0, 1)], output)

    def _pad(self, operation: Operation, output: str) -> None:
        before, after = self._constant(operation.inputs[1]).astype(np.int64).T
        pads = np.concatenate([_channels_first(before), _channels_first(after)])
        x, channels = self._input(operation), self._tensors[operation.inputs[0]].shape[3]
        if pads.sum() == after[3]:  # channels of zeros at the end: a convolution keeps ONNX Runtime's layout
            weight = np.eye(channels + after[3], channels, dtype=np.float32)[:, :, None, None]
            self._node("Conv", [x, self._added(weight, output)], output)
        else:
            self._node("Pad", [x, self._added(pads, output)], output)

    def _windows(self, operation: Operation, size: Sequence[int], dilations: Sequence[int]) -> dict[str, list[int]]:
        """Return the steps and paddings of windows, by their ONNX names."""
        strides = [int(operation.options[f"Stride{axis}"]) for axis in "HW"]
        begins, ends = [], []
        for extent, window, stride, dilation in zip(
            self._tensors[operation.inputs[0]].shape[1:3], size, strides, dilations, strict=True
        ):
            reach = (window - 1) * dilation + 1
            missing = max((-(-extent // stride) - 1) * stride + reach - extent, 0)
            padding = missing if operation.options["Padding"] == SAME else 0
            begins.append(padding // 2)
            ends.append(padding - padding // 2)
        return {"strides": strides, "pads": begins + ends}

    def _input(self, operation: Operation, place: int = 0) -> str:
        index = operation.inputs[place]
        if self._values[index] is not None:
            raise ModelError(f"a TensorFlow Lite network with {operation.kind} of a constant, which is not converted")
        return self._name(index)

    def _constant(self, index: int) -> Array:
        value = self._values[index]
        if value is None:
            raise ModelError("a TensorFlow Lite network whose weights are computed, which is not converted")
        return value

    def _name(self, index: int) -> str:
        return self._names.get(index, f"tensor_{index}")

    def _added(self, value: Array, owner: str) -> str:
        from onnx import numpy_helper

        name = f"{owner}_constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))


def _channels_first(sizes: Any) -> Any:
    """Return four values in the order N, C, H, W instead of N, H, W, C."""
    count, height, width, channels = sizes
    return [count, channels, height, width]
