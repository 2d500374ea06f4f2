"""Folders of pictures, one per class -> output/classifier.onnx, which faces classify tells the classes apart by.

How good it is, on pictures it was not trained on, is in classifier_report.md beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces import records
from faces.cli import options, recording, text, values
from faces.errors import FacesError, UsageError, reason_of
from faces.files.locks import only_one
from faces.files.writing import OWNER_FILE, check_writable, put_in_place, write_bytes
from faces.image_classifier import HEAD, ImageClassifier
from faces.metrics.markdown import table
from faces.records import Recorder
from faces.training import backend, exporting, fitting, image_classifier, plots, scores
from faces.training.data import labelled, near_duplicates, splits
from faces.training.data.labelled import Labelled
from faces.types import Image

SHARES = (0.7, 0.1, 0.2)  # to train, to validate and to test with
RATES = {"transfer": 1e-4, "residual": 1e-3}  # learning rates
TRIED = 32  # pictures that the ONNX file's answers are compared with Keras' on

Masks = tuple[NDArray[np.bool_], ...]
tell = partial(print, file=sys.stderr, flush=True)


def build_parser() -> argparse.ArgumentParser:
    parser = options.parser(
        "Train a classifier of pictures from a folder per class, or take over one that Keras saved.",
        "faces train-classifier --dataset pets --output output",
    )
    parser.add_argument("--dataset", type=Path, metavar="DIR", help="folder with a folder of pictures per class")
    parser.add_argument("--image-size", type=values.count, default=100, help="px, the side of what the network sees")
    parser.add_argument("--epochs", type=values.count, default=60, help="most passes over the pictures")
    parser.add_argument("--batch-size", type=values.count, default=32, help="pictures that are learnt from at once")
    parser.add_argument("--patience", type=values.count, default=8, help="epochs without gain before training stops")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random")
    parser.add_argument(
        "--architecture",
        choices=image_classifier.ARCHITECTURES,
        default="transfer",
        help="transfer: the features of dlib's face network; residual: a network from scratch, for many pictures",
    )
    parser.add_argument(
        "--per-class", type=values.count, metavar="N", help="learn from at most N pictures of each class, to compare"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("output"), help="folder for the classifier")
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="write TensorBoard's log there")
    parser.add_argument("--keep-keras", type=Path, metavar="FILE", help="save Keras' own file, model.keras, too")
    taken = parser.add_argument_group("instead of training")
    taken.add_argument("--from-keras", type=Path, metavar="FILE", help="a .keras or .h5 file to make a classifier of")
    taken.add_argument(
        "--classes", nargs="+", metavar="NAME", help="its classes, in its order (default: the folders of --dataset)"
    )
    taken.add_argument(
        "--pixels",
        choices=image_classifier.PIXELS,
        help="what it takes (default: 0..255 if it scales them itself, else 0..1)",
    )
    taken.add_argument("--bgr", action="store_true", help="it was trained on OpenCV's order of channels, not on RGB")
    options.add_track_option(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    if args.from_keras is None and args.dataset is None:
        raise UsageError("give --dataset, a folder with a folder per class, or --from-keras")
    if args.from_keras is None and (args.classes or args.pixels or args.bgr):
        raise UsageError("--classes, --pixels and --bgr go with --from-keras")
    if args.keep_keras and args.keep_keras.suffix != ".keras":
        raise UsageError(f"{args.keep_keras}: Keras' files end in .keras")
    check_writable(args.output / "classifier.onnx")
    if args.keep_keras:
        check_writable(args.keep_keras)
    backend.keras()
    model = args.output / "classifier.onnx"
    with only_one(model), recording.recording(model, "classifier", vars(args)) as run:
        done = take_over(args, run) if args.from_keras else train(args, run)
        for path in (model, model.with_name("classes.json")):
            run.artefact(path)
    return done


def train(args: argparse.Namespace, run: Recorder) -> int:
    """Learn from ``args.dataset``, write the files and say how it went."""
    side = args.image_size
    image_classifier.require_room(args.dataset, side)
    data, looks = readable(labelled.read_folders(args.dataset, HEAD))
    labelled.check(data, [HEAD])
    run.data(records.Manifest.of_files(data.paths, looks.fingerprints.astype(str), args.dataset))
    parts = splits.split(
        data, looks.fingerprints, splits.groups(data.paths, looks.hashes), args.seed, SHARES, stratify=[HEAD]
    )
    parts = limited(data, parts, args.per_class, args.seed)
    training, validation, test = (data[mask] for mask in parts)
    images = [image_classifier.read_squares(part.paths, side) for part in (training, validation, test)]
    tell(f"{len(training)} pictures to train with, {len(validation)} to validate, {len(test)} to test")

    classes = data.classes[HEAD]
    digest = labelled.digest(data, looks.fingerprints)
    making = {
        "architecture": args.architecture,
        "seed": args.seed,
        "epochs": args.epochs,
        "batch_size": args.batch_size,
        "patience": args.patience,
        "per_class": args.per_class,
        "data_sha256": digest,
    }
    about = image_classifier.description(side, classes, **making)
    backend.seed(args.seed)
    design = image_classifier.ARCHITECTURES[args.architecture](side, len(classes))
    network, *given = lesson(design, images[:2], [training.labels[HEAD], validation.labels[HEAD]])
    history = fitting.fit(
        image_classifier.compiled(network, RATES[args.architecture]),
        *given,
        epochs=args.epochs,
        patience=args.patience,
        batch_size=args.batch_size,
        seed=args.seed,
        folder=args.output / "classifier_training",
        settings={key: about[key] for key in about if key != "epochs"},
        tell=tell,
        tensorboard=args.tensorboard,
    )
    classifier = written(args, design.core, about, images[2][:TRIED])
    found = scores.of_choice(HEAD, classes, test.labels[HEAD], predicted(classifier, images[2]))
    report(args.output, about, parts, found, history, data.left_out)
    run.figure("accuracy", found.accuracy)
    print(f"{len(test)} pictures that it was not trained on: {found.accuracy:.1%} right")
    for name, precision, recall in zip(classes, found.precision, found.recall, strict=True):
        print(f"  {name}: precision {precision or 0:.1%}, recall {recall or 0:.1%}")
    print(f"-> {args.output / 'classifier.onnx'}, classes.json and classifier_report.md")
    return 0


def lesson(design: image_classifier.Design, images: Sequence[Image], labels: Sequence[NDArray[np.intp]]) -> list[Any]:
    """What is to be fitted, and with what: training's and validation's (x, y)."""
    if design.trunk is None:
        return [image_classifier.augmented(design.core), *zip(images, labels, strict=True)]
    seen = image_classifier.looks(design.trunk, images[0], lambda done, of: tell(f"features: {done} of {of}"))
    image_classifier.standardize(design.head, seen)
    many = np.tile(labels[0], len(seen) // len(images[0]))
    return [design.head, (seen, many), (image_classifier.features(design.trunk, images[1]), labels[1])]


def readable(data: Labelled) -> tuple[Labelled, near_duplicates.Looks]:
    """Without the pictures that cannot be read, which are named."""
    looks = near_duplicates.look(data.paths, lambda done: tell(f"{done:,} of {len(data):,} pictures read"))
    good = np.array([row not in looks.unreadable for row in range(len(data))], np.bool_)
    bad = tuple((data.paths[row], why) for row, why in looks.unreadable.items())
    for path, why in bad:
        text.warn(f"{path}: left out: {why}")
    kept = data[good]
    return Labelled(kept.paths, kept.labels, kept.classes, (*data.left_out, *bad)), looks[good]


def limited(data: Labelled, parts: Masks, most: int | None, seed: int) -> Masks:
    """With at most so many pictures of each class to train and validate with together; the test stays the same."""
    if most is None:
        return parts
    random = np.random.default_rng(seed)
    chosen = [mask.copy() for mask in parts]
    shares = np.array(SHARES[:2]) / sum(SHARES[:2])
    for index in range(len(data.classes[HEAD])):
        for mask, share in zip(chosen[:2], shares, strict=True):
            rows = random.permutation(np.flatnonzero(mask & (data.labels[HEAD] == index)))
            mask[rows[max(1, round(most * share)) :]] = False
    return tuple(chosen)


def written(args: argparse.Namespace, core: Any, about: dict[str, Any], example: Image) -> ImageClassifier:
    """The classifier, from the files that it is in now."""
    model = args.output / "classifier.onnx"
    exporting.export(core, model, about, example)
    names = json.dumps(about["heads"][HEAD]["classes"], ensure_ascii=False)
    write_bytes(model.with_name("classes.json"), f"{names}\n".encode("utf-8", "backslashreplace"))
    if args.keep_keras:
        beside = args.keep_keras.with_name(f".{args.keep_keras.stem}.{os.getpid()}.keras")
        try:
            beside.touch(OWNER_FILE)
            core.save(beside)
            put_in_place(beside, args.keep_keras)
        except OSError as error:
            raise FacesError(f"cannot write {args.keep_keras}: {reason_of(error)}") from error
        finally:
            beside.unlink(missing_ok=True)
    return ImageClassifier(model)


def predicted(classifier: ImageClassifier, images: Image) -> NDArray[np.float32]:
    parts = [classifier.probabilities(list(images[start : start + 64])) for start in range(0, len(images), 64)]
    return np.concatenate(parts)


def report(
    folder: Path,
    about: dict[str, Any],
    parts: Masks,
    found: scores.ChoiceScore,
    history: fitting.History,
    left_out: Sequence[tuple[Path, str]],
) -> None:
    """Write classifier_report.json and .md, and their pictures."""
    sizes = dict(zip(("training", "validation", "test"), (int(mask.sum()) for mask in parts), strict=True))
    content = {
        "made_with": about,
        "pictures": sizes,
        "test": scores.to_json([found])[HEAD],
        "epochs": len(next(iter(history.metrics.values()))),
        "best_epoch": history.best,
        "history": history.metrics,
        "left_out": [{"path": str(path), "reason": reason} for path, reason in left_out],
    }
    plots.curves(history, folder / "classifier_curves.png")
    plots.confusion(np.array(found.confusion), found.classes, folder / "classifier_confusion.png")
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_bytes(
        folder / "classifier_report.json", f"{text}\n".encode("utf-8", "backslashreplace")
    )  # of a path that is no text
    write_bytes(folder / "classifier_report.md", markdown(content, found).encode())


def markdown(content: dict[str, Any], found: scores.ChoiceScore) -> str:
    making, sizes = content["made_with"], content["pictures"]
    rows = [
        (name, str(count), "-" if precision is None else f"{precision:.1%}", "-" if recall is None else f"{recall:.1%}")
        for name, count, precision, recall in zip(
            found.classes, found.support, found.precision, found.recall, strict=True
        )
    ]
    return f"""# Classifier of {", ".join(found.classes)}

