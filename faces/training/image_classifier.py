"""Classifiers of whole pictures: the networks to train, and Keras files of others made into them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError, ModelError, UsageError, first_line
from faces.files.finding import find_images
from faces.image_classifier import CUT, HEAD, fit_square
from faces.images import read_image
from faces.training import networks
from faces.training.backend import keras as load_keras
from faces.training.data.labelled import legible
from faces.types import Floats, Image

MEMORY = 4e9  # bytes of pictures; training takes them from memory
LOOKS = 8  # ways in which a picture is augmented where its features are made once
MOST_LOOKS = 50_000  # of all pictures together: 600 MB
NATIVE = 150  # px: what dlib's network was trained on
SAFE = (3, 11, 3)  # the first Keras whose safe mode holds for .h5 files: CVE-2025-9905
PIXELS = {"0..1": (1 / 255, 0.0), "0..255": (1.0, 0.0), "-1..1": (1 / 127.5, -1.0)}  # a scale and an offset


def require_room(folder: Path, side: int) -> None:
    """Raise FacesError when the pictures below a folder, side x side px, are more than memory should hold.

    They are counted as they are found, and no further than that.
    """
    most = int(MEMORY / (side * side * 3))
    if next(islice(find_images(folder), most, None), None) is not None:
        raise FacesError(
            f"{folder}: more than {most:,} pictures, which of {side} px take over {MEMORY / 1e9:.0f} GB of memory;"
            " give fewer, or a smaller --image-size"
        )


def read_squares(paths: Sequence[Path], side: int, tell: Callable[[int], None] = lambda _: None) -> Image:
    """uint8 (N, side, side, 3); ``tell`` hears how many are done. Raises ImageError."""
    squares: Image = np.zeros((len(paths), side, side, 3), np.uint8)
    with ThreadPoolExecutor() as threads:
        for row, square in enumerate(threads.map(lambda path: fit_square(read_image(path), side), paths)):
            squares[row] = square
            if row % 1000 == 999:
                tell(row + 1)
    return squares


@dataclass(frozen=True)
class Design:
    """A network in the making. core: from pictures to probabilities. trunk, head: what it consists of where only the
    head learns, from the features that the trunk makes of pictures.
    """

    core: Any
    trunk: Any = None
    head: Any = None


def transfer(side: int, classes: int) -> Design:
    """dlib's face network as it is, whose features, of all its blocks but the last, are learnt to be told apart.

    A feature is a channel's mean, or its standard deviation, over the picture: what there is, not where.
    """
    keras = load_keras()
    layers, ops = keras.layers, keras.ops
    resnet = networks.pretrained(NATIVE, {HEAD: classes}, {}, blocks=13, frozen=13)
    blocks = [ops.relu(layer.output) for layer in resnet.layers if isinstance(layer, layers.Add)]
    statistics = [statistic(block, axis=(1, 2)) for block in blocks for statistic in (ops.mean, ops.std)]
    features = keras.Model(resnet.input, ops.concatenate(statistics, axis=1))
    image = layers.Input((side, side, 3), name="image")
    trunk = keras.Model(image, features(image if side == NATIVE else layers.Resizing(NATIVE, NATIVE)(image)))
    trunk.trainable = False

    given = layers.Input(trunk.output_shape[1:])
    x = layers.BatchNormalization(epsilon=1e-4, center=False, scale=False, trainable=False)(given)
    answer = layers.Dense(classes, activation="softmax", name=HEAD)(layers.Dropout(0.5)(x))
    head = keras.Model(given, answer)
    return Design(keras.Model(image, head(trunk(image))), trunk, head)


def residual(side: int, classes: int) -> Design:
    """From scratch: ``networks.residual`` with one head."""
    core = networks.residual(side, {HEAD: classes}, {})
    return Design(load_keras().Model(core.input, core.output[HEAD]))


ARCHITECTURES: dict[str, Callable[[int, int], Design]] = {"transfer": transfer, "residual": residual}


def augmented(core: Any) -> Any:
    """A network behind layers that, in training, mirror, zoom, shift and light pictures anew each time."""
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


def looks(trunk: Any, images: Image, tell: Callable[[int, int], None]) -> Floats:
    """float32 (L * N, D): the features of pictures (N, side, side, 3), augmented in L ways, one after the other.

    ``tell`` hears how many of how many are done. As the trunk does not learn, they are made once, not in each epoch.
    """
    network = augmented(trunk)
    times = max(1, min(LOOKS, MOST_LOOKS // len(images)))
    found = []
    for time in range(times):
        found += [_values(network(images[at : at + 32], training=True)) for at in range(0, len(images), 32)]
        tell(time + 1, times)
    return np.concatenate(found)


def standardize(head: Any, seen: Floats) -> None:
    """Let a head of ``transfer`` take each feature by its mean and variance among those of training (N, D)."""
    head.layers[1].set_weights([seen.mean(axis=0), seen.var(axis=0)])


def features(trunk: Any, images: Image) -> Floats:
    """float32 (N, D), of pictures as they are."""
    parts = [_values(trunk(images[at : at + 32], training=False)) for at in range(0, len(images), 32)]
    return np.concatenate(parts)


def _values(tensor: Any) -> Floats:
    ops = load_keras().ops
    return np.asarray(ops.convert_to_numpy(ops.stop_gradient(tensor)), np.float32)


def compiled(network: Any, rate: float) -> Any:
    """Ready to fit, by Adam with a learning rate."""
    optimizer = load_keras().optimizers.AdamW(rate, weight_decay=0.01)
    network.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def description(side: int, classes: Sequence[str], **making: Any) -> dict[str, Any]:
    """What an ONNX file says of a classifier."""
    return {"side": side, "cut": CUT, "heads": {HEAD: {"classes": list(classes)}}, **making}


def converted(path: Path, classes: Sequence[str], pixels: str | None, bgr: bool) -> tuple[Any, str]:
    """A Keras file of others as a network of ours, with probabilities of each class, and the pixels that it takes.

    A network with one output, of a sigmoid, gives the second class's probability p: the first one's is 1 - p.
    pixels: of ``PIXELS``; None: 0..255 for a network that scales them itself, else 0..1. bgr: the order of channels
    that it was trained on; else RGB, as Keras reads pictures.
    Raises UsageError when Keras is too old to be safe, and ModelError when it is no Keras file, or no such network.
    """
    keras = load_keras()
    if tuple(map(int, re.findall(r"\d+", keras.__version__)[:3])) < SAFE:
        safe = ".".join(map(str, SAFE))
        raise UsageError(
            f"{path}: Keras {keras.__version__} would run code that is in it, {safe} would not;"
            " run: pip install -r requirements-train.txt"
        )
    layers, ops = keras.layers, keras.ops
    if not path.is_file():
        raise ModelError(f"{path}: no such Keras file")
    try:
        theirs = keras.saving.load_model(path, compile=False)
        shape, outputs = theirs.input_shape, theirs.output_shape
    except Exception as error:  # of Keras, h5py, zipfile, json and whatever the network is made of
        raise ModelError(f"{path}: not a network that Keras can read ({first_line(error)})") from error
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2] or not shape[1]:
        raise ModelError(f"{path}: its input is {shape}; pictures of a fixed size, square, of 3 channels are needed")
    if not isinstance(outputs, tuple) or outputs not in ((None, len(classes)), (None, 1)):
        raise ModelError(f"{path}: its output is {outputs}, which does not fit {len(classes)} classes")
    if outputs == (None, 1) and len(classes) != 2:
        raise ModelError(f"{path}: one output tells two classes apart, not {len(classes)}")
    pixels = pixels or ("0..255" if any(_scales(layer) for layer in theirs.layers) else "0..1")
    scale, offset = PIXELS[pixels]
    image = layers.Input(shape[1:], name="image")
    x = image if bgr else ops.flip(image, axis=-1)
    answer = theirs(layers.Rescaling(scale, offset)(x))
    answer = ops.concatenate([1.0 - answer, answer], axis=1) if outputs == (None, 1) else answer
    network = keras.Model(image, answer)
    _require_probabilities(network, path)
    return network, pixels


def _scales(layer: Any) -> bool:
    layers = load_keras().layers
    return isinstance(layer, (layers.Rescaling, layers.Normalization))


def _require_probabilities(network: Any, path: Path) -> None:
    keras = load_keras()
    pictures = noise(network.input_shape[1], 16)
    values = keras.ops.convert_to_numpy(network(pictures, training=False))
    if not (values.min() >= 0 and np.allclose(values.sum(axis=1), 1, atol=1e-3)):
        raise ModelError(f"{path}: its outputs are no probabilities; it must end in a sigmoid or softmax")


def noise(side: int, number: int) -> NDArray[np.uint8]:
    """uint8 (N, side, side, 3): pictures of nothing, from black to white, to try a network with."""
    random = np.random.default_rng(0)
    light = np.linspace(0, 1, number)[:, None, None, None]
    return np.asarray(random.integers(0, 256, (number, side, side, 3)) * light, np.uint8)


def class_folders(folder: Path) -> tuple[str, ...]:
    """The names of the folders in a folder, sorted; raises FacesError for fewer than two."""
    names: Iterable[str] = (path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ()
    found = tuple(sorted(legible(name) for name in names if not name.startswith(".")))
    if len(found) < 2:
        raise FacesError(f"{folder}: fewer than two folders in it; a classifier needs a folder for each class")
    return found
