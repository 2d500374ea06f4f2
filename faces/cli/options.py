"""Options that several commands share, and their parser."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from faces.attributes import predictor
from faces.cli import values
from faces.detection import registry as detectors
from faces.embedding import registry
from faces.model_choice import Named
from faces.models import devices
from faces.versions import mlflow

FILES = "input and output"
MODELS = "models"
RECOGNITION = "recognition"
TRAINING = "training"
SPEED = "speed"
RECORDS = "records"
"""Titles of groups that several commands have."""

HELP_COLUMN = 30  # in which the explanations of options begin
WIDTH = 78  # of descriptions

T = TypeVar("T")


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows a short usage, the defaults of options, and the examples with their line breaks."""

    def __init__(self, prog: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(prog, *args, **{"max_help_position": HELP_COLUMN, **kwargs})

    def _get_help_string(self, action: argparse.Action) -> str | None:
        nothing = action.default is None or isinstance(action.default, bool) or action.default == ()
        return action.help if nothing else super()._get_help_string(action)

    def _format_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Iterable[Any], prefix: str | None
    ) -> str:
        """Name only what is required; ``[options]`` stands for the rest."""
        actions = list(actions)
        shown = [action for action in actions if action.required or not action.option_strings]
        program = self._prog
        if any(action not in shown and action.help != argparse.SUPPRESS for action in actions):
            self._prog = f"{program} [options]"
        try:
            return super()._format_usage(usage, shown, [], prefix)
        finally:
            self._prog = program

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """Name the value of an option once: ``-i, --image PATH``."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"

    def _format_text(self, text: str) -> str:
        """Begin the examples with the command as it was typed."""
        typed = f"python {self._prog}" if self._prog.endswith(".py") else self._prog
        return super()._format_text(text.replace("%(prog)s", typed))


def parser(description: str, *examples: str, **keywords: Any) -> argparse.ArgumentParser:
    """Create a parser.

    description: what the command does, in a sentence.
    examples: arguments that a user may give, without the name of the command.
    keywords: of argparse.ArgumentParser.
    """
    return _without_help_row(argparse.ArgumentParser(**_keywords(description, examples), **keywords))


def subparser(commands: Any, name: str, description: str, *examples: str) -> argparse.ArgumentParser:
    """Add a command to the result of ``add_subparsers``; otherwise as ``parser``."""
    sentence = f"{description[:1].upper()}{description[1:]}."
    return _without_help_row(commands.add_parser(name, help=description, **_keywords(sentence, examples)))


def _keywords(description: str, examples: Sequence[str]) -> dict[str, Any]:
    lines = "".join(f"\n  %(prog)s {example}" for example in examples)
    epilog = f"example{'s' if len(examples) > 1 else ''}:{lines}" if examples else None
    description = textwrap.fill(description, WIDTH)
    return {"description": description, "epilog": epilog, "formatter_class": HelpFormatter, "add_help": False}


def _without_help_row(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add ``--help``, which needs no explanation to whoever has just typed it."""
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    return parser


def group(parser: argparse.ArgumentParser, title: str) -> argparse._ArgumentGroup:
    """Return the parser's group of options with a title; add it if there is none."""
    for existing in parser._action_groups:
        if existing.title == title:
            return existing
    return parser.add_argument_group(title)


def as_dataclass(kind: type[T], args: argparse.Namespace) -> T:
    """Create a dataclass from the options that have the names of its fields."""
    return kind(**{field.name: getattr(args, field.name) for field in fields(kind)})  # type: ignore[arg-type]


def own_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> dict[str, object]:
    """Return the values of those options that a parser knows."""
    return {name: getattr(args, name) for name in vars(parser.parse_args([]))}


