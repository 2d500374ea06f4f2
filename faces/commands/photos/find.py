"""Find the photographs of people."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

import faces
from faces import model_choice
from faces.cli import options, values
from faces.cli.text import escaped, plural, tell
from faces.commands.photos import shared
from faces.errors import FacesError, UsageError, reason_of
from faces.files.writing import make_folder
from faces.photos.finding import Found, find, since_date
from faces.photos.gallery import write_gallery
from faces.photos.library import Library


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.subparser(
        commands,
        "find",
        "find the photographs and films of people",
        '"Ada Lovelace" --with "Grace Hopper" --since 2019 --html found.html',
        "--like face.jpg --link-to found",
    )
    files = options.group(parser, options.FILES)
    files.add_argument("person", nargs="?", metavar="NAME", help="who is to be in the picture")
    shared.add_library(parser)
    files.add_argument("--json", action="store_true", help="print a JSON object a line")
    files.add_argument("--html", type=Path, metavar="FILE", help="write a web page with small pictures")
    files.add_argument("--link-to", type=Path, metavar="FOLDER", help="put a link to each file into a folder")
    wanted = options.group(parser, "what to find")
    wanted.add_argument("--with", dest="others", action="append", metavar="NAME", help="also in the picture")
    wanted.add_argument("--without", action="append", metavar="NAME", help="not in the picture")
    wanted.add_argument("--only", action="store_true", help="nobody else is in the picture")
    wanted.add_argument("--since", type=date, metavar="DATE", help="taken from then on: 2019 or 2019-05-20")
    wanted.add_argument("--like", type=Path, metavar="PHOTO", help="with a face like the main one of this photograph")
    wanted.add_argument(
        "--far", type=values.share, default=0.001, metavar="SHARE", help="share of different people --like may find"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; return 1 if nothing is found."""
    if args.person is None and args.like is None:
        raise UsageError("who is to be found? Give a name, or a photograph with --like")
    people = [name for name in (args.person, *(args.others or ())) if name is not None]
    with Library(args.library) as library:
        like = embedding_of(args.like, library) if args.like else None
        found = find(library, people, args.without or (), args.since or "", args.only, like, args.far)
    for one in found:
        print(json.dumps(row_of(one)) if args.json else escaped(str(one.path)))
    if args.html:
        write_gallery(args.html, ", ".join(people) or args.like.name, found)
        tell(f"{plural(len(found), 'picture', 'pictures')} -> {args.html}")
    if args.link_to:
        link(found, args.link_to)
        tell(f"{plural(len(found), 'link', 'links')} -> {args.link_to}")
    return 0 if found else 1


def date(text: str) -> str:
    """Parse a date such as 2019, 2019-05 or 2019-05-20."""
    try:
        return since_date(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2019 or 2019-05-20") from None


def row_of(one: Found) -> dict[str, Any]:
    """Return a file that was found as plain values."""
    row: dict[str, Any] = {"path": str(one.path), "taken": one.taken, "people": list(one.people)}
    return row if one.similarity is None else {**row, "similarity": round(one.similarity, 4)}


def embedding_of(path: Path, library: Library) -> faces.Floats:
    """Return the embedding of a photograph's main face, by the library's models."""
    chosen = model_choice.choose(made_by=library.fingerprint, file=library.path)
    models = faces.Pipeline.load(chosen.detector, chosen.embedding_model, accuracy=chosen.accuracy)
    image = faces.read_image(path)
    face = models.detect(image).best(image.shape[1], image.shape[0])
    if len(face) == 0:
        raise FacesError(f"{path}: no face; choose a photograph in which the face is larger or sharper")
    return np.asarray(models.embed(image, face)[0])


def link(found: list[Found], folder: Path) -> None:
    """Make a link to each file; files of the same name get a part of their path's digest."""
    try:
        make_folder(folder)
        for one in found:
            place = folder / one.path.name
            if place.is_symlink() and place.readlink() != one.path:
                place = place.with_stem(f"{place.stem}-{hashlib.sha256(bytes(one.path)).hexdigest()[:8]}")
            if not place.is_symlink():
                place.symlink_to(one.path)
    except OSError as error:
        raise FacesError(f"cannot write into {folder}: {reason_of(error)}") from error
