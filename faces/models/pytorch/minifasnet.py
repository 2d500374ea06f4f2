"""Convert Silent-Face's MiniFASNet from PyTorch's weights to ONNX.

The layers follow the tensors' names and shapes; their order, strides and padding are those of minivision-ai's
src/model_lib/MiniFASNet.py (Apache-2.0). A block is a 1 x 1 convolution, a depthwise one of 3 x 3 and a linear 1 x 1
one; in a stage each block is added to its input, in MiniFASNetV1SE the last one after squeeze and excitation.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.errors import ModelError
from faces.models.nodes import Nodes
from faces.models.opencv_zoo.folding import Network
from faces.models.pytorch.file import Tensors, read_tensors

OPSET = 17
SIDE = 80  # px of the input
CLASSES = 3
PREFIX = "module."  # of a network that was trained on several GPUs
EPSILON = 1e-5  # of PyTorch's batch normalizations
LANES = 16  # channels in a block of ONNX Runtime's fastest layout, which depthwise convolutions of others do not get
STAGES = (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5"))  # each begins by halving the sides


def convert_minifasnet(content: bytes, path: Path) -> None:
    """Write a MiniFASNet as ONNX: float32 (N, 3, 80, 80), BGR from 0 to 255, to probabilities (N, 3).

    content: of the ``.pth``.
    Raises ModelError for another file.
    """
    import onnx
    from onnx import TensorProto, helper

    tensors = read_tensors(content)
    graph = _Graph({name.removeprefix(PREFIX): tensor for name, tensor in tensors.items()})
    try:
        output = graph.add_network("image")
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"not the weights of a MiniFASNet ({type(error).__name__}: {error})") from error
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        for name, shape in (("image", (3, SIDE, SIDE)), (output, (CLASSES,)))
    ]
    parts = helper.make_graph(graph.nodes, "MiniFASNet", ends[:1], ends[1:], graph.constants)
    model = helper.make_model(parts, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    try:
        onnx.shape_inference.infer_shapes(model, strict_mode=True)
    except onnx.shape_inference.InferenceError as error:
        raise ModelError("not the weights of a MiniFASNet: their shapes do not fit together") from error
    network = Network(model)
    network.fold_batch_norms()
    network.split_prelus()
    path.write_bytes(network.serialize())


class _Graph(Nodes):
    """ONNX nodes, added layer by layer.

    weights: by name, without ``PREFIX``.
    """

    def __init__(self, weights: Tensors) -> None:
        super().__init__()
        self._weights = weights

    def add_network(self, x: str) -> str:
        """Add all layers with the input ``x`` and return the name of the output."""
        x = self._layer("conv1", x, stride=2)
        x = self._layer("conv2_dw", x)
        for first, blocks in STAGES:
            x = self._block(first, x, stride=2)
            for number in count():
                name = f"{blocks}.model.{number}"
                if f"{name}.conv.conv.weight" not in self._weights:
                    break
                x = self.node("Add", x, self._excited(name, self._block(name, x)))
        x = self._layer("conv_6_dw", self._layer("conv_6_sep", x), padding=0)
        x = self.node("Gemm", self.node("Flatten", x), self._weight("linear.weight"), transB=1)
        x = self._normalized("bn", x)
        return self.node("Softmax", self.node("Gemm", x, self._weight("prob.weight"), transB=1), axis=1)

    def _block(self, name: str, x: str, stride: int = 1) -> str:
        inner = [self._weights[f"{name}.{layer}.conv.weight"] for layer in ("conv", "conv_dw", "project")]
        if not len(inner[0]) == len(inner[1]) == inner[2].shape[1]:
            raise ValueError(f"the channels of {name} do not fit together")
        x = self._layer(f"{name}.conv_dw", self._layer(f"{name}.conv", x), stride)
        return self._layer(f"{name}.project", x)

    def _layer(self, name: str, x: str, stride: int = 1, padding: int | None = None) -> str:
        """Add a convolution, its normalization and, where it has one, its PRelu."""
        weight = self._weight(f"{name}.conv.weight")
        if weight.ndim != 4:
            raise ValueError(f"{name} is no convolution")
        self._check_channels(name)
        outputs, inputs, kernel, _ = weight.shape
        groups = outputs if inputs == 1 else 1
        pads = [kernel // 2 if padding is None else padding] * 4
        x = self.node("Conv", x, weight, strides=[stride] * 2, pads=pads, group=groups)
        x = self._normalized(f"{name}.bn", x)
        if f"{name}.prelu.weight" not in self._weights:
            return x
        return self.node("PRelu", x, self._weight(f"{name}.prelu.weight")[:, None, None])

    def _check_channels(self, name: str) -> None:
        """Raise ValueError if a layer's tensors differ in their channels, which padding would hide."""
        parts = [tensor for key, tensor in self._weights.items() if key.startswith(f"{name}.") and tensor.ndim]
        if len({len(tensor) for tensor in parts}) != 1:
            raise ValueError(f"the channels of {name} do not fit together")

    def _excited(self, name: str, x: str) -> str:
        """Scale the channels of a block by what they hold in the mean; leave them where the block does not."""
        name = f"{name}.se_module"
        if f"{name}.fc1.weight" not in self._weights:
            return x
        y = self.node("GlobalAveragePool", x)
        y = self._normalized(f"{name}.bn1", self.node("Conv", y, self._weight(f"{name}.fc1.weight")))
        y = self.node("Conv", self.node("Relu", y), self._weight(f"{name}.fc2.weight"))
        return self.node("Mul", x, self.node("Sigmoid", self._normalized(f"{name}.bn2", y)))

    def _normalized(self, name: str, x: str) -> str:
        learnt = [self._weight(f"{name}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
        return self.node("BatchNormalization", x, *learnt, epsilon=EPSILON)

    def _weight(self, name: str) -> NDArray[np.float32]:
        """Return a tensor; those of a block's inner channels with further channels, all zero, up to whole ``LANES``."""
        weight = np.asarray(self._weights[name], np.float32)
        place = name.split(".")[-3:][0]  # a layer of a block: ``conv_3.model.0.project.conv.weight``
        axis = {"conv": 0, "conv_dw": 0, "project": 1 if weight.ndim == 4 else None}.get(place)
        if axis is None:
            return weight
        padding = [(0, -size % LANES if number == axis else 0) for number, size in enumerate(weight.shape)]
        return np.pad(weight, padding, constant_values=1 if name.endswith("running_var") else 0)
