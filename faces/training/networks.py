"""The networks that can be trained: a core from pixels to heads, and the augmentation that goes before it in training.

A core takes float32 or uint8 (N, side, side, 3), BGR in 0..255, and scales it itself, so that what is exported needs
no preparation. Keras is imported by the functions, since only training needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from faces.attributes.model import EMBEDDING, IMAGE
from faces.models import dlib, zoo
from faces.training.backend import keras as load_keras
from faces.types import Floats

if TYPE_CHECKING:
    import keras

Heads = Mapping[str, int]
"""A head's name to its number of classes; 0 for a number, such as the age."""

Ranges = Mapping[str, tuple[float, float]]
"""Of each head that is a number: the least and the greatest."""

ANCHORS = 30
WIDTH = 256  # of what is made of the embedding before the heads

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


def pretrained(
    side: int, heads: Heads, ranges: Ranges, blocks: int = 11, frozen: int = 7, embedding: int = 0
) -> keras.Model:
    """The first blocks of dlib's face ResNet, with its weights, of which the later ones go on learning.

    blocks: how many of ``BLOCKS``. frozen: how many of them keep dlib's weights, as the first convolution does with
    any; each that does saves training a backward pass. embedding: the length of a second input, ``embedding``: what the
    whole network made of the same face, float32 (N, embedding), unit length. It knows more of who somebody is, the
    pixels of how they look.
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

    def widened(x: Any, filters: int) -> Any:
        """With channels of zeros, by a convolution: ONNX Runtime would leave its fast layout for a padding."""
        if x.shape[-1] == filters:
            return x
        layer = layers.Conv2D(filters, 1, use_bias=False, trainable=False)
        wide = layer(x)
        layer.set_weights([np.eye(x.shape[-1], filters, dtype=np.float32)[None, None]])
        return wide

    x = layers.ReLU()(conv(x, 32, 7, 2, same=False, learns=frozen == 0))
    x = layers.MaxPooling2D(3, strides=2)(x)
    for block, filters in enumerate(BLOCKS[:blocks]):
        down, learns = filters > x.shape[-1] or block == len(BLOCKS) - 1, block >= frozen
        branch = layers.ReLU()(conv(x, filters, 3, 2 if down else 1, same=not down, learns=learns))
        branch = conv(branch, filters, 3, 1, same=True, learns=learns)
        if down:  # as dlib adds maps of different sizes: zeros make both as large as the larger
            x = widened(layers.AveragePooling2D(2)(x), filters)
            more = x.shape[1] - branch.shape[1]  # 1 where the map was even
            if more:
                branch = ops.pad(branch, ((0, 0), (0, more), (0, more), (0, 0)))
        x = layers.ReLU()(layers.Add()([branch, x]))
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    if not embedding:
        return keras.Model(image, _heads(x, heads, ranges))
    whole = layers.Input((embedding,), name=EMBEDDING)
    scaled = layers.Rescaling(embedding**0.5)(whole)  # each number about 1, as features are
    hidden = layers.Dense(WIDTH, activation="gelu")(layers.Dropout(0.2)(scaled))
    x = layers.Concatenate()([x, scaled, layers.Dropout(0.3)(hidden)])
    return keras.Model({IMAGE: image, EMBEDDING: whole}, _heads(x, heads, ranges))


def dlib_filters() -> list[list[Floats]]:
    """The convolutions of dlib's ResNet in order: filters (k, k, inputs, outputs) and biases (outputs,).

    The first takes BGR bytes. Raises ModelError where the data package is missing.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(dlib.converted(zoo.MODELS["dlib-resnet"])).graph
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


def least_side(architecture: str, blocks: int) -> int:
    """px: of smaller images nothing would be left. blocks: of ``pretrained``."""
    if architecture == "cnn3":
        return 22
    if architecture == "residual":
        return 1
    halved = len(set(BLOCKS[:blocks])) - 1 + (blocks == len(BLOCKS))
    return 7 + 4 * (3 * 2 ** (halved - 1) if halved else 1)  # a block halves 3 px or more; before, it is a quarter


