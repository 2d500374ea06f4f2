"""Build the networks of picture classifiers, and compute the features that the heads of some of them learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from faces.image_classifier import CUT, HEAD
from faces.training import networks
from faces.training.backend import load_keras
from faces.types import Floats, Image

AUGMENTATIONS = 8  # augmented copies of each picture, if the features are computed once
MAX_AUGMENTED = 50_000  # of all pictures together: 600 MB
BATCH_PICTURES = 32
DLIB_SIDE = 150  # px, the input that dlib's network was trained on


@dataclass(frozen=True)
class Design:
    """An untrained network.

    core: from pictures to probabilities.
    trunk: computes features from pictures; None if the whole network is trained.
    head: learns from the trunk's features; None if the whole network is trained.
    """

    core: Any
    trunk: Any = None
    head: Any = None


def transfer(side: int, classes: int) -> Design:
    """Put a trainable layer on the features of dlib's face network, from all its blocks but the last.

    A feature is the mean or the standard deviation of a channel over the picture: what is shown, not where.
    """
    keras = load_keras()
    layers, ops = keras.layers, keras.ops
    resnet = networks.pretrained(DLIB_SIDE, {HEAD: classes}, {}, blocks=13, frozen=13)
    blocks = [ops.relu(layer.output) for layer in resnet.layers if isinstance(layer, layers.Add)]
    statistics = [statistic(block, axis=(1, 2)) for block in blocks for statistic in (ops.mean, ops.std)]
    extractor = keras.Model(resnet.input, ops.concatenate(statistics, axis=1))
    image = layers.Input((side, side, 3), name="image")
    trunk = keras.Model(image, extractor(image if side == DLIB_SIDE else layers.Resizing(DLIB_SIDE, DLIB_SIDE)(image)))
    trunk.trainable = False

    inputs = layers.Input(trunk.output_shape[1:])
    x = layers.BatchNormalization(epsilon=1e-4, center=False, scale=False, trainable=False)(inputs)
    probabilities = layers.Dense(classes, activation="softmax", name=HEAD)(layers.Dropout(0.5)(x))
    head = keras.Model(inputs, probabilities)
    return Design(keras.Model(image, head(trunk(image))), trunk, head)


def residual(side: int, classes: int) -> Design:
    """Build ``networks.residual`` with one head, to train from scratch."""
    core = networks.residual(side, {HEAD: classes}, {})
    return Design(load_keras().Model(core.input, core.output[HEAD]))


ARCHITECTURES: dict[str, Callable[[int, int], Design]] = {"transfer": transfer, "residual": residual}


def augmented(core: Any) -> Any:
    """Put layers in front of a network that mirror, zoom, shift and relight pictures during training."""
    keras = load_keras()
    layers = keras.layers
    image = keras.Input(core.input_shape[1:], dtype="uint8", name="image")
    x = image
    for layer in (
        layers.RandomFlip("horizontal"),
        layers.RandomZoom((-0.25, 0.05), fill_mode="nearest"),
        layers.RandomTranslation(0.08, 0.08, fill_mode="nearest"),
        layers.RandomBrightness(0.1, value_range=(0, 255)),
        layers.RandomContrast(0.15, value_range=(0, 255)),
    ):
        x = layer(x)
    return keras.Model(image, core(x))


def augmented_features(trunk: Any, images: Image, progress: Callable[[int, int], None]) -> Floats:
    """Return the features of augmented pictures, float32 (A * N, D): all N pictures once, then all again, A times.

    The trunk is frozen, so they are computed once, and not in each epoch.

    images: uint8 (N, side, side, 3).
    progress: called with the number of augmentations done, and of all.
    """
    network = augmented(trunk)
    count = max(1, min(AUGMENTATIONS, MAX_AUGMENTED // len(images)))
    parts = []
    for done in range(count):
        parts += [_values(network(batch, training=True)) for batch in _batches(images)]
        progress(done + 1, count)
    return np.concatenate(parts)


def features(trunk: Any, images: Image) -> Floats:
    """Return the features of pictures without augmentation, float32 (N, D)."""
    return np.concatenate([_values(trunk(batch, training=False)) for batch in _batches(images)])


def standardize(head: Any, training_features: Floats) -> None:
    """Set the normalization of a head of ``transfer`` to the mean and variance of the training features (N, D)."""
    head.layers[1].set_weights([training_features.mean(axis=0), training_features.var(axis=0)])


def _batches(images: Image) -> list[Image]:
    return [images[start : start + BATCH_PICTURES] for start in range(0, len(images), BATCH_PICTURES)]


def _values(tensor: Any) -> Floats:
    ops = load_keras().ops
    return np.asarray(ops.convert_to_numpy(ops.stop_gradient(tensor)), np.float32)


def compile_network(network: Any, rate: float) -> Any:
    """Compile a network with AdamW and a learning rate."""
    optimizer = load_keras().optimizers.AdamW(rate, weight_decay=0.01)
    network.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def metadata(side: int, classes: Sequence[str], **settings: Any) -> dict[str, Any]:
    """Return the description of a classifier in its ONNX file."""
    return {"side": side, "cut": CUT, "heads": {HEAD: {"classes": list(classes)}}, **settings}
