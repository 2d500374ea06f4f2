"""Recognize the faces in photographs: read the pickles and images; print names, write annotated copies."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import faces
from faces.cli import options
from faces.cli.text import complain, escaped, tell, warn
from faces.cli.values import share

LONGEST_NAME = 235  # bytes of a copy's name: file systems allow 255, and temporary files have ten more


WRITTEN = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})  # the formats of copies
def build_parser() -> argparse.ArgumentParser:
    """Build the parser."""
    parser = options.parser(
        "Name the faces in photographs, or mark them as unknown.",
        "--image sample/photo.jpg",
        "--image sample --attributes --json",
    )
    files = options.group(parser, options.FILES)
    files.add_argument(
        "-i", "--image", type=Path, nargs="+", required=True, metavar="PATH", help="photographs, and folders of them"
    )
    files.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("output"),
        metavar="FOLDER",
        help="folder for the annotated copies",
    )
    files.add_argument("--json", action="store_true", help="print one JSON object per photograph")
    files.add_argument("--show", action="store_true", help="show each photograph in a window until a key is pressed")
    options.add_recognizer_options(parser)
    options.add_model_options(parser)
    options.add_attributes_option(parser)
    options.add_exclusive_option(parser)
    options.group(parser, options.RECOGNITION).add_argument(
        "--prior",
        type=share,
        default=0.5,
        metavar="SHARE",
        help="how many of those who come are enrolled: for the probability that a match is true",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = build_parser().parse_args(argv)
    photographs = faces.find_images(args.image, partial(is_copy, output=args.output))
    models = faces.load_models(**options.model_names(args), confidence=args.confidence, gallery=args.le, warn=warn)
    recognizer = faces.load_recognizer(models, args.recognizer, args.le, warn=warn)
    attributes = faces.load_attributes(models, args.attributes) if args.attributes else None
    window = faces.Window("recognize_image", tell) if args.show else None

    status, used_names = 0, set[str]()
    for path in photographs:
        try:
            image = faces.read_image(path)
        except faces.ImageError as error:
            complain(str(error))
            status = 1
            continue
        recognition = faces.recognize(image, models, recognizer, attributes, exclusive=args.exclusive, prior=args.prior)
        print((as_json if args.json else as_text)(path, recognition))

        annotated = faces.annotate(image, recognition)
        faces.write_image(args.output / copy_name(path, used_names), annotated)
        if window is not None and window.show(annotated, wait_ms=0) == "q":
            break
    return status


def copy_name(path: Path, used_names: set[str]) -> str:
    """Return a file name for the annotated copy that no other photograph has; add it to ``used_names``."""
    suffix = path.suffix if path.suffix.lower() in WRITTEN else ".jpg"
    stem = path.stem
    while len(os.fsencode(f"{stem}_annotated{suffix}")) > LONGEST_NAME:
        stem = stem[:-1]
    name, number = f"{stem}_annotated{suffix}", 2
    while name.casefold() in used_names:
        name, number = f"{stem}_annotated_{number}{suffix}", number + 1
    used_names.add(name.casefold())
    return name


def is_copy(path: Path, output: Path) -> bool:
    """Whether a file is an annotated copy in the output folder."""
    has_copy_name = re.search(r"_annotated(_\d+)?$", path.stem) is not None
    return has_copy_name and path.parent.resolve() == output.resolve()


def as_text(path: Path, recognition: faces.Recognition) -> str:
    """Format a photograph's results as lines of text."""
    if len(recognition) == 0:
        return escaped(f"{path}: no face")
    matches, lines = recognition.matches, []
    for k, box in enumerate(recognition.faces.xyxy.round().astype(int)):
        name = f"{matches.names[k] or 'unknown'}  probability {matches.probability[k]:.2f}"
        true = recognition.match_probability[k]
        name += "" if np.isnan(true) else f"  match {true:.2f}"
        place = ",".join(str(value) for value in box)
        attributes = "" if recognition.answers is None else f"  {recognition.answers.text(k)}"
        lines.append(escaped(f"{path}: {name}  distance {matches.distance[k]:.3f}  box {place}{attributes}"))
    return "\n".join(lines)


def as_json(path: Path, recognition: faces.Recognition) -> str:
    """Format a photograph's results as a JSON object."""
    matches, answers = recognition.matches, recognition.answers
    rows: list[dict[str, Any]] = [
        {
            "name": matches.names[k],
            "candidate": matches.candidates[k],
            "probability": round(float(matches.probability[k]), 4),
            "match_probability": None if np.isnan(true) else round(true, 4),
            "distance": None if np.isnan(matches.distance[k]) else round(float(matches.distance[k]), 4),
            "box": recognition.faces.xyxy[k].round().astype(int).tolist(),
            "score": round(float(recognition.faces.score[k]), 4),
            **({} if answers is None else {"attributes": answers.plain(k)}),
        }
        for k, true in enumerate(recognition.match_probability.tolist())
    ]
    return json.dumps({"file": str(path), "faces": rows}, ensure_ascii=False)
