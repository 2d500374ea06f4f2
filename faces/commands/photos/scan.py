"""Look at every new photograph and film in a folder, and group the faces."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faces.cli import options, text, values
from faces.cli.progress import progress_bar
from faces.commands.photos import shared, write_xmp
from faces.extraction.workers import KEPT
from faces.photos.answers import write_corrections
from faces.photos.library import Library
from faces.photos.scanning.listing import NOT_READ, Scanned
from faces.photos.scanning.scan import require_folder, scan

STOPPED = f"stopped; {KEPT}"
LISTED = 10  # files that cannot be read


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.subparser(
        commands,
        "scan",
        "find the faces in a folder of photographs and films, at any depth, and group them",
        "~/Pictures",
        "~/Pictures --false-merge 0.0001 --workers 2",
    )
    files = options.group(parser, options.FILES)
    files.add_argument("folder", type=Path, metavar="FOLDER", help="photographs and films; nothing is written there")
    shared.add_library(parser)
    files.add_argument("--rebuild", action="store_true", help="look at all files again; what people said stays")
    options.add_model_options(parser)
    shared.add_grouping(parser)
    speed = options.group(parser, options.SPEED)
    workers = os.cpu_count() or 1
    speed.add_argument("--workers", type=values.count, default=workers, metavar="N", help="number of processes")


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    require_folder(args.folder)
    with Library(args.library, create=True) as library:
        try:
            with progress_bar("file") as progress:
                scanned = scan(
                    library,
                    args.folder,
                    named=options.model_names(args),
                    confidence=args.confidence,
                    workers=args.workers,
                    rebuild=args.rebuild,
                    progress=progress,
                    warn=text.warn,
                )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(STOPPED) from None
        show(scanned)
        enrolled = shared.recognizer(library, args)
        write_xmp.take_names(library, enrolled)
        shared.group_again(library, args, enrolled)
        write_corrections(library)
    return 0


def show(scanned: Scanned) -> None:
    """Print what a scan found."""
    tell_reasons(scanned.unlisted, "cannot be listed; what is known of its files stays")
    tell_reasons(scanned.unreadable, "cannot be read")
    if scanned.raw:
        text.warn(f"{text.plural(scanned.raw, 'file is', 'files are')} {NOT_READ}")
    numbers = {"new": scanned.new, "known": scanned.known, "gone": scanned.gone, "not read": len(scanned.unreadable)}
    listed = ", ".join(f"{number} {what}" for what, number in numbers.items() if number)
    print(
        f"{text.plural(scanned.new + scanned.known, 'photograph or film', 'photographs and films')}: {listed or 'none'}"
    )


def tell_reasons(rows: Sequence[tuple[Path, str]], what: str) -> None:
    """Print a warning for each file that something is wrong with, up to ``LISTED``."""
    for path, reason in rows[:LISTED]:
        text.warn(f"{path}: {what}: {reason}")
    if len(rows) > LISTED:
        text.warn(f"{len(rows) - LISTED} more {what}; faces photos list --files shows all")
