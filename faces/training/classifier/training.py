"""Train a picture classifier, or convert a Keras file, and write its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces import records
from faces.errors import FacesError, UsageError, reason_of
from faces.files.temporary import temporary
from faces.files.writing import put_in_place, write_bytes
from faces.image_classifier import HEAD, ImageClassifier
from faces.records import Recorder
from faces.training import backend, exporting, fitting, scores
from faces.training.classifier import keras_files, networks, pictures, report
from faces.training.data import labelled, reading, splits
from faces.training.data.labelled import LabelledImages
from faces.training.scores import ChoiceScore
from faces.types import Image

SHARES = (0.7, 0.1, 0.2)  # training, validation, test
LEARNING_RATES = {"transfer": 1e-4, "residual": 1e-3}
VERIFIED_PICTURES = 32  # on which the ONNX file is compared with Keras
BATCH_PICTURES = 64  # classified at once

Masks = tuple[NDArray[np.bool_], ...]
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ClassifierOptions:
    """The options of ``faces train-classifier`` that training depends on."""

    dataset: Path | None
    image_size: int
    epochs: int
    batch_size: int
    patience: int
    seed: int
    architecture: str
    per_class: int | None
    output: Path
    tensorboard: Path | None
    keep_keras: Path | None
    from_keras: Path | None
    classes: Sequence[str] | None
    pixels: str | None
    bgr: bool

    @property
    def model(self) -> Path:
        """The classifier's file."""
        return self.output / "classifier.onnx"


def train(options: ClassifierOptions, recorder: Recorder, log: Log, warn: Log) -> ChoiceScore:
    """Train a classifier on one folder per class, write its files and report, and return its scores on the test part.

    log: called with lines about the progress.
    warn: called with a line for each picture that is left out.

    Raises FacesError if the pictures are too few or too many, or the training fails; UsageError without Keras;
    ModelError if the export fails; KeyboardInterrupt with a message.
    """
    assert options.dataset is not None
    side = options.image_size
    pictures.require_memory(options.dataset, side)
    data, files = pictures.drop_unreadable(reading.read_folders(options.dataset, HEAD), log, warn)
    labelled.require_trainable(data, [HEAD])
    recorder.data(records.Manifest.of_files(data.paths, files.fingerprints.astype(str), options.dataset))
    groups = splits.group_numbers(data.paths, files.hashes)
    parts = splits.split(data, files.fingerprints, groups, options.seed, SHARES, stratify=[HEAD])
    parts = limit_per_class(data, parts, options.per_class, options.seed)
    training, validation, test = (data[mask] for mask in parts)
    images = [pictures.read_squares(part.paths, side) for part in (training, validation, test)]
    log(f"{len(training)} pictures to train with, {len(validation)} to validate, {len(test)} to test")

    classes = data.classes[HEAD]
    metadata = networks.metadata(
        side, classes, **_settings(options), data_sha256=labelled.digest(data, files.fingerprints)
    )
    backend.set_seed(options.seed)
    design = networks.ARCHITECTURES[options.architecture](side, len(classes))
    labels = [training.labels[HEAD], validation.labels[HEAD]]
    network, *fit_data = _fit_arguments(design, images[:2], labels, log)
    folder = options.output / "classifier_training"
    history = fitting.fit(
        networks.compile_network(network, LEARNING_RATES[options.architecture]),
        *fit_data,
        epochs=options.epochs,
        patience=options.patience,
        batch_size=options.batch_size,
        seed=options.seed,
        folder=folder,
        settings={name: value for name, value in metadata.items() if name != "epochs"},
        log=log,
        tensorboard=options.tensorboard,
    )
    with fitting.kept_until_written(folder):
        classifier = _write(options, design.core, metadata, images[2][:VERIFIED_PICTURES])
        score = scores.score_choice(HEAD, classes, test.labels[HEAD], _probabilities(classifier, images[2]))
        report.write(options.output, metadata, parts, score, history, data.left_out)
    return score


