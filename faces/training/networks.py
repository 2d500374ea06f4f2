"""The networks that can be trained: a core from pixels to heads, and the augmentation that goes before it in training.

A core takes float32 or uint8 (N, side, side, 3), BGR in 0..255, and scales it itself, so that what is exported needs
no preparation. Keras is imported by the functions, since only training needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from faces import dlib_weights, zoo
from faces.training.backend import keras as load_keras
from faces.types import Floats

if TYPE_CHECKING:
    import keras

Heads = Mapping[str, int]
"""A head's name to its number of classes; 0 for a number, such as the age."""

Ranges = Mapping[str, tuple[float, float]]
"""Of each head that is a number: the least and the greatest."""

ANCHORS = 30

BLOCKS = (32,) * 3 + (64,) * 4 + (128,) * 3 + (256,) * 4
"""Channels of each block of dlib's ResNet. One with more than the block before halves the map, and so does the last."""


def cnn3(side: int, heads: Heads, ranges: Ranges) -> keras.Model:
    """Three times Conv-ReLU-MaxPool, Dense 128 with BatchNorm and Dropout: the network that tutorials train."""
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
    """A small residual network of separable convolutions, from scratch (after Xception, arXiv:1610.02357)."""
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


def pretrained(side: int, heads: Heads, ranges: Ranges, blocks: int = 11, frozen: int = 7) -> keras.Model:
    """The first blocks of dlib's face ResNet, with its weights, of which the later ones go on learning.

    blocks: how many of ``BLOCKS``. frozen: how many of them keep dlib's weights, as the first convolution does with
    any; each that does saves training a backward pass.
    """
    keras = load_keras()
    layers, ops = keras.layers, keras.ops
    weights = iter(dlib_filters())
    image, x = _image(side, 1.0, 0.0)

    def conv(x: Any, filters: int, size: int, stride: int, same: bool, learns: bool) -> Any:
        padding = "same" if same else "valid"
        layer = layers.Conv2D(filters, size, strides=stride, padding=padding, trainable=learns)
        x = layer(x)
        layer.set_weights(next(weights))
        return x

    x = layers.ReLU()(conv(x, 32, 7, 2, same=False, learns=frozen == 0))
    x = layers.MaxPooling2D(3, strides=2)(x)
    for block, filters in enumerate(BLOCKS[:blocks]):
        down, learns = filters > x.shape[-1] or block == len(BLOCKS) - 1, block >= frozen
        branch = layers.ReLU()(conv(x, filters, 3, 2 if down else 1, same=not down, learns=learns))
        branch = conv(branch, filters, 3, 1, same=True, learns=learns)
        if down:  # as dlib adds maps of different sizes: zeros make both as large as the larger
            x = layers.AveragePooling2D(2)(x)
            more = x.shape[1] - branch.shape[1]
            branch = ops.pad(branch, ((0, 0), (0, max(more, 0)), (0, max(more, 0)), (0, 0)))
            x = ops.pad(x, ((0, 0), (0, max(-more, 0)), (0, max(-more, 0)), (0, filters - x.shape[-1])))
        x = layers.ReLU()(layers.Add()([branch, x]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, _heads(layers.Dropout(0.3)(x), heads, ranges))


def dlib_filters() -> list[list[Floats]]:
    """The convolutions of dlib's ResNet in order: filters (k, k, inputs, outputs) and biases (outputs,).

    The first takes BGR bytes. Raises ModelError where the data package is missing.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(dlib_weights.converted(zoo.MODELS["dlib-resnet"])).graph
    constants = {constant.name: constant for constant in graph.initializer}
    return [
        [
            np.ascontiguousarray(numpy_helper.to_array(constants[node.input[1]]).transpose(2, 3, 1, 0)),
            np.array(numpy_helper.to_array(constants[node.input[2]])),
        ]
        for node in graph.node
        if node.op_type == "Conv"
    ]


ARCHITECTURES = {"cnn3": cnn3, "residual": residual, "pretrained": pretrained}


def augmentation(side: int, shift: float = 0.06, light: float = 0.2) -> list[Any]:
    """Keras layers for training images: mirrored or not, shifted, lighter or darker; float32 (N, side, side, 3)."""
    keras = load_keras()
    layers, most = keras.layers, round(shift * side)

    class Shift(layers.Layer):  # type: ignore[name-defined, misc]
        """By whole pixels, a batch alike: ``RandomTranslation`` interpolates, and takes a third of the time of all."""

        def call(self, images: Any, training: bool | None = None) -> Any:
            if not training:
                return images
            x, y = np.random.randint(0, 2 * most + 1, 2)  # seeded with everything else, by ``backend.seed``
            padded = keras.ops.pad(images, ((0, 0), (most, most), (most, most), (0, 0)))
            return padded[:, y : y + side, x : x + side]

    return [
        layers.RandomFlip("horizontal"),
        Shift(),
        layers.RandomBrightness(light, value_range=(0, 255)),
        layers.RandomContrast(light, value_range=(0, 255)),
    ]


def augmented(core: keras.Model) -> keras.Model:
    """The network to train: the core behind augmentation, which does nothing but in training."""
    keras = load_keras()
    image = keras.Input(core.input_shape[1:], dtype="uint8", name="image")
    x = image
    for layer in augmentation(core.input_shape[1]):
        x = layer(x)
    return keras.Model(image, core(x))


def _image(side: int, scale: float, offset: float) -> tuple[Any, Any]:
    layers = load_keras().layers
    image = layers.Input((side, side, 3), name="image")
    return image, layers.Rescaling(scale, offset)(image)


def _heads(x: Any, heads: Heads, ranges: Ranges) -> dict[str, Any]:
    """One output a head: probabilities (N, classes), or a number (N, 1).

    A number is what is expected of ``ANCHORS`` values spread over its range (Rothe et al., DEX, IJCV 2018), which
    learns better than a number by itself, and never leaves the range.
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
