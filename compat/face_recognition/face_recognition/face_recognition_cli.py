"""face_recognition: name the faces in a photograph, or in the photographs of a folder, by a folder of known people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from . import _commands, api

LONGEST = 1600  # px: larger photographs are shrunk
image_files_in_folder = _commands.photographs  # programs import it from here


def scan_known_people(known_people_folder: str, cpus: int = 1) -> tuple[list[str], list[api.Encoding]]:
    """Return name and encoding of each photograph of one person; the name is the file's. Warns on stderr."""
    names, encodings = [], []
    paths = _commands.photographs(known_people_folder)
    for path, found in _commands.each(lambda path: api.face_encodings(api.load_image_file(path)), paths, cpus):
        if len(found) > 1:
            click.echo(f"WARNING: More than one face found in {path}. Only considering the first face.", err=True)
        if found:
            names.append(Path(path).stem)
            encodings.append(found[0])
        else:
            click.echo(f"WARNING: No faces found in {path}. Ignoring file.", err=True)
    return names, encodings


def encode(path: str) -> list[api.Encoding]:
    """Return the encodings of the faces of a photograph, which is shrunk if it is giant."""
    from PIL import Image

    image = api.load_image_file(path)
    if max(image.shape) > LONGEST:
        smaller = Image.fromarray(image)
        smaller.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        image = np.array(smaller)
    return api.face_encodings(image)


def print_result(filename: str, name: str, distance: Any, show_distance: bool = False) -> None:
    """Print a match as the original does: file, name and, if wanted, distance."""
    click.echo(f"{filename},{name},{distance}" if show_distance else f"{filename},{name}")


def print_matches(
    filename: str,
    encoding: api.Encoding,
    known_names: list[str],
    known_encodings: list[api.Encoding],
    tolerance: float,
    show_distance: bool,
) -> None:
    """Print the people whom a face matches."""
    distances = api.face_distance(known_encodings, encoding)
    near = [(name, distance) for name, distance in zip(known_names, distances, strict=True) if distance <= tolerance]
    for name, distance in near or [("unknown_person", None)]:
        print_result(filename, name, distance, show_distance)


@click.command()
@click.argument("known_people_folder")
@click.argument("image_to_check")
@click.option(
    "--cpus",
    default=-1,
    help="number of CPU cores to use in parallel (can speed up processing lots of images)."
    ' -1 means "use all in system"',
)
@click.option(
    "--tolerance",
    default=0.6,
    help="Tolerance for face comparisons. Default is 0.6. Lower this if you get multiple matches for the same person.",
)
@click.option(
    "--show-distance",
    default=False,
    type=bool,
    help="Output face distance. Useful for tweaking tolerance setting.",
)
def main(known_people_folder: str, image_to_check: str, cpus: int, tolerance: float, show_distance: bool) -> None:
    """Print file and name of each face; unknown_person if it is nobody's, no_persons_found without a face."""
    cpus = _commands.use_cpus(cpus)
    paths = _commands.photographs(image_to_check) if _commands.is_folder(image_to_check) else [image_to_check]
    known = scan_known_people(known_people_folder, cpus)
    for path, encodings in _commands.each(encode, paths, cpus):
        for encoding in encodings:
            print_matches(path, encoding, *known, tolerance, show_distance)
        if not encodings:
            print_result(path, "no_persons_found", None, show_distance)


if __name__ == "__main__":
    main()
