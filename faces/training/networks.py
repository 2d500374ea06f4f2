"""Build Keras networks from pixels to heads.

A network takes uint8 or float32 (N, side, side, 3), BGR in 0..255, and scales it itself: the exported file needs
no preprocessing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faces.attributes.model import EMBEDDING, IMAGE
from faces.errors import ModelError
from faces.models import conversion, zoo
from faces.training.backend import load_keras
from faces.types import Floats

if TYPE_CHECKING:
    import keras

Heads = Mapping[str, int]
"""The number of classes by head; 0 for a number, such as the age."""

Ranges = Mapping[str, tuple[float, float]]
"""The lowest and the highest value, by head that is a number."""

ANCHORS = 30
FEATURES, LAST_LAYERS = "features", "last_layers"  # names of layers in ``pretrained``
HIDDEN_UNITS = 256  # of the layer between the embedding and the heads

# Channels of each block of dlib's ResNet. A block with more channels than the one before halves the map; so does the
# last.
BLOCKS = (32,) * 3 + (64,) * 4 + (128,) * 3 + (256,) * 4


def cnn3(side: int, heads: Heads, ranges: Ranges) -> keras.Model:
    """Build the network of many tutorials: three times Conv-ReLU-MaxPool, then Dense 128 with BatchNorm and Dropout."""
    keras = load_keras()
    layers = keras.layers
    image, x = _image(side, 1 / 255, 0.0)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(0.5)(layers.BatchNormalization()(x))
    return keras.Model(image, _heads(x, heads, ranges))


def residual(side: int, heads: Heads, ranges: Ranges) -> keras.Model:
    """Build a small residual network of separable convolutions (after Xception, arXiv:1610.02357)."""
    keras = load_keras()
    layers = keras.layers
    image, x = _image(side, 1 / 127.5, -1.0)
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters in (64, 128, 192, 256):
        shortcut = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x)
        shortcut = layers.BatchNormalization()(shortcut)
        for _ in range(2):
            x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(layers.ReLU()(x))
            x = layers.BatchNormalization()(x)
        x = layers.Add()([layers.MaxPooling2D(3, strides=2, padding="same")(x), shortcut])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(image, _heads(layers.Dropout(0.4)(x), heads, ranges))


def pretrained(
    side: int,
    heads: Heads,
    ranges: Ranges,
    blocks: int = 11,
    frozen: int = 7,
    embedding: int = 0,
    start: Path | None = None,
) -> keras.Model:
    """Build the first blocks of dlib's face ResNet with its weights; the later blocks are trainable.

    blocks: how many of ``BLOCKS`` to use.
    frozen: how many of them keep their weights; the first convolution is frozen with them if this is above 0.
    embedding: D of a second input named ``embedding``, float32 (N, D), unit length: the built-in embedding of the same
        face; 0: no such input. It holds more about identity, the pixels more about appearance.
    start: an attribute model of this architecture, whose filters are used instead of dlib's.

    Raises ModelError if dlib's model file is missing, or ``start`` has fewer blocks or another architecture.
    """
    keras = load_keras()
    layers, ops = keras.layers, keras.ops
    weights = iter(trained_filters(start, blocks) if start else dlib_filters())
    image, x = _image(side, 1.0, 0.0)

    def conv(x: Any, filters: int, size: int, stride: int, same: bool, trainable: bool) -> Any:
        padding = "same" if same else "valid"
        layer = layers.Conv2D(filters, size, strides=stride, padding=padding, trainable=trainable)
        x = layer(x)
        layer.set_weights(next(weights))
        return x

    def widened(x: Any, filters: int) -> Any:
        """Add channels of zeros, by a convolution; ONNX Runtime would leave its fast layout for a padding."""
        if x.shape[-1] == filters:
            return x
        layer = layers.Conv2D(filters, 1, use_bias=False, trainable=False)
        wide = layer(x)
        layer.set_weights([np.eye(x.shape[-1], filters, dtype=np.float32)[None, None]])
        return wide

    x = layers.ReLU()(conv(x, 32, 7, 2, same=False, trainable=frozen == 0))
    x = layers.MaxPooling2D(3, strides=2)(x)
    for block, filters in enumerate(BLOCKS[:blocks]):
        down, trainable = filters > x.shape[-1] or block == len(BLOCKS) - 1, block >= frozen
        branch = layers.ReLU()(conv(x, filters, 3, 2 if down else 1, same=not down, trainable=trainable))
        branch = conv(branch, filters, 3, 1, same=True, trainable=trainable)
        if down:  # dlib adds maps of different sizes by padding the smaller with zeros
            x = widened(layers.AveragePooling2D(2)(x), filters)
            missing = x.shape[1] - branch.shape[1]  # 1 if the map was even
            if missing:
                branch = ops.pad(branch, ((0, 0), (0, missing), (0, missing), (0, 0)))
        x = layers.ReLU()(layers.Add()([branch, x]))
    x = layers.GlobalAveragePooling2D(name=FEATURES)(x)
    last = _last_layers(x.shape[-1], embedding, heads, ranges)
    if not embedding:
        return keras.Model(image, last(x))
    identity = layers.Input((embedding,), name=EMBEDDING)
    return keras.Model({IMAGE: image, EMBEDDING: identity}, last({FEATURES: x, EMBEDDING: identity}))


def halves(core: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Return the two parts of a network that ``pretrained`` built: images to features, and features to heads.

    The second takes features (N, C) or, with an embedding, the dictionary of ``FEATURES`` and ``EMBEDDING``.
    """
    keras = load_keras()
    [image] = [entry for entry in core.inputs if entry.name == IMAGE]
    return keras.Model(image, core.get_layer(FEATURES).output), core.get_layer(LAST_LAYERS)


