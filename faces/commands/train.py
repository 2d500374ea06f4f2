"""output/embeddings.pickle -> output/recognizer.pickle, output/le.pickle: train the recognizer.

The result of a leave-one-out test is printed, and written to training_report.json beside the recognizer.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import faces
from faces.cli import options as cli_options
from faces.cli import text, values
from faces.cli.recording import recording


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``train``."""
    cli_options.add_embeddings_option(parser)
    cli_options.add_recognizer_options(parser)
    recognition = cli_options.group(parser, cli_options.RECOGNITION)
    recognition.add_argument(
        "--fpir",
        type=values.share,
        default=0.01,
        metavar="SHARE",
        help="share of strangers that may be given a name (lower: stricter)",
    )
    recognition.add_argument(
        "--threshold",
        type=values.positive,
        metavar="DISTANCE",
        help="greatest distance of a match, instead of the one from --fpir",
    )
    recognition.add_argument(
        "--classifier",
        choices=("auto", *faces.CLASSIFIERS),
        default="auto",
        help="auto: svc while training it takes seconds, then centroid",
    )
    cli_options.add_track_option(parser)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = cli_options.parser(
        "Train the recognizer: a classifier on the embeddings, and the distance beyond which a face is unknown.",
        "--embeddings output/embeddings.pickle --fpir 0.001",
        "--classifier centroid --threshold 0.5",
    )
    add_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    return train(args, args.recognizer, args.le)


def train(args: argparse.Namespace, recognizer: Path, le: Path) -> int:
    """Train on ``args.embeddings``, write the files and print how good the result is."""
    options = {**cli_options.own_options(build_parser(), args), "recognizer": recognizer, "le": le}
    training = faces.train(
        args.embeddings,
        recognizer,
        le,
        fpir=args.fpir,
        threshold=args.threshold,
        classifier=args.classifier,
        warn=text.warn,
        recording=recording(recognizer, "train", options),
    )
    trained, threshold = training.recognizer, training.threshold
    people = text.plural(len(trained.names_), "person", "people")
    print(f"{text.plural(len(training.gallery), 'embedding', 'embeddings')} of {people} -> {recognizer}, {le}")
    print(f"unknown beyond a distance of {threshold.distance:.3f} ({threshold.origin})")
    if training.has_few_people:
        print(f"the rate is uncertain with {people}, so the limit is stricter than with many")
    if args.classifier == "auto" and trained.classifier_ != "svc":
        print(f"classifier: {trained.classifier_} (of so many, an SVC takes long to train)")
    print("\n".join(training.report.lines()))
    return 0
