"""Options that several commands share, and their parser."""

from __future__ import annotations

import argparse
from pathlib import Path

from faces import detection
from faces.attributes import predictor
from faces.cli.text import warn
from faces.cli.values import share
from faces.detection import registry as detectors
from faces.embedding import embedders, registry
from faces.versions import mlflow


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults where there are some, and keeps the example's lines."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        nothing = action.default is None or action.default is False or action.default == ()
        return action.help if nothing else super()._get_help_string(action)


def parser(description: str, example: str) -> argparse.ArgumentParser:
    """A parser in the scripts' style."""
    return argparse.ArgumentParser(
        description=description, epilog=f"example:\n  {example}", formatter_class=HelpFormatter
    )


def own_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> dict[str, object]:
    """Of all options that were given, those of one step and their values."""
    return {name: getattr(args, name) for name in vars(parser.parse_args([]))}


def add_embeddings_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-e", "--embeddings", type=Path, default=Path("output/embeddings.pickle"), help="file of facial embeddings"
    )


def add_recognizer_options(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "-r", "--recognizer", type=Path, default=Path("output/recognizer.pickle"), help="file of the recognizer"
    )
    parser.add_argument("-l", "--le", type=Path, default=Path("output/le.pickle"), help="file of the label encoder")


def add_model_options(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "-d",
        "--detector",
        type=detector,
        default=detection.BUILT_IN,
        help=f"face detector: {', '.join(detectors.names())}, or a file or folder with OpenCV's SSD or YuNet",
    )
    parser.add_argument(
        "-m",
        "--embedding-model",
        default=embedders.BUILT_IN,
        help=f"embedder: {', '.join(registry.names())}, or a file: OpenFace's .t7, or .onnx (SFace, ArcFace)",
    )
    parser.add_argument(
        "--accuracy",
        choices=embedders.ACCURACIES,
        default=embedders.FAST,
        help="how the built-in embedder sees a face: fast in two views, best in six, in three times the time (too"
        " much for many faces live), which pays where many people are enrolled; embeddings of the two cannot be"
        " compared, so tell all scripts the same",
    )
    parser.add_argument(
        "-c", "--confidence", type=share, default=0.5, help="least score of a detected face, between 0 and 1"
    )


def detector(name: str) -> str:
    """A detector's name. A folder that waits for one, as the recipe's does in a new clone, stands for the built-in."""
    folder = Path(name)
    if folder.is_dir() and all(file.suffix == ".md" or file.name.startswith(".") for file in folder.iterdir()):
        warn(f"{name}: no detector in it yet, so the built-in one is used (the SSD: faces download-models openface)")
        return detection.BUILT_IN
    return name


def add_attributes_option(parser: argparse._ActionsContainer) -> None:
    default = ",".join(predictor.DEFAULT)
    parser.add_argument(
        "--attributes",
        type=attribute_names,
        nargs="?",
        const=predictor.DEFAULT,
        metavar="LIST",
        help=f"what faces look like, some of {','.join(predictor.NAMES)}; without a list {default}"
        " (estimates, which are wrong for some groups of people more often than for others: docs/attributes.md)",
    )


def add_track_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--track",
        metavar="URI",
        help="MLflow server that is sent the run, its figures and what it made (docs/tracking.md); without the option"
        f" that of {mlflow.VARIABLE}, if MLflow is installed",
    )


def attribute_names(text: str) -> tuple[str, ...]:
    """An option's value such as gender,age."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if unknown := [name for name in names if name not in predictor.NAMES]:
        raise argparse.ArgumentTypeError(f"no attribute {unknown[0]!r}; there are {', '.join(predictor.NAMES)}")
    if not names:
        raise argparse.ArgumentTypeError(f"names no attribute; there are {', '.join(predictor.NAMES)}")
    return names