def _last_layers(features: int, embedding: int, heads: Heads, ranges: Ranges) -> keras.Model:
    """Build the layers from features (N, C), and an embedding if D > 0, to the heads; a network of its own."""
    keras = load_keras()
    layers = keras.layers
    seen = layers.Input((features,), name=FEATURES)
    x = layers.Dropout(0.3)(seen)
    if not embedding:
        return keras.Model(seen, _heads(x, heads, ranges), name=LAST_LAYERS)
    identity = layers.Input((embedding,), name=EMBEDDING)
    scaled = layers.Rescaling(embedding**0.5)(identity)  # each number about 1, as features are
    hidden = layers.Dense(HIDDEN_UNITS, activation="gelu")(layers.Dropout(0.2)(scaled))
    x = layers.Concatenate()([x, scaled, layers.Dropout(0.3)(hidden)])
    return keras.Model({FEATURES: seen, EMBEDDING: identity}, _heads(x, heads, ranges), name=LAST_LAYERS)


def dlib_filters() -> list[list[Floats]]:
    """Return the convolutions of dlib's ResNet in order: filters (k, k, inputs, outputs) and biases (outputs,).

    The first one takes BGR in 0..255.

    Raises ModelError if dlib's model file is missing.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(conversion.converted(zoo.MODELS["dlib-resnet"])).graph
    constants = {constant.name: constant for constant in graph.initializer}
    return [
        [
            np.ascontiguousarray(numpy_helper.to_array(constants[node.input[1]]).transpose(2, 3, 1, 0)),
            np.array(numpy_helper.to_array(constants[node.input[2]])),
        ]
        for node in graph.node
        if node.op_type == "Conv"
    ]


def trained_filters(path: Path, blocks: int) -> list[list[Floats]]:
    """Return the convolutions of an attribute model in order, as ``dlib_filters`` does.

    path: an ``.onnx`` file that ``exporting.export`` wrote, of the architecture ``pretrained``.
    blocks: how many are needed at least.

    Raises ModelError if the file is not such a model, or has fewer blocks.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    constants = {constant.name: constant for constant in graph.initializer}
    filters, biases = list[Floats](), list[Floats]()
    for node in graph.node:
        named = [constants[name] for name in node.input if name in constants]
        if node.op_type == "Conv" and named[0].dims[-1] > 1:  # the others only widen the shortcut
            filters.append(np.ascontiguousarray(numpy_helper.to_array(named[0]).transpose(2, 3, 1, 0)))
        elif node.op_type == "Add" and named and list(named[0].dims[:-1]) == [1, 1, 1]:
            biases.append(np.array(numpy_helper.to_array(named[0]).ravel()))
    wanted = [32, *(channels for channels in BLOCKS[:blocks] for _ in range(2))]
    if [array.shape[-1] for array in filters][: len(wanted)] != wanted or len(filters) != len(biases):
        raise ModelError(f"{path}: not an attribute model of the architecture pretrained with {blocks} blocks or more")
    return [[kernel, bias] for kernel, bias in zip(filters, biases, strict=True)]


ARCHITECTURES = {"cnn3": cnn3, "residual": residual, "pretrained": pretrained}


def min_side(architecture: str, blocks: int) -> int:
    """Return the smallest image side, px, that an architecture takes.

    blocks: of ``pretrained``.
    """
    if architecture == "cnn3":
        return 22
    if architecture == "residual":
        return 1
    halved = len(set(BLOCKS[:blocks])) - 1 + (blocks == len(BLOCKS))
    return 7 + 4 * (
        3 * 2 ** (halved - 1) if halved else 1
    )  # the stem quarters the side; a block can halve 3 px or more


def _image(side: int, scale: float, offset: float) -> tuple[Any, Any]:
    layers = load_keras().layers
    image = layers.Input((side, side, 3), name=IMAGE)
    return image, layers.Rescaling(scale, offset)(image)


def _heads(x: Any, heads: Heads, ranges: Ranges) -> dict[str, Any]:
    """Add one output per head: probabilities (N, classes), or a number (N, 1).

    A number is the expected value of ``ANCHORS`` values spread over its range (Rothe et al., DEX, IJCV 2018): this
    learns better than a single output, and stays in the range.
    """
    keras = load_keras()
    outputs = {}
    for name, classes in heads.items():
        if classes:
            outputs[name] = keras.layers.Dense(classes, activation="softmax", name=name)(x)
        else:
            anchors = np.linspace(*ranges[name], ANCHORS, dtype=np.float32)[:, None]
            likely = keras.layers.Dense(ANCHORS, activation="softmax", name=f"{name}_anchors")(x)
            outputs[name] = keras.ops.matmul(likely, keras.ops.convert_to_tensor(anchors))
    return outputs
