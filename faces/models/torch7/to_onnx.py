"""Convert OpenFace's networks from Torch7 to ONNX: ONNX Runtime is faster, and OpenCV 5 cannot read `.t7`.

Sources for what each module computes: torch/nn's documentation, dpnn's Inception.lua. `faces.models.torch7.modules`
creates such modules.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from faces.errors import ModelError
from faces.models.nodes import Nodes
from faces.models.torch7.file import TorchObject, read_t7

OPSET = 17
POOLS = ("nn.SpatialMaxPooling", "nn.SpatialAveragePooling", "nn.SpatialLPPooling")
FORMAT = 1  # raised when the conversion changes, so that older files in users' caches are not used
FOREIGN = "is not part of OpenFace's networks; OpenCV 4 may support it, run: pip install 'opencv-python<5'"
Shape = tuple[int, ...]


def converted(path: Path, shape: Shape = (3, 96, 96)) -> bytes:
    """Return a file's network as the bytes of an ONNX file.

    path: a ``.t7``.
    shape: of the input, without the batch.
    Raises ModelError if the file is damaged, or has modules that OpenFace's networks do not have.
    """
    import onnx
    from onnx import TensorProto, helper

    root = read_t7(path)
    graph = _Graph()
    try:
        name, out = graph.add(root, "image", shape)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise ModelError(f"{path}: not a network such as OpenFace's ({type(error).__name__}: {error})") from error
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    ends = [
        helper.make_tensor_value_info(end, TensorProto.FLOAT, ["n", *size])
        for end, size in (("image", shape), (name, out))
    ]
    parts = helper.make_graph(graph.nodes, path.stem, ends[:1], ends[1:], graph.constants)
    model = helper.make_model(parts, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Graph(Nodes):
    """ONNX nodes, added module by module; shapes are without the batch."""

    def add(self, module: TorchObject, x: str, shape: Shape) -> tuple[str, Shape]:
        """Add a module with the input ``x`` and return the name and shape of its output.

        Raises ModelError if the module's class is unknown.
        """
        fields = module.fields
        if module.class_name in ("nn.Sequential", "nn.Inception"):
            for part in fields["modules"]:
                x, shape = self.add(part, x, shape)
            return x, shape
        if module.class_name == "nn.DepthConcat":
            return self._joined([self.add(branch, x, shape) for branch in fields["modules"]])
        if module.class_name in ("nn.SpatialConvolution", "nn.SpatialConvolutionMM"):
            outputs = int(fields["nOutputPlane"])
            kernel = int(fields["nInputPlane"]), int(fields["kH"]), int(fields["kW"])
            weight = fields["weight"].reshape(outputs, *kernel)
            windows = _windows(fields)
            return self.node("Conv", x, weight, fields["bias"], **windows), (outputs, *_slid(shape, windows))
        if module.class_name == "nn.SpatialBatchNormalization":
            learnt = [fields[name] for name in ("weight", "bias", "running_mean", "running_var")]
            return self.node("BatchNormalization", x, *learnt, epsilon=float(fields["eps"])), shape
        if module.class_name == "nn.ReLU":
            _expect(module, threshold=0, val=0)
            return self.node("Relu", x), shape
        if module.class_name in POOLS:
            _expect(module, ceil_mode=False, count_include_pad=True, divide=True)
            for part in fields.get("modules", ()):  # parts of a p-norm: powers other than 2 if it is not the 2-norm
                _expect(part, pow=2)
            return self._pooled(module.class_name, x, _windows(fields)), (shape[0], *_slid(shape, _windows(fields)))
        if module.class_name == "nn.SpatialCrossMapLRN":
            _expect(module, beta=0.75)
            return self._normalized(x, shape[0], fields), shape
        if module.class_name in ("nn.Reshape", "nn.View"):
            size = tuple(int(number) for number in fields["size"])
            return self.node("Reshape", x, np.array([-1, *size], np.int64)), size
        if module.class_name == "nn.Linear":
            return self.node("Gemm", x, fields["weight"], fields["bias"], transB=1), (len(fields["weight"]),)
        if module.class_name == "nn.Normalize":
            _expect(module, p=2)
            length = self.node("ReduceL2", x, axes=[1], keepdims=1)
            return self.node("Div", x, self.node("Add", length, np.array(fields["eps"], np.float32))), shape
        raise ModelError(f"{module.class_name} {FOREIGN}")

    def _pooled(self, name: str, x: str, windows: dict[str, list[int]]) -> str:
        if name == "nn.SpatialMaxPooling":
            return self.node("MaxPool", x, **windows)
        if name == "nn.SpatialAveragePooling":
            return self.node("AveragePool", x, count_include_pad=1, **windows)
        size = np.array(np.prod(windows["kernel_shape"]), np.float32)  # the 2-norm
        mean = self.node("AveragePool", self.node("Mul", x, x), **windows)
        return self.node("Sqrt", self.node("Mul", mean, size))

    def _normalized(self, x: str, channels: int, fields: Any) -> str:
        """Add x / (k + alpha * mean square of neighbouring channels) ** 0.75, in a third of the time of ONNX's LRN."""
        away = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels)))
        near = (away <= fields["size"] // 2) * (fields["alpha"] / fields["size"])
        weight, bias = near[:, :, None, None].astype(np.float32), np.full(channels, fields["k"], np.float32)
        root = self.node("Sqrt", self.node("Conv", self.node("Mul", x, x), weight, bias))
        return self.node("Div", x, self.node("Mul", root, self.node("Sqrt", root)))

    def _joined(self, branches: list[tuple[str, Shape]]) -> tuple[str, Shape]:
        """Concatenate maps by channel; smaller ones are centred and padded with zeros."""
        height, width = (max(shape[axis] for _, shape in branches) for axis in (1, 2))
        names = []
        for x, (_, rows, columns) in branches:
            above, left = (height - rows) // 2, (width - columns) // 2
            pads = [0, 0, above, left, 0, 0, height - rows - above, width - columns - left]
            names.append(self.node("Pad", x, np.array(pads, np.int64)) if any(pads) else x)
        channels = sum(shape[0] for _, shape in branches)
        return self.node("Concat", *names, axis=1), (channels, height, width)


def _expect(module: TorchObject, **settings: float) -> None:
    """Raise ModelError if a setting differs from OpenFace's networks; a missing setting does not."""
    for name, value in settings.items():
        if module.fields.get(name, value) != value:
            raise ModelError(f"{module.class_name} with {name} {module.fields[name]:g} {FOREIGN}")


def _windows(fields: Any) -> dict[str, list[int]]:
    """Return the sizes of a convolution or a pool, by their ONNX names."""
    size, step, pad = ([int(fields.get(f"{part}{axis}", 0)) for axis in "HW"] for part in ("k", "d", "pad"))
    return {"kernel_shape": size, "strides": step, "pads": pad * 2}


def _slid(shape: Shape, windows: dict[str, list[int]]) -> Shape:
    """Return the rows and columns of the output of windows on maps (C, H, W)."""
    sizes = zip(shape[1:], *windows.values(), strict=False)
    return tuple((extent + 2 * pad - size) // step + 1 for extent, size, step, pad in sizes)
