"""Convert a Keras file of any origin to a picture classifier."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError, ModelError, UsageError, first_line
from faces.training.backend import load_keras
from faces.training.data.reading import as_text

SAFE_VERSION = (3, 11, 3)  # the first Keras whose safe mode also covers .h5 files: CVE-2025-9905
PIXELS = {"0..1": (1 / 255, 0.0), "0..255": (1.0, 0.0), "-1..1": (1 / 127.5, -1.0)}  # scale and offset


def convert(path: Path, classes: Sequence[str], pixels: str | None, bgr: bool) -> tuple[Any, str]:
    """Return a Keras file as a network that takes BGR in 0..255 and gives the probability of each class.

    Also return the range of pixel values that the original network takes. If it has one sigmoid output p, p is the
    probability of the second class, and 1 - p that of the first.

    classes: names, in the order of the outputs.
    pixels: a key of ``PIXELS``; None: 0..255 if the network scales pixels itself, else 0..1.
    bgr: whether the network was trained on BGR; otherwise on RGB, as Keras reads pictures.

    Raises UsageError if Keras is too old to be safe, and ModelError if the file is not such a network.
    """
    _require_safe_keras(path)
    keras = load_keras()
    layers, ops = keras.layers, keras.ops
    original = _load(path)
    side, outputs = original.input_shape[1], original.output_shape
    _require_fit(path, original, classes)
    pixels = pixels or ("0..255" if any(_scales(layer) for layer in original.layers) else "0..1")
    scale, offset = PIXELS[pixels]
    image = layers.Input((side, side, 3), name="image")
    x = image if bgr else ops.flip(image, axis=-1)
    probabilities = original(layers.Rescaling(scale, offset)(x))
    if outputs == (None, 1):
        probabilities = ops.concatenate([1.0 - probabilities, probabilities], axis=1)
    network = keras.Model(image, probabilities)
    _require_probabilities(network, path)
    return network, pixels


def _require_safe_keras(path: Path) -> None:
    version = load_keras().__version__
    if tuple(map(int, re.findall(r"\d+", version)[:3])) < SAFE_VERSION:
        safe = ".".join(map(str, SAFE_VERSION))
        raise UsageError(
            f"{path}: Keras {version} would run code in this file, {safe} does not;"
            " run: pip install --upgrade 'recognize-faces[train]'"
        )


def _load(path: Path) -> Any:
    if (path / "saved_model.pb").is_file():
        raise ModelError(
            f"{path}: a SavedModel folder of TensorFlow, which Keras 3 does not read; make a file of it with"
            f" TensorFlow 2.15 or older: tf.keras.models.load_model({str(path)!r}).save('model.h5')"
        )
    if not path.is_file():
        raise ModelError(f"{path}: {'a folder, not a' if path.is_dir() else 'no such'} Keras file")
    layers = load_keras().layers

    class DepthwiseConv2D(layers.DepthwiseConv2D):  # type: ignore[name-defined,misc]
        """Of files of Keras 2, such as Teachable Machine's, which have ``groups``: 1, and no option in Keras 3."""

        def __init__(self, *args: Any, groups: int = 1, **options: Any) -> None:
            if groups != 1:
                raise ValueError(f"DepthwiseConv2D with {groups} groups")
            super().__init__(*args, **options)

    try:
        own = {"DepthwiseConv2D": DepthwiseConv2D}
        network = load_keras().saving.load_model(path, custom_objects=own, compile=False)
        _ = network.input_shape, network.output_shape
    except Exception as error:  # from Keras, h5py, zipfile, json, or any layer of the network
        raise ModelError(f"{path}: not a network that Keras can read ({first_line(error)})") from error
    return network


def _require_fit(path: Path, network: Any, classes: Sequence[str]) -> None:
    shape, outputs = network.input_shape, network.output_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] != 3 or shape[1] != shape[2] or not shape[1]:
        raise ModelError(f"{path}: its input is {shape}; it must take square pictures of a fixed size, with 3 channels")
    if not isinstance(outputs, tuple) or outputs not in ((None, len(classes)), (None, 1)):
        raise ModelError(f"{path}: its output is {outputs}, which does not fit {len(classes)} classes")
    if outputs == (None, 1) and len(classes) != 2:
        raise ModelError(f"{path}: one output fits two classes, not {len(classes)}")


def _scales(layer: Any) -> bool:
    layers = load_keras().layers
    return isinstance(layer, (layers.Rescaling, layers.Normalization))


def _require_probabilities(network: Any, path: Path) -> None:
    keras = load_keras()
    values = keras.ops.convert_to_numpy(network(noise(network.input_shape[1], 16), training=False))
    if not (values.min() >= 0 and np.allclose(values.sum(axis=1), 1, atol=1e-3)):
        raise ModelError(f"{path}: its outputs are no probabilities; it must end in a sigmoid or softmax")


def noise(side: int, count: int) -> NDArray[np.uint8]:
    """Return pictures of noise, from black to bright, uint8 (N, side, side, 3), to test a network with."""
    random = np.random.default_rng(0)
    brightness = np.linspace(0, 1, count)[:, None, None, None]
    return np.asarray(random.integers(0, 256, (count, side, side, 3)) * brightness, np.uint8)


def class_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the subfolders, sorted; raises FacesError if there are fewer than two."""
    folders: Iterable[str] = (path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ()
    names = tuple(sorted(as_text(name) for name in folders if not name.startswith(".")))
    if len(names) < 2:
        raise FacesError(f"{folder}: fewer than two folders in it; a classifier needs one folder per class")
    return names
