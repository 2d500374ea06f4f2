"""Say whether two photographs show the same person."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import faces
from faces.cli import options
from faces.cli.text import escaped
from faces.commands.matching import options as matching


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = options.parser(
        "Say whether two photographs show the same person: the main face of each.",
        "dataset/Amina/01.jpg dataset/Amina/02.jpg",
        "a.jpg b.jpg --far 0.0001 --json",
    )
    files = options.group(parser, options.FILES)
    files.add_argument("first", type=Path, metavar="PHOTO", help="a photograph")
    files.add_argument("second", type=Path, metavar="OTHER", help="another one")
    files.add_argument("--json", action="store_true", help="print a JSON object")
    matching.add(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    models, threshold = matching.load(args)
    (box, embedding), (other_box, other) = (main_face(path, models) for path in (args.first, args.second))
    distance = faces.distance(embedding, other)
    if args.json:
        answer = {
            "same_person": distance <= threshold,
            "distance": round(distance, 4),
            "threshold": round(threshold, 4),
            "files": [str(args.first), str(args.second)],
            "boxes": [matching.whole(box), matching.whole(other_box)],
        }
        print(json.dumps(answer, ensure_ascii=False))
    else:
        verdict = "the same person" if distance <= threshold else "two people"
        print(escaped(f"{args.first}, {args.second}: {verdict}  distance {distance:.3f} (one up to {threshold:.3f})"))
    return 0


def main_face(path: Path, models: faces.Pipeline) -> tuple[faces.Floats, faces.Floats]:
    """Return the box and the embedding of a photograph's main face. Raises FacesError if it has none."""
    image = faces.read_image(path)
    face = models.detect(image).best(image.shape[1], image.shape[0])
    if len(face) == 0:
        raise faces.FacesError(f"{path}: no face; choose a photograph in which the face is larger or sharper")
    return face.xyxy[0], models.embed(image, face)[0]
