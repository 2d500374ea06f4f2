"""Options that the commands share, and what they do with them."""

from __future__ import annotations

import argparse

import faces
from faces.cli import options, values
from faces.cli.text import warn

FAR = 0.001


def add(parser: argparse.ArgumentParser) -> None:
    """Add the models, ``--far`` and ``--threshold``."""
    options.add_model_options(parser)
    recognition = options.group(parser, options.RECOGNITION)
    recognition.add_argument(
        "--far",
        type=values.share,
        default=FAR,
        metavar="SHARE",
        help="share of pairs of different people that may count as one (lower: stricter)",
    )
    recognition.add_argument(
        "--threshold",
        type=values.positive,
        metavar="DISTANCE",
        help="greatest distance of a match, instead of the one from --far",
    )


def load(args: argparse.Namespace, threads: int | None = None) -> tuple[faces.Pipeline, float]:
    """Return the models and the greatest distance of a match."""
    models = faces.load_models(**options.model_names(args), confidence=args.confidence, threads=threads, warn=warn)
    return models, faces.match_threshold(models, args.far) if args.threshold is None else args.threshold


def whole(box: faces.Floats) -> list[int]:
    """Return a box, float32 (4,), in whole pixels."""
    return [int(side) for side in box.round()]