def convert(options: ClassifierOptions, recorder: Recorder) -> str:
    """Convert the Keras file ``options.from_keras`` to a classifier, write its files, and return a description.

    Raises UsageError if the classes are not given, and ModelError if the file is not a classifier.
    """
    assert options.from_keras is not None
    if not options.classes and not options.dataset:
        raise UsageError("give --classes, in the network's order, or --dataset with one folder per class")
    classes = options.classes or keras_files.class_names(options.dataset or Path())
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise UsageError("--classes: give two or more, each one once")
    core, pixels = keras_files.convert(options.from_keras, classes, options.pixels, options.bgr)
    recorder.input(options.from_keras)
    side = core.input_shape[1]
    source = {"from_keras": options.from_keras.name, "pixels": pixels, "bgr": options.bgr}
    _write(options, core, networks.metadata(side, classes, **source), keras_files.noise(side, VERIFIED_PICTURES))
    order = "BGR" if options.bgr else "RGB"
    return f"{options.from_keras}: {side} px, pixels {pixels}, {order}, classes {', '.join(classes)}"


def limit_per_class(data: LabelledImages, parts: Masks, limit: int | None, seed: int) -> Masks:
    """Keep at most ``limit`` pictures of each class in training and validation together; the test part stays the same.

    parts: bool (N,) masks of the training, the validation and the test part.
    """
    if limit is None:
        return parts
    random = np.random.default_rng(seed)
    limited = [mask.copy() for mask in parts]
    shares = np.array(SHARES[:2]) / sum(SHARES[:2])
    for index in range(len(data.classes[HEAD])):
        for mask, share in zip(limited[:2], shares, strict=True):
            rows = random.permutation(np.flatnonzero(mask & (data.labels[HEAD] == index)))
            mask[rows[max(1, round(limit * share)) :]] = False
    return tuple(limited)


def _settings(options: ClassifierOptions) -> dict[str, Any]:
    names = ("architecture", "seed", "epochs", "batch_size", "patience", "per_class")
    return {name: getattr(options, name) for name in names}


def _fit_arguments(
    design: networks.Design, images: Sequence[Image], labels: Sequence[NDArray[np.intp]], log: Log
) -> list[Any]:
    """Return the network to fit, and (x, y) of training and validation."""
    if design.trunk is None:
        return [networks.augmented(design.core), *zip(images, labels, strict=True)]
    features = networks.augmented_features(
        design.trunk, images[0], lambda done, total: log(f"features: {done} of {total}")
    )
    networks.standardize(design.head, features)
    repeated = np.tile(labels[0], len(features) // len(images[0]))
    return [design.head, (features, repeated), (networks.features(design.trunk, images[1]), labels[1])]


def _write(options: ClassifierOptions, core: Any, metadata: dict[str, Any], example: Image) -> ImageClassifier:
    """Write the files of a classifier, and read it from them."""
    exporting.export(core, options.model, metadata, example)
    names = json.dumps(metadata["heads"][HEAD]["classes"], ensure_ascii=False)
    write_bytes(options.model.with_name("classes.json"), f"{names}\n".encode("utf-8", "backslashreplace"))
    if options.keep_keras:
        _save_keras(core, options.keep_keras)
    return ImageClassifier(options.model)


def _save_keras(core: Any, file: Path) -> None:
    try:
        with temporary(file, suffix=".keras") as saved:
            core.save(saved.name)
            put_in_place(saved, file)
    except OSError as error:
        raise FacesError(f"cannot write {file}: {reason_of(error)}") from error


def _probabilities(classifier: ImageClassifier, images: Image) -> NDArray[np.float32]:
    batches = (images[start : start + BATCH_PICTURES] for start in range(0, len(images), BATCH_PICTURES))
    return np.concatenate([classifier.probabilities(list(batch)) for batch in batches])
