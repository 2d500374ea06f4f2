"""Train a network on labelled faces and export it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faces.attributes.model import EMBEDDING, IMAGE, TEMPLATE
from faces.errors import UsageError
from faces.training import backend, exporting, fitting, image_augmentation, networks, plots
from faces.training.attributes import heads
from faces.training.attributes.dataset import AttributeOptions, LabelledFaces
from faces.training.fitting import History

VERIFIED_FACES = 32  # on which the ONNX file is compared with Keras


def require_valid(options: AttributeOptions) -> None:
    """Raise UsageError if the options do not fit together."""
    if options.output.suffix != ".onnx":
        raise UsageError(f"{options.output}: the model is an .onnx file")
    if options.embedding and options.architecture != "pretrained":
        raise UsageError(f"--embedding needs --architecture pretrained, not {options.architecture}")


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
    metadata = {"side": side, "cut": TEMPLATE, "heads": heads.metadata(data), "command": command, **settings}
    backend.set_seed(options.seed)
    core = _build_core(options, faces)
    network = image_augmentation.augmented(core, options.augmentation == "strong")
    steps = options.epochs * -(-sizes["training"] // options.batch_size)
    heads.compile_network(network, data, options.rate, steps, options.smoothing or 0.0)
    history = fitting.fit(
        network,
        heads.fit_data(data, inputs, training),
        heads.fit_data(data, inputs, validation, balanced=False),
        epochs=options.epochs,
        batch_size=options.batch_size,
        seed=options.seed,
        settings=settings | {"side": side},
        patience=options.patience,
        folder=options.output.with_suffix(".training"),
        log=log,
        tensorboard=options.tensorboard,
    )
    examples = heads.select(heads.select(inputs, test), slice(VERIFIED_FACES))
    exporting.export(core, options.output, metadata, examples)
    plots.curves(history, options.output.with_name(f"{options.output.stem}_curves.png"))
    return history


def _settings(options: AttributeOptions, faces: LabelledFaces) -> dict[str, object]:
    names = ("architecture", "blocks", "frozen", "epochs", "embedding", "batch_size", "rate", "seed", "augmentation")
    return {name: getattr(options, name) for name in (*names, "smoothing")} | {"data_sha256": faces.sha256}


def _build_core(options: AttributeOptions, faces: LabelledFaces) -> Any:
    arguments = {}
    if options.architecture == "pretrained":
        dimension = faces.crops.embeddings.shape[1] if options.embedding else 0
        arguments = {"blocks": options.blocks, "frozen": options.frozen, "embedding": dimension}
    build = networks.ARCHITECTURES[options.architecture]
    return build(options.image_size, heads.class_counts(faces.data), heads.ranges(faces.data), **arguments)