def augmentation(side: int, strong: bool = False) -> list[Any]:
    """Keras layers for training images: mirrored or not, shifted, lighter or darker; float32 (N, side, side, 3).

    strong: each image by itself, turned and scaled as well, and with a patch of noise; against learning by heart.
    """
    layers = load_keras().layers
    moved = [_warp(side)] if strong else [layers.RandomFlip("horizontal"), _shift(side)]
    light = 0.3 if strong else 0.2
    lit = [
        layers.RandomBrightness(light, value_range=(0, 255)),
        layers.RandomContrast(light, value_range=(0, 255)),
    ]
    hidden = [layers.RandomErasing(0.7, scale=(0.02, 0.15), value_range=(0, 255))] if strong else []
    return [*moved, *lit, *hidden]


def _shift(side: int, most: float = 0.06) -> Any:
    """By whole pixels, a batch alike: ``RandomTranslation`` interpolates, and takes a third of the time of all."""
    keras, px = load_keras(), round(most * side)

    class Shift(keras.layers.Layer):  # type: ignore[name-defined, misc]
        def call(self, images: Any, training: bool | None = None) -> Any:
            if not training:
                return images
            x, y = np.random.randint(0, 2 * px + 1, 2)  # seeded with everything else, by ``backend.seed``
            padded = keras.ops.pad(images, ((0, 0), (px, px), (px, px), (0, 0)))
            return padded[:, y : y + side, x : x + side]

    return Shift()


def _warp(side: int, turn: float = 0.26, scale: float = 0.15, shift: float = 0.05) -> Any:
    """Each image mirrored or not, turned (radians), scaled and shifted (of its side), all with one interpolation.

    By PyTorch itself: it takes 9 ms for 64 images of 56 px, ``keras.ops.image.affine_transform`` 170.
    """
    import torch

    functional = torch.nn.functional

    class Warp(load_keras().layers.Layer):  # type: ignore[misc]
        def call(self, images: Any, training: bool | None = None) -> Any:
            if not training:
                return images
            dx, dy, angle, size, mirror = (torch.rand((5, len(images)), device=images.device) * 2 - 1).unbind()
            size, mirror = 1 + scale * size, torch.sign(mirror)
            cos, sin = size * torch.cos(turn * angle), size * torch.sin(turn * angle)
            rows = [mirror * cos, -sin, 2 * shift * dx, mirror * sin, cos, 2 * shift * dy]  # a side is -1 to 1
            grid = functional.affine_grid(
                torch.stack(rows, 1).reshape(-1, 2, 3), [len(images), 3, side, side], align_corners=False
            )
            channels_first = images.permute(0, 3, 1, 2).float()
            warped = functional.grid_sample(channels_first, grid, padding_mode="border", align_corners=False)
            return warped.permute(0, 2, 3, 1)

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    return Warp()


def augmented(core: keras.Model, strong: bool = False) -> keras.Model:
    """The network to train: the core behind augmentation, which does nothing but in training."""
    keras = load_keras()
    inputs = {entry.name: keras.Input(entry.shape[1:], dtype=entry.dtype, name=entry.name) for entry in core.inputs}
    image = inputs[IMAGE] = keras.Input(inputs[IMAGE].shape[1:], dtype="uint8", name=IMAGE)
    for layer in augmentation(image.shape[1], strong):
        image = layer(image)
    if len(inputs) == 1:
        return keras.Model(inputs[IMAGE], core(image))
    return keras.Model(inputs, core({**inputs, IMAGE: image}))


def _image(side: int, scale: float, offset: float) -> tuple[Any, Any]:
    layers = load_keras().layers
    image = layers.Input((side, side, 3), name=IMAGE)
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
