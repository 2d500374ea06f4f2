"""Put the best photographs of named people into a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from faces.cli import options, values
from faces.cli.text import plural
from faces.commands.photos import shared
from faces.photos.exporting import MOST, export
from faces.photos.library import Library


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.subparser(
        commands,
        "export",
        "put the best and most different photographs of named people into a data set",
        "--dataset dataset",
        '"Ada Lovelace" --most 5 --copy',
    )
    files = options.group(parser, options.FILES)
    files.add_argument("people", nargs="*", metavar="NAME", help="only these people")
    shared.add_library(parser)
    files.add_argument(
        "-i", "--dataset", type=Path, default=Path("dataset"), metavar="FOLDER", help="gets a folder for each person"
    )
    files.add_argument("--most", type=values.count, default=MOST, metavar="N", help="photographs of each person")
    files.add_argument("--copy", action="store_true", help="copy the files, instead of making links")


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    with Library(args.library) as library:
        done = export(library, args.dataset, args.people, args.most, args.copy)
    people = plural(done.people, "person", "people")
    there = f", {done.known} were there" if done.known else ""
    photographs = plural(done.photographs, "photograph", "photographs")
    print(f"{photographs} of {people} -> {args.dataset}{there}; run: faces retrain")
    return 0
