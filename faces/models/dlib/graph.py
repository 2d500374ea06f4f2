"""Build ONNX networks, layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faces.models import zoo
from faces.types import Floats

if TYPE_CHECKING:
    import onnx


class Graph:
    """An ONNX network to which layers are appended.

    top: name of the last layer's output.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.top = "image"

    def constant(self, value: NDArray[Any]) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, *constants: NDArray[Any], inputs: tuple[str, ...] = (), **attributes: Any) -> str:
        """Append a node, make it the top, and return its name.

        op: the ONNX operator.
        constants: its last inputs.
        inputs: names of its first inputs; by default the top.
        attributes: of the operator.
        """
        from onnx import helper

        name = f"{len(self.nodes)}_{op}"
        names = [self.constant(constant) for constant in constants]
        self.nodes.append(helper.make_node(op, [*(inputs or (self.top,)), *names], [name], **attributes))
        self.top = name
        return name

    def conv(self, filters: Floats, biases: Floats, stride: int, padding: int) -> str:
        """Append a convolution with filters (outputs, inputs, k, k) and biases (outputs,), and return its name."""
        return self.add("Conv", filters, biases, strides=[stride] * 2, pads=[padding] * 4)

    def save(self, path: Path, input_shape: list[int | str], output_shape: list[int | str]) -> None:
        """Write the network: its input ``image`` is uint8, its output is the top, float32."""
        from onnx import TensorProto, helper, save

        self.add("Identity")
        self.nodes[-1].output[0] = "output"
        graph = helper.make_graph(
            self.nodes,
            path.stem,
            [helper.make_tensor_value_info("image", TensorProto.UINT8, input_shape)],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, output_shape)],
            self.weights,
        )
        model = helper.make_model(graph, producer_name="faces", opset_imports=[helper.make_opsetid("", 18)])
        model.ir_version = 8  # ONNX Runtime 1.14 and later
        save(model, path)


def split_conv(tensor: Floats, outputs: int, inputs: int, size: int) -> tuple[Floats, Floats]:
    """Return the filters (outputs, inputs, size, size) and biases (outputs,) in the tensor of dlib's con_."""
    return tensor[:-outputs].reshape(outputs, inputs, size, size), tensor[-outputs:]


def with_scale(filters: Floats, biases: Floats, scale: Floats, shift: Floats) -> tuple[Floats, Floats]:
    """Return a convolution that also computes ``y * scale + shift`` per channel."""
    return filters * scale[:, None, None, None], biases * scale + shift


def taking_bytes(filters: Floats, biases: Floats) -> tuple[Floats, Floats]:
    """Return a first convolution that takes BGR bytes: it includes dlib's (RGB - mean) / 256.

    This is exact only without padding.
    """
    mean = np.array(zoo.DLIB_MEAN, np.float64)
    exact = filters.astype(np.float64) / 256
    biases = biases - np.einsum("oihw,i->o", exact, mean)
    return exact[:, ::-1].astype(np.float32), biases.astype(np.float32)


def bytes_to_planes(graph: Graph) -> None:
    """Append the conversion of uint8 (N, H, W, 3) to float32 (N, 3, H, W)."""
    from onnx import TensorProto

    graph.add("Cast", to=TensorProto.FLOAT)
    graph.add("Transpose", perm=[0, 3, 1, 2])


def zero_pad(graph: Graph, channels: int, side: int) -> str:
    """Pad the top with zeros after its last channel, row and column, and return its name."""
    if channels or side:
        graph.add("Pad", np.array([0, 0, 0, 0, 0, channels, side, side], np.int64))
    return graph.top


def pad_to_eights(filters: Floats, biases: Floats) -> tuple[Floats, Floats]:
    """Return a convolution with zero channels up to a multiple of 8, which ONNX Runtime computes a tenth faster."""
    outputs, inputs = filters.shape[:2]
    more_inputs = -inputs % 8 if inputs > 3 else 0
    filters = np.pad(filters, ((0, -outputs % 8), (0, more_inputs), (0, 0), (0, 0)))
    return filters, np.pad(biases, (0, -outputs % 8))


def wide_conv_to_one(graph: Graph, filters: Floats, biases: Floats) -> None:
    """Append a convolution (1, inputs, k, k) that keeps the size, as a matrix product and a sum of k * k shifted maps.

    ONNX Runtime's own convolution takes eight times as long with a single output: it copies k * k neighbours of every
    pixel.
    """
    _, inputs, size, _ = filters.shape
    flipped = filters[0, :, ::-1, ::-1].reshape(inputs, size * size).T[:, :, None, None]
    features = graph.top
    graph.conv(*pad_to_eights(flipped, np.zeros(size * size, np.float32)), stride=1, padding=0)
    graph.add("Slice", np.array([0]), np.array([size * size]), np.array([1]))
    maps = graph.add("Reshape", np.array([1, size * size, -1]))
    graph.add("Shape", inputs=(features,), start=2)
    map_size = graph.top
    block = graph.constant(np.array([size, size]))
    graph.add("Col2Im", inputs=(maps, map_size, block), pads=[size // 2] * 4)
    graph.add("Add", biases.reshape(1, 1, 1, 1))
