"""What the layers of the classic pair compute, in plain numpy, to hold cv2.dnn against.

Maps are float32 (N, C, H, W). `run_torch` follows a tree of `faces.models.torch7.modules`, `run_caffe` a prototxt with
the blobs of `tests.caffe_files`. The layers are those of torch/nn, of BVLC/caffe and of SSD (Liu et al. 2016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from faces.models.torch7.file import FloatArray, TorchObject
from tests.caffe_files import Message, first


def windows(x: FloatArray, size: int, stride: int, dilation: int = 1) -> FloatArray:
    """All size x size windows of maps (N, C, H, W), as (N, C, rows, columns, size, size)."""
    span = (size - 1) * dilation + 1
    patches: FloatArray = sliding_window_view(x, (span, span), (2, 3))
    return patches[:, :, ::stride, ::stride, ::dilation, ::dilation]


def convolve(
    x: FloatArray, weight: FloatArray, bias: FloatArray | None, stride: int = 1, pad: int = 0, dilation: int = 1
) -> FloatArray:
    """Convolution with a weight (out, in, k, k) and a bias (out,), or none; padding with zeros."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    patches = windows(x, weight.shape[2], stride, dilation)
    y: FloatArray = np.tensordot(patches, weight, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
    return y if bias is None else y + _by_channel(bias)


def max_pool(x: FloatArray, size: int, stride: int, pad: int = 0, *, ceil: bool = False) -> FloatArray:
    """The maximum of each window; `ceil`: also of the last windows, that stick out (Caffe's rule)."""
    more = [(size - extent - 2 * pad) % stride if ceil else 0 for extent in x.shape[2:]]
    sides = [(pad, pad + extra) for extra in more]
    x = np.pad(x, ((0, 0), (0, 0), *sides), constant_values=-np.inf)
    y: FloatArray = windows(x, size, stride).max((4, 5))
    return y


def average_pool(x: FloatArray, size: int, stride: int) -> FloatArray:
    """The mean of each window."""
    y: FloatArray = windows(x, size, stride).mean((4, 5))
    return y


def batch_norm(x: FloatArray, mean: FloatArray, variance: FloatArray, eps: float) -> FloatArray:
    """Maps less each channel's mean, over its standard deviation."""
    y: FloatArray = (x - _by_channel(mean)) / np.sqrt(_by_channel(variance) + np.float32(eps))
    return y


def scale(x: FloatArray, weight: FloatArray, bias: FloatArray) -> FloatArray:
    """Maps times each channel's weight, plus its bias."""
    return x * _by_channel(weight) + _by_channel(bias)


def cross_map_lrn(x: FloatArray, size: int, alpha: float, beta: float, k: float) -> FloatArray:
    """Local response normalisation over `size` neighbouring channels (Krizhevsky et al. 2012)."""
    half = size // 2
    squares = np.pad(x * x, ((0, 0), (half, half), (0, 0), (0, 0)))
    sums = sliding_window_view(squares, size, 1).sum(-1)
    y: FloatArray = x / (np.float32(k) + np.float32(alpha / size) * sums) ** np.float32(beta)
    return y


def depth_concat(maps: Sequence[FloatArray]) -> FloatArray:
    """Maps joined by channel, the smaller ones in the middle of zeros, towards the top left where it is not exact."""
    height, width = max(x.shape[2] for x in maps), max(x.shape[3] for x in maps)
    padded = []
    for x in maps:
        rows, columns = height - x.shape[2], width - x.shape[3]
        sides = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
        padded.append(np.pad(x, ((0, 0), (0, 0), *sides)))
    return np.concatenate(padded, 1)


def unit_length(x: FloatArray) -> FloatArray:
    """Arrays divided by their 2-norm along axis 1."""
    y: FloatArray = x / np.sqrt((x * x).sum(1, keepdims=True) + np.float32(1e-10))
    return y


def softmax(x: FloatArray, axis: int) -> FloatArray:
    """Values made positive with a sum of 1 along an axis."""
    powers = np.exp(x - x.max(axis, keepdims=True))
    y: FloatArray = powers / powers.sum(axis, keepdims=True)
    return y


def _by_channel(values: FloatArray) -> FloatArray:
    return values.reshape(1, -1, 1, 1)


def run_torch(module: TorchObject, x: FloatArray) -> FloatArray:
    """What a module of `faces.models.torch7.modules` makes of (N, C, H, W) or (N, D); ValueError for an unknown
    class."""
    fields = module.fields
    y: FloatArray
    kind = module.class_name.removeprefix("nn.")
    if kind in ("Sequential", "Inception", "SpatialLPPooling"):
        return reduce(lambda y, inner: run_torch(inner, y), fields["modules"], x)
    if kind == "DepthConcat":
        return depth_concat([run_torch(branch, x) for branch in fields["modules"]])
    if kind in ("SpatialConvolution", "SpatialConvolutionMM"):
        shape = (fields["nOutputPlane"], fields["nInputPlane"], fields["kH"], fields["kW"])
        return convolve(x, fields["weight"].reshape(shape), fields["bias"], fields["dW"], fields["padW"])
    if kind == "SpatialBatchNormalization":
        y = batch_norm(x, fields["running_mean"], fields["running_var"], fields["eps"])
        return scale(y, fields["weight"], fields["bias"])
    if kind == "ReLU":
        return np.maximum(x, 0)
    if kind == "SpatialMaxPooling":
        return max_pool(x, fields["kW"], fields["dW"], fields["padW"])
    if kind == "SpatialAveragePooling":
        return average_pool(x, fields["kW"], fields["dW"])
    if kind == "SpatialCrossMapLRN":
        return cross_map_lrn(x, fields["size"], fields["alpha"], fields["beta"], fields["k"])
    if kind == "Square":
        return x * x
    if kind == "MulConstant":
        y = x * np.float32(fields["constant_scalar"])
        return y
    if kind == "Sqrt":
        return np.sqrt(x)
    if kind in ("Reshape", "View"):
        return x.reshape(-1, *map(int, fields["size"].values))
    if kind == "Linear":
        y = x @ fields["weight"].T + fields["bias"]
        return y
    if kind == "Normalize":
        return unit_length(x)
    raise ValueError(f"no numpy reference for {module.class_name}")


def run_caffe(net: Message, blobs: Mapping[str, Sequence[FloatArray]], image: FloatArray) -> FloatArray:
    """What a parsed prototxt's last layer makes of an image (1, 3, H, W). Raises ValueError for an unknown type."""
    values = {first(net, "input"): image}
    output = image
    for layer in net["layer"]:
        inputs = [values[name] for name in layer["bottom"]]
        output = _caffe_layer(layer, inputs, blobs.get(first(layer, "name"), ()))
        values[first(layer, "top")] = output
    return output


def _caffe_layer(layer: Message, inputs: Sequence[FloatArray], blobs: Sequence[FloatArray]) -> FloatArray:
    kind: str = first(layer, "type")
    x = inputs[0]
    if kind == "Convolution":
        given = first(layer, "convolution_param")
        sizes = [first(given, name, default) for name, default in (("stride", 1), ("pad", 0), ("dilation", 1))]
        return convolve(x, blobs[0], blobs[1] if len(blobs) > 1 else None, *sizes)
    if kind == "BatchNorm":
        mean, variance, factor = blobs
        return batch_norm(x, mean / factor, variance / factor, 1e-5)
    if kind == "Scale":
        return scale(x, *blobs)
    if kind == "ReLU":
        return np.maximum(x, 0)
    if kind == "Pooling":
        given = first(layer, "pooling_param")
        return max_pool(x, first(given, "kernel_size"), first(given, "stride"), ceil=True)
    if kind == "Eltwise":
        return sum(inputs[1:], x)
    if kind == "Normalize":
        return unit_length(x) * _by_channel(blobs[0])
    if kind == "Permute":
        return np.transpose(x, first(layer, "permute_param")["order"])
    if kind == "Flatten":
        return x.reshape(len(x), -1)
    if kind == "Reshape":
        extents = first(first(layer, "reshape_param"), "shape")["dim"]
        return x.reshape(len(x), *map(int, extents[1:]))
    if kind == "Softmax":
        return softmax(x, first(first(layer, "softmax_param"), "axis"))
    if kind == "Concat":
        return np.concatenate(inputs, first(first(layer, "concat_param"), "axis"))
    if kind == "PriorBox":
        return prior_boxes(first(layer, "prior_box_param"), x.shape[2:], inputs[1].shape[2:])
    if kind == "DetectionOutput":
        return detection_output(first(layer, "detection_output_param"), *inputs)
    raise ValueError(f"no numpy reference for {kind}")


def prior_boxes(given: Message, map_hw: Sequence[int], image_hw: Sequence[int]) -> FloatArray:
    """SSD's prior boxes of a map: (1, 2, 4 n), the xyxy in [0, 1], row by row of the map, and then their variances."""
    smallest, largest = first(given, "min_size"), first(given, "max_size")
    shapes = [(smallest, smallest), (np.sqrt(smallest * largest),) * 2]
    for ratio in given["aspect_ratio"]:
        wide, narrow = smallest * np.sqrt(ratio), smallest / np.sqrt(ratio)
        shapes += [(wide, narrow), (narrow, wide)]
    rows, columns = np.mgrid[: map_hw[0], : map_hw[1]]
    centres = (np.stack([columns, rows], -1) + first(given, "offset")) * first(given, "step")
    half = np.array(shapes) / 2
    corners = np.concatenate([centres[:, :, None] - half, centres[:, :, None] + half], -1)
    xyxy = (corners / (image_hw[1], image_hw[0], image_hw[1], image_hw[0])).reshape(-1)
    variances = np.tile(given["variance"], len(xyxy) // 4)
    return np.stack([xyxy, variances])[None].astype(np.float32)


def detection_output(given: Message, location: FloatArray, confidence: FloatArray, priors: FloatArray) -> FloatArray:
    """SSD's last layer for one class and a background: (1, 1, n, 7), rows of 0, 1, score, xyxy in [0, 1], best first.

    `location` (1, 4 n), `confidence` (1, 2 n) and `priors` (1, 2, 4 n) of n prior boxes.
    """
    xyxy, variance = priors[0].reshape(2, -1, 4)
    size = xyxy[:, 2:] - xyxy[:, :2]
    offset = location.reshape(-1, 4) * variance
    centre = (xyxy[:, :2] + xyxy[:, 2:]) / 2 + offset[:, :2] * size
    half = np.exp(offset[:, 2:]) * size / 2
    boxes = np.concatenate([centre - half, centre + half], 1)
    scores = confidence.reshape(-1, 2)[:, 1]
    suppression = first(given, "nms_param")
    best_first = np.argsort(-scores, kind="stable")
    likely = best_first[scores[best_first] > first(given, "confidence_threshold")][: first(suppression, "top_k")]
    kept: list[int] = []
    while likely.size:
        best = likely[0]
        kept.append(int(best))
        likely = likely[1:][overlaps(boxes[best], boxes[likely[1:]]) <= first(suppression, "nms_threshold")]
    kept = kept[: first(given, "keep_top_k")]
    labels = np.tile(np.array([0, 1], np.float32), (len(kept), 1))
    return np.concatenate([labels, scores[kept, None], boxes[kept]], 1)[None, None]


def overlaps(box: FloatArray, boxes: FloatArray) -> FloatArray:
    """Intersection over union of a box (4,) with boxes (n, 4), all xyxy: (n,)."""
    common_wh = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = common_wh.clip(0).prod(1)
    ratio: FloatArray = common / ((box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(1) - common)
    return ratio
