"""Write Caffe's files: a `.prototxt` of the kind of the Res10 SSD face detector, and a `.caffemodel` for any prototxt.

The real `res10_300x300_ssd_iter_140000.caffemodel` cannot be had offline; the code that loads it is tested on files of
the same layout from here: every layer type of its deploy.prototxt, at a small scale, with random weights.
`random_blobs` also makes weights for the real deploy.prototxt.

Format: caffe.proto of BVLC/caffe (messages NetParameter, LayerParameter, BlobProto, BlobShape), with the half-precision
fields of NVIDIA/caffe that OpenCV reads, in protobuf's wire encoding; the prototxt is protobuf's text format.
OpenCV 4's importer (modules/dnn/src/caffe/caffe_importer.cpp) takes the layers from the prototxt, and from the
caffemodel only the blobs, which it finds by the layer's name.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float32]
Message: TypeAlias = dict[str, list[Any]]
"""A parsed protobuf text message: every field is a list, of str, int, float, bool or Message."""


def parse_prototxt(text: str) -> Message:
    """Parse protobuf's text format, as far as Caffe's files use it (no escapes in strings, no `[a, b]` lists)."""
    tokens = iter(re.findall(r'"[^"]*"|[{}]|[^\s{}:]+', re.sub(r"#.*", "", text)))
    return _parse_message(tokens)


def _parse_message(tokens: Iterator[str]) -> Message:
    message: Message = {}
    for name in tokens:
        if name == "}":
            break
        value = next(tokens)
        message.setdefault(name, []).append(_parse_message(tokens) if value == "{" else _parse_scalar(value))
    return message


def _parse_scalar(token: str) -> str | bool | int | float:
    if token.startswith('"'):
        return token.strip('"')
    if token in ("true", "false"):
        return token == "true"
    for number in (int, float):
        try:
            return number(token)
        except ValueError:
            continue
    return token  # an enum's name


def first(message: Message, name: str, default: Any = None) -> Any:
    """The first value of a field, or the default. Raises KeyError if there is neither."""
    if name not in message and default is None:
        raise KeyError(name)
    return message.get(name, [default])[0]


def write_caffemodel(
    path: Path, net: Message, blobs: Mapping[str, Sequence[FloatArray]], *, half: bool = False
) -> None:
    """Write a `.caffemodel`: the layers of a parsed prototxt, with the blobs of those that `blobs` names.

    `half`: as float16, as in `res10_300x300_ssd_iter_140000_fp16.caffemodel`.
    """
    content = b""
    for layer in net["layer"]:
        name: str = first(layer, "name")
        content += _bytes_field(
            100,
            b"".join(
                [
                    _bytes_field(1, name.encode()),
                    _bytes_field(2, first(layer, "type").encode()),
                    *(_bytes_field(3, bottom.encode()) for bottom in layer["bottom"]),
                    *(_bytes_field(4, top.encode()) for top in layer["top"]),
                    *(_bytes_field(7, _blob(blob, half=half)) for blob in blobs.get(name, ())),
                ]
            ),
        )
    path.write_bytes(content)


def _blob(values: FloatArray, *, half: bool) -> bytes:
    shape = _bytes_field(7, _bytes_field(1, b"".join(_varint(extent) for extent in values.shape)))
    if half:
        return shape + _varint(10 << 3) + _varint(2) + _bytes_field(12, values.astype("<f2").tobytes())
    return shape + _bytes_field(5, values.astype("<f4").tobytes())


def _bytes_field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """A non-negative integer, 7 bits a byte, the lowest first; the high bit says that more follow."""
    content = b""
    while value > 127:
        content += struct.pack("B", value & 127 | 128)
        value >>= 7
    return content + struct.pack("B", value)


def random_blobs(net: Message, seed: int) -> dict[str, list[FloatArray]]:
    """Random float32 weights for a parsed prototxt of the SSD's kind, by layer name, always the same for a seed.

    The scale of each is such that values stay near 1, by an estimate of their mean square, for an input of pixels less
    a mean. The biases of the convolutions named `*_mbox_conf` make most prior boxes background. Batch norms are as
    Caffe keeps them: mean and variance, both times a factor, which follows.
    """
    rng = np.random.default_rng(seed)
    channels: dict[str, int] = {first(net, "input"): 3}
    power: dict[str, float] = {first(net, "input"): 60.0**2}
    blobs: dict[str, list[NDArray[Any]]] = {}
    for layer in net["layer"]:
        name, kind, bottom = first(layer, "name"), first(layer, "type"), first(layer, "bottom")
        count, square = channels.get(bottom, 0), sum(power.get(each, 0) for each in layer["bottom"])
        if kind == "Convolution":
            given = first(layer, "convolution_param")
            shape = (first(given, "num_output"), count, *[first(given, "kernel_size")] * 2)
            wanted = {"_mbox_loc": 0.5, "_mbox_conf": 2.0}.get(name[name.find("_mbox") :], 1.0)
            weight = rng.normal(0, wanted / np.sqrt(np.prod(shape[1:]) * square), shape)
            bias = rng.normal(0, 0.1, shape[0])
            if name.endswith("_mbox_conf"):
                weight -= weight.mean((2, 3), keepdims=True)  # so that a flat region is background, whatever its colour
                bias[::2] += 8  # even channels are the background's
            blobs[name] = [weight, bias] if "bias_term" not in given or first(given, "bias_term") else [weight]
            count, square = shape[0], wanted**2
        elif kind == "BatchNorm":
            mean, variance, factor = rng.normal(0, 0.1, count), rng.uniform(0.5, 1.5, count), 2.0
            blobs[name] = [mean * np.sqrt(square) * factor, variance * square * factor, np.array([factor])]
            square = 1
        elif kind == "Scale":
            blobs[name] = [rng.uniform(0.5, 1.5, count), rng.normal(0, 0.1, count)]
        elif kind == "ReLU":
            square /= 2
        elif kind == "Normalize":
            middle = first(first(first(layer, "norm_param"), "scale_filler"), "value")
            blobs[name] = [middle * rng.uniform(0.5, 1.5, count)]
            square = middle**2 / count
        top = first(layer, "top")
        channels[top], power[top] = count, square
    return {name: [blob.astype(np.float32) for blob in group] for name, group in blobs.items()}


def small_ssd_prototxt() -> str:
    """An SSD with every layer type of the Res10 face detector's deploy.prototxt: input `data` (1, 3, 300, 300), BGR.

    Output `detection_out` (1, 1, n, 7); heads on maps of 19x19, 10x10 and 5x5.
    """
    layers = [
        *_batch_norm("data_bn", "data", "data_bn"),
        _convolution("conv1", "data_bn", "num_output: 8 pad: 3 kernel_size: 7 stride: 2"),
        *_batch_norm("conv1_bn", "conv1", "conv1"),
        _layer("conv1_relu", "ReLU", "conv1", "conv1"),
        _layer("conv1_pool", "Pooling", "conv1", "conv1_pool", "pooling_param { kernel_size: 3 stride: 2 }"),
        _convolution("conv2", "conv1_pool", "num_output: 16 bias_term: false pad: 1 kernel_size: 3 stride: 2"),
        *_batch_norm("conv2_bn", "conv2", "conv2"),
        _layer("conv2_relu", "ReLU", "conv2", "conv2"),
        _convolution("conv3", "conv2", "num_output: 16 bias_term: false pad: 1 kernel_size: 3 stride: 2"),
        *_batch_norm("conv3_bn", "conv3", "conv3"),
        _layer("conv3_relu", "ReLU", "conv3", "conv3"),
        _convolution("conv4", "conv3", "num_output: 16 bias_term: false pad: 2 kernel_size: 3 dilation: 2"),
        _convolution("expand", "conv2", "num_output: 16 bias_term: false pad: 0 kernel_size: 1 stride: 2"),
        _layer("sum", "Eltwise", "conv4 expand", "sum"),
        *_batch_norm("sum_bn", "sum", "sum"),
        _layer("last_relu", "ReLU", "sum", "fc7"),
        _convolution("conv6", "fc7", "num_output: 16 pad: 1 kernel_size: 3 stride: 2"),
        _layer("conv6_relu", "ReLU", "conv6", "conv6"),
        _convolution("conv7", "conv6", "num_output: 16 pad: 1 kernel_size: 3 stride: 2"),
        _layer("conv7_relu", "ReLU", "conv7", "conv7"),
        _layer(
            "norm",
            "Normalize",
            "conv3",
            "norm",
            'norm_param { across_spatial: false scale_filler { type: "constant" value: 4 } channel_shared: false }',
        ),
        *_head("norm", (2,), 30, 60, 16),
        *_head("fc7", (2, 3), 60, 111, 16),
        *_head("conv6", (2, 3), 111, 162, 32),
        *_head("conv7", (2,), 162, 213, 64),
    ]
    heads = ("norm", "fc7", "conv6", "conv7")
    for part, axis in (("loc_flat", 1), ("conf_flat", 1), ("priorbox", 2)):
        joined = " ".join(f"{head}_mbox_{part}" for head in heads)
        layers.append(_layer(f"mbox_{part}", "Concat", joined, f"mbox_{part}", f"concat_param {{ axis: {axis} }}"))
    layers += [
        _layer("rows", "Reshape", "mbox_conf_flat", "rows", "reshape_param { shape { dim: 0 dim: -1 dim: 2 } }"),
        _layer("softmax", "Softmax", "rows", "softmax", "softmax_param { axis: 2 }"),
        _layer("scores", "Flatten", "softmax", "scores", "flatten_param { axis: 1 }"),
        _layer(
            "detection_out",
            "DetectionOutput",
            "mbox_loc_flat scores mbox_priorbox",
            "detection_out",
            "include { phase: TEST } detection_output_param {"
            " num_classes: 2 share_location: true background_label_id: 0 nms_param { nms_threshold: 0.45 top_k: 400 }"
            " code_type: CENTER_SIZE keep_top_k: 200 confidence_threshold: 0.01 }",
        ),
    ]
    return "\n".join(['input: "data"', "input_shape { dim: 1 dim: 3 dim: 300 dim: 300 }", *layers]) + "\n"


def _layer(name: str, kind: str, bottoms: str, top: str, settings: str = "") -> str:
    inputs = " ".join(f'bottom: "{bottom}"' for bottom in bottoms.split())
    return f'layer {{ name: "{name}" type: "{kind}" {inputs} top: "{top}" {settings} }}'


def _convolution(name: str, bottom: str, settings: str) -> str:
    return _layer(name, "Convolution", bottom, name, f"convolution_param {{ {settings} }}")


def _batch_norm(name: str, bottom: str, top: str) -> list[str]:
    scale = _layer(f"{name}_scale", "Scale", top, top, "scale_param { bias_term: true }")
    return [_layer(name, "BatchNorm", bottom, top), scale]


def _head(source: str, ratios: Sequence[int], smallest: int, largest: int, step: int) -> list[str]:
    """The layers that make locations, confidences and prior boxes of a map."""
    layers = []
    for part, values in (("loc", 4), ("conf", 2)):
        name, outputs = f"{source}_mbox_{part}", values * (2 + 2 * len(ratios))
        layers += [
            _convolution(name, source, f"num_output: {outputs} pad: 1 kernel_size: 3 stride: 1"),
            _layer(
                f"{name}_perm", "Permute", name, f"{name}_perm", "permute_param { order: 0 order: 2 order: 3 order: 1 }"
            ),
            _layer(f"{name}_flat", "Flatten", f"{name}_perm", f"{name}_flat", "flatten_param { axis: 1 }"),
        ]
    shapes = " ".join(f"aspect_ratio: {ratio}" for ratio in ratios)
    settings = (
        f"prior_box_param {{ min_size: {smallest} max_size: {largest} {shapes} flip: true clip: false"
        f" variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 step: {step} offset: 0.5 }}"
    )
    name = f"{source}_mbox_priorbox"
    return [*layers, _layer(name, "PriorBox", f"{source} data", name, settings)]


def write_small_ssd(folder: Path, seed: int = 10) -> tuple[Path, Path]:
    """Write the small SSD with random weights into a folder: `deploy.prototxt` and `small_ssd.caffemodel`.

    With the default seed a photograph has one to ten detections above 0.5, and about a hundred above 0.01; a flat image
    has none.
    """
    prototxt, caffemodel = folder / "deploy.prototxt", folder / "small_ssd.caffemodel"
    text = small_ssd_prototxt()
    net = parse_prototxt(text)
    prototxt.write_text(text)
    write_caffemodel(caffemodel, net, random_blobs(net, seed))
    return prototxt, caffemodel
