"""Train a network on labelled faces and export it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.attributes.model import EMBEDDER, EMBEDDING, IMAGE
from faces.errors import UsageError
from faces.files.digest import digest
from faces.training import backend, exporting, fitting, image_augmentation, networks, plots
from faces.training.attributes import heads
from faces.training.attributes.calibration import calibrate
from faces.training.attributes.dataset import AttributeOptions, LabelledFaces
from faces.training.data import held_out
from faces.training.fitting import History
from faces.types import Image

FEATURES_BATCH = 256  # images in one call
VERIFIED_FACES = 32  # on which the ONNX file is compared with Keras


def require_valid(options: AttributeOptions) -> None:
    """Raise UsageError if the options do not fit together."""
    if options.output.suffix != ".onnx":
        raise UsageError(f"{options.output}: the model is an .onnx file")
    if options.embedding and options.architecture != "pretrained":
        raise UsageError(f"--embedding needs --architecture pretrained, not {options.architecture}")
    if options.start and options.architecture != "pretrained":
        raise UsageError(f"--start needs --architecture pretrained, not {options.architecture}")


def require_side(options: AttributeOptions) -> None:
    """Raise UsageError if the images are too small for the architecture."""
    smallest = networks.min_side(options.architecture, options.blocks)
    if options.image_size < smallest:
        blocks = f" with --blocks {options.blocks}" if options.architecture == "pretrained" else ""
        raise UsageError(
            f"--image-size {options.image_size}: {options.architecture}{blocks} needs {smallest} px or more"
        )


def train(options: AttributeOptions, faces: LabelledFaces, command: str, log: Callable[[str], None]) -> History:
    """Train the network, write it to ``options.output`` and its curves beside it.

    command: written to the file.

    Raises UsageError without Keras, FacesError if the training fails, ModelError if the export does, and
    KeyboardInterrupt with a message.
    """
    data, side, sizes = faces.data, options.image_size, faces.sizes
    training, validation, test = faces.parts
    log(f"{sizes['training']:,} faces to train with, {sizes['validation']:,} to validate, {sizes['test']:,} to test")
    images = heads.resize(faces.crops.images, side)
    inputs: heads.Inputs = {IMAGE: images, EMBEDDING: faces.crops.embeddings} if options.embedding else images
    settings = _settings(options, faces)
    metadata = {
        "side": side,
        "cut": options.crop,
        "heads": heads.metadata(data),
        "embedder": EMBEDDER,
        "command": command,
    }
    metadata |= settings
    metadata[held_out.HELD_OUT] = held_out.record(faces.fingerprints, faces.parts)
    backend.set_seed(options.seed)
    core = _build_core(options, faces)
    if options.architecture == "pretrained" and options.frozen >= options.blocks:
        log("all blocks are frozen: the features of each face and of its mirror image are computed once")
        network, fitted, validated = _on_features(core, faces, inputs, options.balance)
    else:
        network = image_augmentation.augmented(core, options.augmentation == "strong")
        fitted = heads.fit_data(data, inputs, training, options.balance)
        validated = heads.fit_data(data, inputs, validation)
    steps = options.epochs * -(-len(next(iter(fitted[1].values()))) // options.batch_size)
    heads.compile_network(network, data, options.rate, steps, options.smoothing or 0.0)
    folder = options.output.with_suffix(".training")
    history = fitting.fit(
        network,
        fitted,
        validated,
        epochs=options.epochs,
        batch_size=options.batch_size,
        seed=options.seed,
        settings=settings | {"side": side},
        patience=options.patience,
        folder=folder,
        log=log,
        tensorboard=options.tensorboard,
    )
    if temperatures := calibrate(network, core, faces.data[validation], validated[0]):
        log(f"scores divided by {', '.join(f'{value} ({target})' for target, value in temperatures.items())}")
    examples = heads.select(heads.select(inputs, test), slice(VERIFIED_FACES))
    with fitting.kept_until_written(folder):
        exporting.export(core, options.output, metadata, examples)
        plots.curves(history, options.output.with_name(f"{options.output.stem}_curves.png"))
    return history


def _on_features(
    core: Any, faces: LabelledFaces, inputs: heads.Inputs, balance: float
) -> tuple[Any, heads.FitData, heads.FitData]:
    """Return the last layers of a network, and what they are fitted to and validated with, instead of images.

    They are fitted to the features of the faces and of their mirror images; other augmentation would need the images.
    """
    training, validation, _ = faces.parts
    pixels, last = networks.halves(core)
    images = inputs[IMAGE] if isinstance(inputs, dict) else inputs

    def features(view: Image, rows: NDArray[np.bool_]) -> heads.Inputs:
        values = np.zeros((len(view), pixels.output.shape[-1]), np.float32)
        values[rows] = pixels.predict(view[rows], batch_size=FEATURES_BATCH, verbose=0)
        return {networks.FEATURES: values, EMBEDDING: inputs[EMBEDDING]} if isinstance(inputs, dict) else values

    plain = features(images, training | validation)
    mirrored = features(np.ascontiguousarray(images[:, :, ::-1]), training)
    both = heads.joined(*(heads.fit_data(faces.data, view, training, balance) for view in (plain, mirrored)))
    return last, both, heads.fit_data(faces.data, plain, validation)


def _settings(options: AttributeOptions, faces: LabelledFaces) -> dict[str, object]:
    names = (
        "architecture",
        "blocks",
        "frozen",
        "epochs",
        "embedding",
        "batch_size",
        "rate",
        "seed",
        "augmentation",
        "balance",
    )
    start = digest(options.start) if options.start else None
    values = {name: getattr(options, name) for name in (*names, "smoothing")}
    return values | {"start": start, "data_sha256": faces.sha256}


def _build_core(options: AttributeOptions, faces: LabelledFaces) -> Any:
    arguments: dict[str, Any] = {}
    if options.architecture == "pretrained":
        dimension = faces.crops.embeddings.shape[1] if options.embedding else 0
        arguments = {"blocks": options.blocks, "frozen": options.frozen, "embedding": dimension, "start": options.start}
    build = networks.ARCHITECTURES[options.architecture]
    return build(options.image_size, heads.class_counts(faces.data), heads.ranges(faces.data), **arguments)