Of {found.count} pictures that it was not trained on, {found.accuracy:.1%} are told right.

{table(("class", "pictures", "precision", "recall"), rows)}

Trained with {sizes["training"]} pictures, stopped with {sizes["validation"]} more, at epoch {content["best_epoch"]} \
of {content["epochs"]}: {making["architecture"]}, {making["side"]} px, seed {making["seed"]}.
The data's SHA-256 is {making["data_sha256"]}.
{len(content["left_out"])} files were left out (classifier_report.json names them).

![Curves](classifier_curves.png)
![Confusion](classifier_confusion.png)
"""


def take_over(args: argparse.Namespace, run: Recorder) -> int:
    """Make a classifier of ``args.from_keras``, without training."""
    if not args.classes and not args.dataset:
        raise UsageError("give --classes, in the network's order, or --dataset, whose folders name them")
    classes = args.classes or image_classifier.class_folders(args.dataset)
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise UsageError("--classes: give two or more, each one once")
    core, pixels = image_classifier.converted(args.from_keras, classes, args.pixels, args.bgr)
    run.input(args.from_keras)
    side = core.input_shape[1]
    about = image_classifier.description(side, classes, from_keras=args.from_keras.name, pixels=pixels, bgr=args.bgr)
    written(args, core, about, image_classifier.noise(side, TRIED))
    order = "BGR" if args.bgr else "RGB"
    print(f"{args.from_keras}: {side} px, pixels {pixels}, {order}, classes {', '.join(classes)}")
    print(f"-> {args.output / 'classifier.onnx'}, classes.json")
    return 0
