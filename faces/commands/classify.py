"""What is in a picture, a cat or a dog? A classifier of faces train-classifier and pictures in; a class or a value out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from faces.cli import options, text, values
from faces.errors import ImageError
from faces.files.finding import expand
from faces.image_classifier import ImageClassifier, Verdict, decide
from faces.images import read_image

SHOWN = 3  # values of a picture that is undecided


def build_parser() -> argparse.ArgumentParser:
    parser = options.parser(
        "Say which class pictures are of: the class when its probability passes the threshold, else the values.",
        "faces classify --image pet.jpg pets/ --model output/classifier.onnx",
    )
    parser.add_argument(
        "-i", "--image", type=Path, nargs="+", required=True, metavar="PATH", help="pictures, and folders of them"
    )
    parser.add_argument(
        "-m", "--model", type=Path, default=Path("output/classifier.onnx"), help="file of faces train-classifier"
    )
    parser.add_argument(
        "--classes",
        type=Path,
        metavar="FILE",
        help="names of the classes, as JSON (default: classes.json beside the model, else those in the model)",
    )
    parser.add_argument(
        "--threshold", type=values.share, default=0.85, help="a class is named when its probability is above this"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per picture")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    pictures = expand(args.image)
    beside = args.model.with_name("classes.json")
    classifier = ImageClassifier(args.model, args.classes or (beside if beside.exists() else None))
    status = 0
    for path in pictures:
        try:
            image = read_image(path)
        except ImageError as error:
            text.complain(f"{path}: {error}")
            status = 1
            continue
        verdict = decide(classifier.classes, classifier.probabilities([image])[0], args.threshold)
        print(as_json(path, verdict) if args.json else as_text(path, verdict))
    return status


def as_text(path: Path, verdict: Verdict) -> str:
    ranked = sorted(verdict.probabilities.items(), key=lambda item: -item[1])
    if verdict.label is not None:
        return f"{path}: {verdict.label}  probability {ranked[0][1]:.2f}"
    return f"{path}: undecided  " + "  ".join(f"{name} {value:.2f}" for name, value in ranked[:SHOWN])


def as_json(path: Path, verdict: Verdict) -> str:
    values = {name: round(value, 4) for name, value in verdict.probabilities.items()}
    return json.dumps({"file": str(path), "label": verdict.label, "probabilities": values}, ensure_ascii=False)
