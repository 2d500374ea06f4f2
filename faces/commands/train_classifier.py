"""Train a picture classifier from one folder of pictures per class, or convert a Keras file: output/classifier.onnx.

``faces classify`` uses it. Its accuracy on pictures it was not trained on is in classifier_report.md beside it. With
``--liveness``, train what ``--attributes live`` answers by: output/liveness.onnx.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from faces.cli import options, recording, signals, text, values
from faces.errors import UsageError
from faces.files.locks import only_one
from faces.files.writing import check_writable
from faces.liveness.trained import FILE
from faces.metrics.wording import between
from faces.training import backend
from faces.training.classifier import keras_files, networks, training
from faces.training.classifier.training import ClassifierOptions
from faces.training.liveness import report
from faces.training.liveness import training as liveness
from faces.training.scores import ChoiceScore

log = partial(print, file=sys.stderr, flush=True)


def build_parser() -> argparse.ArgumentParser:
    """Create the parser of ``faces train-classifier``."""
    parser = options.parser(
        "Train a picture classifier from one folder per class, or convert a Keras file.",
        "--dataset pets",
        "--from-keras pets.h5 --classes cat dog",
    )
    files = options.group(parser, options.FILES)
    files.add_argument("--dataset", type=Path, metavar="FOLDER", help="folder with one folder of pictures per class")
    files.add_argument(
        "-o", "--output", type=Path, default=Path("output"), metavar="FOLDER", help="folder for the classifier"
    )
    files.add_argument("--keep-keras", type=Path, metavar="FILE", help="also save the network as a .keras file")
    network = options.group(parser, options.TRAINING)
    network.add_argument(
        "--architecture",
        choices=networks.ARCHITECTURES,
        default="transfer",
        help="transfer: features of dlib's face network; residual: a network from scratch, for many pictures",
    )
    network.add_argument(
        "--image-size", type=values.count, default=100, metavar="PX", help="side of the network's input"
    )
    network.add_argument(
        "--epochs", type=values.count, default=60, metavar="N", help="maximum passes over the pictures"
    )
    network.add_argument(
        "--patience",
        type=values.count,
        default=8,
        metavar="N",
        help="epochs without improvement before training stops",
    )
    network.add_argument("--batch-size", type=values.count, default=32, metavar="N", help="pictures per training step")
    network.add_argument(
        "--per-class", type=values.count, metavar="N", help="train with at most N pictures of each class, to compare"
    )
    network.add_argument("--seed", type=int, default=0, metavar="N", help="random seed")
    conversion = options.group(parser, "other classifiers")
    conversion.add_argument(
        "--liveness",
        action="store_true",
        help="train what tells live faces from attacks: --dataset has a folder real and one for each kind of attack",
    )
    conversion.add_argument("--from-keras", type=Path, metavar="FILE", help=".keras or .h5 file to convert")
    conversion.add_argument(
        "--classes", nargs="+", metavar="NAME", help="its classes, in its order (default: the folders of --dataset)"
    )
    conversion.add_argument(
        "--pixels",
        choices=keras_files.PIXELS,
        help="range of pixel values that it takes (default: 0..255 if it scales pixels itself, else 0..1)",
    )
    conversion.add_argument("--bgr", action="store_true", help="it was trained on BGR, as OpenCV reads pictures")
    options.group(parser, options.RECORDS).add_argument(
        "--tensorboard", type=Path, metavar="FOLDER", help="folder for TensorBoard's log"
    )
    options.add_track_option(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``faces train-classifier``."""
    args = build_parser().parse_args(argv)
    signals.stop_on_signals()
    if args.liveness:
        return train_liveness(args)
    if args.from_keras is None and args.dataset is None:
        raise UsageError("give --dataset, a folder with one folder per class, or --from-keras")
    if args.from_keras is None and (args.classes or args.pixels or args.bgr):
        raise UsageError("--classes, --pixels and --bgr go with --from-keras")
    if args.keep_keras and args.keep_keras.suffix != ".keras":
        raise UsageError(f"{args.keep_keras}: the name must end in .keras")
    classifier_options = options.as_dataclass(ClassifierOptions, args)
    model = classifier_options.model
    check_writable(model)
    if args.keep_keras:
        check_writable(args.keep_keras)
    backend.load_keras()
    with only_one(model), recording.recording(model, "classifier", vars(args)) as recorder:
        if args.from_keras:
            print(training.convert(classifier_options, recorder))
            print(f"-> {model}, classes.json")
        else:
            score = training.train(classifier_options, recorder, log, text.warn)
            recorder.figure("accuracy", score.accuracy)
            print_score(score)
            print(f"-> {model}, classes.json and classifier_report.md")
        for path in (model, model.with_name("classes.json")):
            recorder.artefact(path)
    return 0


def train_liveness(args: argparse.Namespace) -> int:
    """Run ``faces train-classifier --liveness``."""
    usual = vars(build_parser().parse_args([]))
    taken = ("dataset", "output", "track", "liveness")
    if others := [name for name, value in vars(args).items() if name not in taken and value != usual[name]]:
        raise UsageError(f"--liveness takes --dataset, --output and --track, not --{others[0].replace('_', '-')}")
    if args.dataset is None:
        raise UsageError("--liveness: give --dataset, a folder with real and a folder for each kind of attack in it")
    model = args.output / FILE
    check_writable(model)
    with only_one(model), recording.recording(model, "liveness", vars(args)) as recorder:
        figures = liveness.train(args.dataset, args.output, recorder, log, text.warn)
        for kind in report.kinds(figures):
            share = figures.share(kind)
            recorder.figure(report.rate(kind), share.value)
            print(f"{report.rate(kind)}, people left out: {share}, 95 % interval {between(share)}")
        recorder.artefact(model)
    print(f"-> {model}, liveness.md and liveness_report.json")
    return 0


def print_score(score: ChoiceScore) -> None:
    """Print the accuracy, and the precision and recall of each class."""
    print(f"accuracy on {score.count} pictures that it was not trained on: {score.accuracy:.1%}")
    for name, precision, recall in zip(score.classes, score.precision, score.recall, strict=True):
        print(f"  {name}: precision {precision or 0:.1%}, recall {recall or 0:.1%}")