def add_embeddings_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--embeddings``."""
    group(parser, FILES).add_argument(
        "-e",
        "--embeddings",
        type=Path,
        default=Path("output/embeddings.pickle"),
        metavar="FILE",
        help="embeddings",
    )


def add_recognizer_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--recognizer`` and ``--le``."""
    files = group(parser, FILES)
    files.add_argument(
        "-r",
        "--recognizer",
        type=Path,
        default=Path("output/recognizer.pickle"),
        metavar="FILE",
        help="recognizer",
    )
    files.add_argument("-l", "--le", type=Path, default=Path("output/le.pickle"), metavar="FILE", help="label encoder")


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--models``, ``--detector``, ``--embedding-model``, ``--accuracy``, ``--confidence`` and ``--device``."""
    models = group(parser, MODELS)
    models.add_argument(
        "--models",
        choices=detectors.PACKAGED,
        metavar="SET",
        help=f"detector and embedder: {' or '.join(detectors.PACKAGED)} (default: those of the gallery, else built-in)",
    )
    models.add_argument(
        "-d",
        "--detector",
        type=values.detector,
        metavar="NAME",
        help=f"{', '.join(detectors.names())}, or a file or folder with OpenCV's SSD or YuNet",
    )
    models.add_argument(
        "-m",
        "--embedding-model",
        metavar="NAME",
        help=f"{', '.join(registry.names())}, or a file: OpenFace's .t7, or .onnx (SFace, ArcFace)",
    )
    models.add_argument(
        "--accuracy",
        type=values.accuracy,
        metavar="LEVEL",
        help="default or best, which takes twice as long to embed; the same for all commands",
    )
    models.add_argument(
        "-c",
        "--confidence",
        type=values.share,
        metavar="SCORE",
        help=f"lowest score of a detected face, between 0 and 1 (default: {detectors.default_confidence('built-in'):g};"
        f" {detectors.DEFAULT_CONFIDENCE:g} with other detectors)",
    )
    models.add_argument(
        "--device",
        action=_ChooseDevice,
        default=argparse.SUPPRESS,
        choices=devices.NAMES,
        metavar="NAME",
        help=f"runs .onnx networks: {', '.join(devices.NAMES)} (default: {devices.VARIABLE}, else {devices.CPU})",
    )


class _ChooseDevice(argparse.Action):
    """Choose the device that is named, for this process and those it starts. It is no attribute of the result."""

    def __call__(self, parser: object, namespace: object, name: Any, option: str | None = None) -> None:
        devices.choose(name)


def model_names(args: argparse.Namespace) -> Named:
    """Return the models that the user names."""
    return Named(
        detector=args.detector or args.models,
        embedding_model=args.embedding_model or args.models,
        accuracy=args.accuracy,
    )


def add_min_face_option(parser: argparse.ArgumentParser, default: int) -> None:
    """Add ``--min-face``; default: px."""
    group(parser, MODELS).add_argument(
        "--min-face",
        type=values.count,
        default=default,
        metavar="PX",
        help="smallest face that is looked for in large pictures",
    )


def add_exclusive_option(parser: argparse.ArgumentParser, where: str = "a picture") -> None:
    """Add ``--no-exclusive``; where: what else holds a person only once."""
    group(parser, RECOGNITION).add_argument(
        "--no-exclusive",
        dest="exclusive",
        action="store_false",
        help=f"allow the same name for several faces of {where}: for mirrors and collages",
    )


def add_attributes_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--attributes``."""
    default = ",".join(predictor.DEFAULT)
    others = ",".join(name for name in predictor.NAMES if name not in predictor.DEFAULT)
    group(parser, MODELS).add_argument(
        "--attributes",
        type=values.attribute_names,
        nargs="?",
        const=predictor.DEFAULT,
        metavar="LIST",
        help=f"estimate {default}, or a list of these and {others}; wrong more often for some groups of people than"
        " for others: docs/attributes.md",
    )


def add_track_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--track``."""
    group(parser, RECORDS).add_argument(
        "--track",
        metavar="URI",
        help=f"send the run to this MLflow server (default: {mlflow.VARIABLE}; docs/tracking.md)",
    )
