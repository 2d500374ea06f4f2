"""Recognize the faces in photographs: read the pickles and images; print names, write annotated copies."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import faces
from faces.cli import options, parallel, values
from faces.cli.files import without_photographs
from faces.cli.progress import print_line
from faces.cli.text import complain, escaped, tell, warn

WRITTEN = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})  # the formats of copies
LONGEST_NAME = 235  # bytes of a copy's name: file systems allow 255, and temporary files have ten more
UNSAID_FACE = 40  # px: where faces of this size are found, nothing is said of smaller ones


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
        default=Path("output/annotated"),
        metavar="FOLDER",
        help="folder for the annotated copies",
    )
    files.add_argument("--json", action="store_true", help="print one JSON object per photograph")
    files.add_argument("--show", action="store_true", help="show each photograph in a window until a key is pressed")
    options.add_recognizer_options(parser)
    options.add_model_options(parser)
    options.add_min_face_option(parser, 60)
    options.add_attributes_option(parser)
    options.add_exclusive_option(parser)
    recognition = options.group(parser, options.RECOGNITION)
    recognition.add_argument(
        "--threshold",
        type=values.positive,
        metavar="DISTANCE",
        help="name faces up to this distance (default: the recognizer's own)",
    )
    recognition.add_argument(
        "--prior",
        type=values.share,
        default=0.5,
        metavar="SHARE",
        help="how many of those who come are enrolled: for the probability that a match is true",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = build_parser().parse_args(argv)
    others: list[Path] = []
    skip = partial(is_copy, output=args.output)
    photographs = list(faces.find_images(args.image, skip, lambda path, reason: others.append(path)))
    threads = parallel.threads_of_model(len(photographs))
    models = faces.load_models(
        **options.model_names(args),
        confidence=args.confidence,
        threads=threads,
        min_face=args.min_face,
        gallery=args.le,
        warn=warn,
    )
    recognizer = faces.load_recognizer(models, args.recognizer, args.le, warn=warn)
    if args.threshold is not None:
        recognizer = with_threshold(recognizer, args.threshold)
    attributes = faces.load_attributes(models, args.attributes, threads=threads) if args.attributes else None
    window = faces.Window("recognize_image", tell) if args.show else None

    least_faces = [0.0]  # px, of each photograph: the size from which its faces are found

    def look(path: Path) -> tuple[str, faces.Image] | faces.ImageError:
        """Return what is printed of a photograph, and its annotated copy; or why it cannot be read."""
        try:
            image = faces.read_image(path)
        except faces.ImageError as error:
            return error
        least_faces.append(models.detector.least_face(*image.shape[:2]))
        found = faces.recognize(image, models, recognizer, attributes, exclusive=args.exclusive, prior=args.prior)
        lines = (as_json if args.json else as_text)(path, found, (image.shape[1], image.shape[0]))
        return lines, faces.annotate(image, found)

    status, used_names = 0, set[str]()
    with closing(parallel.in_order_with_bar(look, photographs)) as looked_at:
        for path, result in looked_at:
            if isinstance(result, faces.ImageError):
                complain(str(result))
                status = 1
            else:
                lines, annotated = result
                print_line(lines, sys.stdout)
                faces.write_image(args.output / copy_name(path, used_names), annotated)
                if window is not None and window.show(annotated, wait_ms=0) == "q":
                    break
    if others:
        warn(without_photographs(others))
    if (least := max(least_faces)) > max(UNSAID_FACE, models.detector.least_face(1, 1)):
        warn(f"in the largest photograph faces below {least:.0f} px may be missed; --min-face finds smaller ones")
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


def with_threshold(recognizer: faces.Recognizer, distance: float) -> faces.Recognizer:
    """Return the recognizer with another threshold. Raises UsageError for the recipe's, which has no distances."""
    if not isinstance(recognizer, faces.FaceRecognizer):
        raise faces.UsageError("--threshold: the recipe's recognizer has no distances; run: train_model.py")
    return recognizer.with_threshold(distance)


def from_left_to_right(recognition: faces.Recognition) -> list[int]:
    """Return the indices of the faces as one reads them: by the middles of their boxes."""
    xyxy = recognition.faces.xyxy
    return np.lexsort((xyxy[:, 1] + xyxy[:, 3], xyxy[:, 0] + xyxy[:, 2])).tolist()  # type: ignore[no-any-return]


def whole_and_inside(recognition: faces.Recognition, wh: tuple[int, int]) -> tuple[list[list[int]], list[list[int]]]:
    """Return the boxes in whole pixels, and their parts inside a picture of width and height ``wh``."""
    boxes = recognition.faces.xyxy.round().astype(int)
    return boxes.tolist(), boxes.clip(0, (*wh, *wh)).tolist()


def as_text(path: Path, recognition: faces.Recognition, wh: tuple[int, int]) -> str:
    """Format the results of a photograph of width and height ``wh`` as lines of text, a face each."""
    if len(recognition) == 0:
        return escaped(f"{path}: no face")
    matches, lines, (_, boxes) = recognition.matches, [], whole_and_inside(recognition, wh)
    for k in from_left_to_right(recognition):
        name = f"{matches.names[k] or f'unknown  nearest {matches.candidates[k]}'}"
        name += f"  probability {matches.probability[k]:.2f}"
        true = recognition.match_probability[k]
        name += "" if np.isnan(true) else f"  match {true:.2f}"
        place = ",".join(str(value) for value in boxes[k])
        attributes = "" if recognition.answers is None else f"  {recognition.answers.text(k)}"
        lines.append(escaped(f"{path}: {name}  distance {matches.distance[k]:.3f}  box {place}{attributes}"))
    return "\n".join(lines)


def as_json(path: Path, recognition: faces.Recognition, wh: tuple[int, int]) -> str:
    """Format the results of a photograph of width and height ``wh`` as a JSON object."""
    matches, answers = recognition.matches, recognition.answers
    boxes, inside = whole_and_inside(recognition, wh)
    true = recognition.match_probability
    rows: list[dict[str, Any]] = [
        {
            "name": matches.names[k],
            "candidate": matches.candidates[k],
            "probability": round(float(matches.probability[k]), 4),
            "match_probability": None if np.isnan(true[k]) else round(float(true[k]), 4),
            "distance": None if np.isnan(matches.distance[k]) else round(float(matches.distance[k]), 4),
            "box": inside[k],
            "box_full": boxes[k],
            "score": round(float(recognition.faces.score[k]), 4),
            **({} if answers is None else {"attributes": answers.plain(k)}),
        }
        for k in from_left_to_right(recognition)
    ]
    return json.dumps({"file": str(path), "faces": rows}, ensure_ascii=False)
