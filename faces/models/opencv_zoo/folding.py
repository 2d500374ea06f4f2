"""Rewrite networks of OpenCV Zoo so that ONNX Runtime runs them, and runs them fast; the outputs stay the same.

The files are block-quantised: weights are int8 with a scale for each block of 64, and stand among the inputs of the
graph. ONNX Runtime refuses them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]


class Network:
    """An ONNX graph whose weights are float32 and whose batch may have any size.

    model: an ``onnx.ModelProto``; it is changed.
    """

    def __init__(self, model: Any) -> None:
        from onnx import numpy_helper

        self._model = model
        self._graph = model.graph
        self._weights = {each.name: numpy_helper.to_array(each) for each in self._graph.initializer}
        self._dequantize()
        self._drop_dropout()
        self._free_batch()

    def serialize(self) -> bytes:
        """Return the bytes of the ONNX file."""
        from onnx import checker, numpy_helper

        used = {name for node in self._graph.node for name in node.input}
        del self._graph.initializer[:]
        self._graph.initializer.extend(
            numpy_helper.from_array(np.ascontiguousarray(value), name)
            for name, value in self._weights.items()
            if name in used
        )
        checker.check_model(self._model)
        return bytes(self._model.SerializeToString())

    def fold_batch_norms(self) -> None:
        """Fold each batch normalization into the convolution or product before or after it."""
        for node in [node for node in self._graph.node if node.op_type == "BatchNormalization"]:
            self._fold(node)

    def split_prelus(self) -> None:
        """Write each PRelu as operations that ONNX Runtime fuses into convolutions.

        PRelu(x) = a x + Relu((1 - a) x) for slopes a <= 1. For a > 1 the output is negated, -a x + Relu((a - 1) x), and
        so are the next convolution's weights. After a depthwise convolution, whose weights can be scaled, this is the
        convolution twice; after any other, two more depthwise convolutions of 1 x 1.
        """
        for node in [node for node in self._graph.node if node.op_type == "PRelu"]:
            self._split(node)

    def replace_prelus(self) -> None:
        """Put a Relu in place of each PRelu: another network, to compare the time with."""
        for node in self._graph.node:
            if node.op_type == "PRelu":
                node.op_type = "Relu"
                del node.input[1:]

    def _dequantize(self) -> None:
        for node in list(self._graph.node):
            if node.op_type == "DequantizeLinear":
                self._weights[node.output[0]] = self._dequantized(node)
            elif node.op_type == "Reshape" and node.input[0] in self._weights:
                shape = self._weights[node.input[1]].tolist()
                self._weights[node.output[0]] = self._weights[node.input[0]].reshape(shape)
            elif node.op_type == "Constant":
                from onnx import numpy_helper

                self._weights[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            else:
                continue
            self._graph.node.remove(node)

    def _dequantized(self, node: Any) -> Weights:
        quantized, scale, zero = (self._weights[name].astype(np.float32) for name in node.input)
        attributes = {each.name: each.i for each in node.attribute}
        if scale.ndim:
            axis, block = attributes.get("axis", 1), attributes.get("block_size", 0)
            if block:
                length = quantized.shape[axis]
                scale, zero = (np.take(np.repeat(each, block, axis), np.arange(length), axis) for each in (scale, zero))
            elif scale.shape != quantized.shape:
                shape = [-1 if each == axis else 1 for each in range(quantized.ndim)]
                scale, zero = scale.reshape(shape), zero.reshape(shape)
        return np.asarray((quantized - zero) * scale, np.float32)

    def _drop_dropout(self) -> None:
        for node in [node for node in self._graph.node if node.op_type == "Dropout"]:
            self._replace(node, node.input[0])

    def _free_batch(self) -> None:
        inputs = [each for each in self._graph.input if each.name not in self._weights and self._is_used(each.name)]
        del self._graph.input[:]
        self._graph.input.extend(inputs)
        for value in (*self._graph.input, *self._graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = "n"
        del self._graph.value_info[:]

    def _fold(self, node: Any) -> None:
        scale, shift, mean, variance = (self._weights[name].astype(np.float64) for name in node.input[1:5])
        epsilon = next((each.f for each in node.attribute if each.name == "epsilon"), 1e-5)
        factor = scale / np.sqrt(variance + epsilon)
        offset = shift - mean * factor
        before = self._source(node.input[0])
        if before is not None and before.op_type in ("Conv", "Gemm") and len(self._users(node.input[0])) == 1:
            self._scale_outputs(before, factor, offset)
        else:
            product = self._product_after(node.output[0])
            weight = self._weights[product.input[1]].astype(np.float64)
            by_channel = weight.reshape(len(weight), len(factor), -1)
            moved = (by_channel * offset[:, None]).sum(axis=(1, 2))
            self._weights[product.input[1]] = (by_channel * factor[:, None]).reshape(weight.shape).astype(np.float32)
            self._weights[product.input[2]] = (self._weights[product.input[2]] + moved).astype(np.float32)
        self._replace(node, node.input[0])

    def _product_after(self, name: str) -> Any:
        """Return the Gemm that takes a value, through Flatten."""
        (user,) = self._users(name)
        return user if user.op_type == "Gemm" else self._product_after(user.output[0])

    def _scale_outputs(self, node: Any, factor: NDArray[np.float64], offset: NDArray[np.float64]) -> None:
        weight = self._weights[node.input[1]]
        bias = self._weights[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight), np.float32)
        shape = (-1, *[1] * (weight.ndim - 1))
        names = [f"{node.output[0]}_folded_weight", f"{node.output[0]}_folded_bias"]
        self._weights[names[0]] = (weight * factor.reshape(shape)).astype(np.float32)
        self._weights[names[1]] = (bias * factor + offset).astype(np.float32)
        node.input[:] = [node.input[0], *names]

    def _split(self, node: Any) -> None:
        slope = self._weights[node.input[1]].reshape(-1).astype(np.float32)
        sign = np.where(slope > 1, -1, 1).astype(np.float32)
        before = self._source(node.input[0])
        after = self._users(node.output[0])
        if before.op_type == "Conv" and _groups(before) == len(slope):
            source, weight, bias, attributes = before.input[0], *self._of(before), before.attribute
            self._graph.node.remove(before)
        else:
            source, weight, bias, attributes = node.input[0], np.ones((len(slope), 1, 1, 1), np.float32), None, None
        name = node.output[0]
        parts = {"bent": np.abs(1 - slope), "straight": sign * slope}
        nodes = [
            self._depthwise(source, f"{name}_{part}", weight, bias, factor, attributes)
            for part, factor in parts.items()
        ]
        from onnx import helper

        nodes.insert(1, helper.make_node("Relu", [f"{name}_bent"], [f"{name}_bent_relu"]))
        nodes.append(helper.make_node("Add", [f"{name}_straight", f"{name}_bent_relu"], [name]))
        at = list(self._graph.node).index(node)
        self._graph.node.remove(node)
        for offset, each in enumerate(nodes):
            self._graph.node.insert(at + offset, each)
        if (sign < 0).any():
            for user in after:
                self._scale_inputs(user, sign)

    def _of(self, node: Any) -> tuple[Weights, Weights]:
        weight = self._weights[node.input[1]]
        return weight, self._weights[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight), np.float32)

    def _depthwise(
        self, source: str, name: str, weight: Weights, bias: Weights | None, factor: Weights, attributes: Any
    ) -> Any:
        """Return a depthwise convolution whose output channels are scaled."""
        from onnx import helper

        inputs = [source, f"{name}_weight"]
        self._weights[inputs[1]] = np.asarray(weight * factor[:, None, None, None], np.float32)
        if bias is not None:
            inputs.append(f"{name}_bias")
            self._weights[inputs[2]] = np.asarray(bias * factor, np.float32)
        node = helper.make_node("Conv", inputs, [name])
        node.attribute.extend(attributes or [helper.make_attribute("group", len(factor))])
        return node

    def _scale_inputs(self, node: Any, factor: Weights) -> None:
        """Scale the input channels of a convolution, or of the product after a Flatten."""
        if node.op_type == "Flatten":
            node = self._product_after(node.output[0])
            weight = self._weights[node.input[1]]
            by_channel = weight.reshape(len(weight), len(factor), -1) * factor[:, None]
            self._weights[node.input[1]] = by_channel.reshape(weight.shape)
            return
        weight = self._weights[node.input[1]]
        shape = (-1, 1, 1, 1) if _groups(node) == len(factor) else (1, -1, 1, 1)
        self._weights[f"{node.input[1]}_signed"] = weight * factor.reshape(shape)
        node.input[1] = f"{node.input[1]}_signed"

    def _is_used(self, name: str) -> bool:
        return bool(self._users(name))

    def _users(self, name: str) -> list[Any]:
        return [node for node in self._graph.node if name in node.input]

    def _source(self, name: str) -> Any:
        return next((node for node in self._graph.node if name in node.output), None)

    def _replace(self, node: Any, name: str) -> None:
        """Remove a node and use a value in place of its output."""
        output = node.output[0]
        self._graph.node.remove(node)
        for user in self._users(output):
            user.input[:] = [name if each == output else each for each in user.input]
        for value in self._graph.output:
            if value.name == output:
                self._source(name).output[0] = output


def _groups(node: Any) -> int:
    return next((each.i for each in node.attribute if each.name == "group"), 1)
