"""Classify pictures with a classifier of ``faces train-classifier``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from faces.cli import options, parallel, text, values
from faces.cli.files import without_photographs
from faces.cli.progress import print_line
from faces.errors import ImageError
from faces.files.finding import expand
from faces.image_classifier import Classification, ImageClassifier, decide
from faces.images import read_image

UNDECIDED_CLASSES = 3  # most likely classes shown for a picture that is undecided


def build_parser() -> argparse.ArgumentParser:
    """Create the parser of ``faces classify``."""
    parser = options.parser(
        "Classify pictures: print the class if its probability is above the threshold, else the probabilities.",
        "--image sample/photo.jpg --threshold 0.9",
        "--image sample --model output/classifier.onnx --json",
    )
    files = options.group(parser, options.FILES)
    files.add_argument(
        "-i", "--image", type=Path, nargs="+", required=True, metavar="PATH", help="pictures or folders of them"
    )
    files.add_argument("--json", action="store_true", help="print one JSON object per picture")
    models = options.group(parser, options.MODELS)
    models.add_argument(
        "-m",
        "--model",
        type=Path,
        default=Path("output/classifier.onnx"),
        metavar="FILE",
        help="classifier of faces train-classifier",
    )
    models.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="JSON file of class names (default: classes.json beside the model, else the names in the model)",
    )
    models.add_argument(
        "--threshold",
        type=values.share,
        default=0.85,
        metavar="SHARE",
        help="probability above which a picture gets its class",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``faces classify``; return 1 if a picture cannot be read."""
    args = build_parser().parse_args(argv)
    others: list[Path] = []
    pictures = list(expand(args.image, leave_out=lambda path, reason: others.append(path)))
    beside = args.model.with_name("classes.json")
    labels = args.classes or (beside if beside.exists() else None)
    classifier = ImageClassifier(args.model, labels, parallel.threads_of_model(len(pictures)))

    def look(path: Path) -> str | ImageError:
        """Return what is printed of a picture, or why it cannot be read."""
        try:
            image = read_image(path)
        except ImageError as error:
            return error
        verdict = decide(classifier.classes, classifier.probabilities([image])[0], args.threshold)
        return as_json(path, verdict) if args.json else as_text(path, verdict)

    status = 0
    with closing(parallel.in_order_with_bar(look, pictures, "picture")) as looked_at:
        for path, result in looked_at:
            if isinstance(result, ImageError):
                text.complain(f"{path}: {result}")
                status = 1
            else:
                print_line(result, sys.stdout)
    if others:
        text.warn(without_photographs(others))
    return status


def as_text(path: Path, verdict: Classification) -> str:
    """Return the line for a picture."""
    ranked = sorted(verdict.probabilities.items(), key=lambda item: -item[1])
    if verdict.label is not None:
        return text.escaped(f"{path}: {verdict.label}  probability {ranked[0][1]:.2f}")
    likeliest = "  ".join(f"{name} {value:.2f}" for name, value in ranked[:UNDECIDED_CLASSES])
    return text.escaped(f"{path}: undecided  {likeliest}")


def as_json(path: Path, verdict: Classification) -> str:
    """Return the JSON object for a picture."""
    values = {name: round(value, 4) for name, value in verdict.probabilities.items()}
    return json.dumps({"file": str(path), "label": verdict.label, "probabilities": values}, ensure_ascii=False)
