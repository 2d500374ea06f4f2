"""Options that several commands share, and their parser."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from faces import detection
from faces.attributes import predictor
from faces.cli.text import warn
from faces.cli.values import share
from faces.detection import registry as detectors
from faces.embedding import embedders, registry
from faces.versions import mlflow

T = TypeVar("T")


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows the defaults of options, and keeps the line breaks of the examples."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        nothing = action.default is None or action.default is False or action.default == ()
        return action.help if nothing else super()._get_help_string(action)


def parser(description: str, example: str) -> argparse.ArgumentParser:
    """Create a parser with a description and an example."""
    return argparse.ArgumentParser(
        description=description, epilog=f"example:\n  {example}", formatter_class=HelpFormatter
    )


def as_dataclass(kind: type[T], args: argparse.Namespace) -> T:
    """Create a dataclass from the options that have the names of its fields."""
    return kind(**{field.name: getattr(args, field.name) for field in fields(kind)})  # type: ignore[arg-type]


def own_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> dict[str, object]:
    """Return the values of those options that a parser knows."""
    return {name: getattr(args, name) for name in vars(parser.parse_args([]))}


def add_embeddings_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--embeddings``."""
    parser.add_argument(
        "-e", "--embeddings", type=Path, default=Path("output/embeddings.pickle"), help="file of facial embeddings"
    )


def add_recognizer_options(parser: argparse._ActionsContainer) -> None:
    """Add ``--recognizer`` and ``--le``."""
    parser.add_argument(
        "-r", "--recognizer", type=Path, default=Path("output/recognizer.pickle"), help="file of the recognizer"
    )
    parser.add_argument("-l", "--le", type=Path, default=Path("output/le.pickle"), help="file of the label encoder")


def add_model_options(parser: argparse._ActionsContainer) -> None:
    """Add ``--detector``, ``--embedding-model``, ``--accuracy`` and ``--confidence``."""
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
        help="fast: the built-in embedder averages two views of a face; best: six views, in three times the time, for"
        " many enrolled people; embeddings of the two cannot be compared, so give all commands the same value",
    )
    parser.add_argument(
        "-c", "--confidence", type=share, default=0.5, help="lowest score of a detected face, between 0 and 1"
    )


def detector(name: str) -> str:
    """Return the detector's name; a folder without a model, as in a new clone, stands for the built-in detector."""
    folder = Path(name)
    if folder.is_dir() and all(file.suffix == ".md" or file.name.startswith(".") for file in folder.iterdir()):
        warn(f"{name}: no detector in it yet, so the built-in one is used (the SSD: faces download-models openface)")
        return detection.BUILT_IN
    return name


def add_attributes_option(parser: argparse._ActionsContainer) -> None:
    """Add ``--attributes``."""
    default = ",".join(predictor.DEFAULT)
    parser.add_argument(
        "--attributes",
        type=attribute_names,
        nargs="?",
        const=predictor.DEFAULT,
        metavar="LIST",
        help=f"predict attributes: some of {','.join(predictor.NAMES)}; without a list {default} (estimates, wrong more"
        " often for some groups of people than for others: docs/attributes.md)",
    )


def add_track_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--track``."""
    parser.add_argument(
        "--track",
        metavar="URI",
        help="MLflow server to send the run, its figures and its files to (docs/tracking.md; default: the value of"
        f" {mlflow.VARIABLE}, if MLflow is installed)",
    )


def attribute_names(text: str) -> tuple[str, ...]:
    """Parse a list such as gender,age."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if unknown := [name for name in names if name not in predictor.NAMES]:
        raise argparse.ArgumentTypeError(
            f"no attribute {unknown[0]!r}; the attributes are {', '.join(predictor.NAMES)}"
        )
    if not names:
        raise argparse.ArgumentTypeError(f"names no attribute; the attributes are {', '.join(predictor.NAMES)}")
    return names
