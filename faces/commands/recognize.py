"""Who is in a photograph? The pickles and still images in; names, boxes and annotated copies out."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from faces.attributes import predictor
from faces.attributes.answers import Answers, text
from faces.cli import options
from faces.cli.text import complain, warn
from faces.display.drawing import annotate
from faces.display.window import Window
from faces.errors import ImageError
from faces.files.finding import SUFFIXES, expand
from faces.images import read_image, write_image
from faces.pipeline import Pipeline
from faces.recognition import recognizer_files
from faces.types import Faces, Matches

LONGEST = 235  # bytes of a copy's name: file systems take 255, and a temporary file's is longer by ten


def build_parser() -> argparse.ArgumentParser:
    parser = options.parser(
        "Name the faces in photographs, or say that they are unknown.",
        "python recognize_image.py --image photo.jpg holiday/ --json",
    )
    parser.add_argument(
        "-i", "--image", type=Path, nargs="+", required=True, metavar="PATH", help="photographs, and folders of them"
    )
    options.add_model_options(parser)
    options.add_recognizer_options(parser)
    options.add_attributes_option(parser)
    parser.add_argument("-o", "--output", type=Path, default=Path("output"), help="folder for the annotated copies")
    parser.add_argument("--json", action="store_true", help="print one JSON object per photograph")
    parser.add_argument("--show", action="store_true", help="show each photograph in a window until a key is pressed")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    photographs = expand(args.image, partial(is_copy, output=args.output))
    pipeline = Pipeline.load(args.detector, args.embedding_model, args.confidence, args.accuracy)
    recognizer, warnings = recognizer_files.load(args.recognizer, args.le, pipeline.fingerprint)
    for warning in warnings:
        warn(warning)
    looks = predictor.load(args.attributes, pipeline) if args.attributes else None
    window = Window("recognize_image", partial(print, file=sys.stderr)) if args.show else None

    status, taken = 0, set[str]()
    for path in photographs:
        try:
            image = read_image(path)
        except ImageError as error:
            complain(f"{path}: {error}")
            status = 1
            continue
        faces = pipeline.detect(image)
        embeddings = pipeline.embed(image, faces)
        matches = recognizer.identify(embeddings)
        answers = looks.of(image, faces, embeddings) if looks else None
        print((as_json if args.json else as_text)(path, faces, matches, answers))

        annotated = annotate(image, faces, matches, answers)
        write_image(args.output / copy_name(path, taken), annotated)
        if window is not None and window.show(annotated, wait_ms=0) == "q":
            break
    return status


def copy_name(path: Path, taken: set[str]) -> str:
    """A name for the annotated copy that no other photograph of this run has; it is noted in ``taken``."""
    suffix = path.suffix if path.suffix.lower() in SUFFIXES else ".jpg"
    stem = path.stem
    while len(os.fsencode(f"{stem}_annotated{suffix}")) > LONGEST:
        stem = stem[:-1]
    name, number = f"{stem}_annotated{suffix}", 2
    while name.casefold() in taken:
        name, number = f"{stem}_annotated_{number}{suffix}", number + 1
    taken.add(name.casefold())
    return name


def is_copy(path: Path, output: Path) -> bool:
    """Whether it is an annotated copy in the folder of those."""
    named = re.search(r"_annotated(_\d+)?$", path.stem)
    return named is not None and path.parent.resolve() == output.resolve()


def as_text(path: Path, faces: Faces, matches: Matches, answers: Answers | None) -> str:
    if len(faces) == 0:
        return f"{path}: no face"
    looks = [""] * len(faces) if answers is None else [f"  {text(answers.plain(k))}" for k in range(len(faces))]
    lines = []
    for box, name, probability, distance, look in zip(
        faces.xyxy.round().astype(int), matches.names, matches.probability, matches.distance, looks, strict=True
    ):
        at = ",".join(str(value) for value in box)
        who = f"{name or 'unknown'}  probability {probability:.2f}  distance {distance:.3f}"
        lines.append(f"{path}: {who}  box {at}{look}")
    return "\n".join(lines)


def as_json(path: Path, faces: Faces, matches: Matches, answers: Answers | None) -> str:
    found: list[dict[str, Any]] = [
        {
            "name": matches.names[index],
            "candidate": matches.candidates[index],
            "probability": round(float(matches.probability[index]), 4),
            "distance": None if np.isnan(matches.distance[index]) else round(float(matches.distance[index]), 4),
            "box": faces.xyxy[index].round().astype(int).tolist(),
            "score": round(float(faces.score[index]), 4),
            **({} if answers is None else {"attributes": answers.plain(index)}),
        }
        for index in range(len(faces))
    ]
    return json.dumps({"file": str(path), "faces": found}, ensure_ascii=False)
