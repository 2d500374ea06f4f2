"""dlib's embedder and detector as ONNX networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faces.models.dlib.file import tensors
from faces.models.dlib.graph import (
    Graph,
    bytes_to_planes,
    pad_to_eights,
    split_conv,
    taking_bytes,
    wide_conv_to_one,
    with_scale,
    zero_pad,
)
from faces.types import Floats

BATCH_NORM_EPSILON = 1e-4  # dlib/dnn/layers.h, DEFAULT_BATCH_NORM_EPS


def convert_resnet(data: bytes, path: Path) -> None:
    """Convert dlib_face_recognition_resnet_model_v1.dat: uint8 (N, 150, 150, 3) BGR -> float32 (N, 128).

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
        filters, biases = split_conv(next(stored), outputs, inputs, size)
        gamma, beta = np.split(next(stored), 2)
        return with_scale(filters, biases, gamma, beta)

    graph = Graph()
    bytes_to_planes(graph)
    graph.conv(*taking_bytes(*next_conv(32, 3, 7)), stride=2, padding=0)
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
            shortcut = zero_pad(graph, channels - width, larger - shrunk)
            graph.top = branch
            branch = zero_pad(graph, 0, larger - side)
            side = larger
        graph.add("Add", inputs=(branch, shortcut))
        graph.add("Relu")
        width = channels
    graph.add("GlobalAveragePool")
    graph.add("Flatten")
    graph.add("MatMul", next(stored))
    graph.save(path, ["n", 150, 150, 3], ["n", 128])


def convert_mmod(data: bytes, path: Path) -> None:
    """Convert mmod_human_face_detector.dat: uint8 (1, H, W, 3) BGR -> float32 (1, 1, H', W'), a score map.

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
    graph = Graph()
    bytes_to_planes(graph)
    for index, (outputs, inputs, size, stride, padding) in enumerate(layers):
        filters, biases = split_conv(next(stored), outputs, inputs, size)
        gamma, beta = np.split(next(stored), 2)
        _, _, mean, variance = (next(stored)[0] for _ in range(4))
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        filters, biases = with_scale(filters, biases, scale, beta - mean * scale)
        if index == 0:
            filters, biases = taking_bytes(filters, biases)
        graph.conv(*pad_to_eights(filters, biases), stride, padding)
        graph.add("Relu")
    wide_conv_to_one(graph, *split_conv(next(stored), 1, 45, 9))
    graph.save(path, [1, "height", "width", 3], [1, 1, "rows", "columns"])
