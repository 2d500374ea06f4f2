"""Find the people of a photograph in a folder of photographs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import faces
from faces.cli import options, parallel
from faces.cli.files import without_photographs
from faces.cli.text import complain, escaped, warn
from faces.commands.matching import options as matching

Found = tuple[faces.Faces, faces.Floats]  # the faces of a photograph, and their embeddings (N, D)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = options.parser(
        "Find the people of a photograph in a folder of photographs: the nearest faces first.",
        "sample/photo.jpg dataset",
        "photo.jpg holidays --far 0.0001 --json",
    )
    files = options.group(parser, options.FILES)
    files.add_argument("photo", type=Path, metavar="PHOTO", help="a photograph")
    files.add_argument("folder", type=Path, metavar="FOLDER", help="where to look, at any depth")
    files.add_argument("--json", action="store_true", help="print one JSON object per face of the photograph")
    matching.add(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 1 if a photograph cannot be read."""
    args = build_parser().parse_args(argv)
    others: list[Path] = []
    paths = list(faces.find_images([args.folder], leave_out=lambda path, reason: others.append(path)))
    models, threshold = matching.load(args, parallel.threads_of_model(len(paths)))
    probes, embeddings = models.find(faces.read_image(args.photo))
    if len(probes) == 0:
        raise faces.FacesError(f"{args.photo}: no face; choose a photograph in which the face is larger or sharper")

    def look(path: Path) -> Found | faces.ImageError:
        """Return the faces of a photograph, or why it cannot be read."""
        try:
            return models.find(faces.read_image(path))
        except faces.ImageError as error:
            return error

    status, looked_at = 0, dict[Path, Found]()
    with closing(parallel.in_order_with_bar(look, paths)) as results:
        for path, result in results:
            if isinstance(result, faces.ImageError):
                complain(str(result))
                status = 1
            else:
                looked_at[path] = result
    if others:
        warn(without_photographs(others))
    for box, embedding in zip(probes.xyxy, embeddings, strict=True):
        matches = nearest(embedding, looked_at, threshold)
        (print_json if args.json else print_text)(args.photo, matching.whole(box), matches)
    return status


def nearest(embedding: faces.Floats, looked_at: dict[Path, Found], threshold: float) -> list[dict[str, Any]]:
    """Return the faces up to a distance, nearest first."""
    rows: list[dict[str, Any]] = [
        {"file": str(path), "distance": faces.distance(embedding, other), "box": matching.whole(box)}
        for path, (found, others) in looked_at.items()
        for box, other in zip(found.xyxy, others, strict=True)
    ]
    return sorted((row for row in rows if row["distance"] <= threshold), key=lambda row: row["distance"])


def print_text(photo: Path, box: list[int], matches: list[dict[str, Any]]) -> None:
    """Print a face of the photograph and a line for each match."""
    print(escaped(f"{photo}: face {','.join(map(str, box))}: {len(matches) or 'no'} match{'es' * (len(matches) != 1)}"))
    for row in matches:
        print(escaped(f"  {row['distance']:.3f}  {row['file']}  box {','.join(map(str, row['box']))}"))


def print_json(photo: Path, box: list[int], matches: list[dict[str, Any]]) -> None:
    """Print a face of the photograph and its matches as a JSON object."""
    rows = [{**row, "distance": round(row["distance"], 4)} for row in matches]
    print(json.dumps({"file": str(photo), "box": box, "matches": rows}, ensure_ascii=False))
