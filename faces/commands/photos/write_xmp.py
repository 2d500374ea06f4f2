"""Write the names of faces into photographs' metadata, where other programs read them, and take theirs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from faces.cli import options
from faces.cli.progress import progress_bar
from faces.cli.text import escaped, plural, warn
from faces.commands.photos import shared
from faces.errors import UsageError
from faces.files.locks import only_one
from faces.photos.library import Library
from faces.photos.regions.naming import take_labels
from faces.photos.regions.sharing import journal_of, undo_names, write_names
from faces.photos.regions.writing import PLACES, SIDECAR
from faces.recognition.recognizers import Recognizer

LISTED = 20  # warnings


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.subparser(
        commands,
        "write-xmp",
        "write the names of faces, and where they are, into the metadata of their photographs",
        '"Ada Lovelace" --into embed --dry-run',
        "--undo",
    )
    files = options.group(parser, options.FILES)
    files.add_argument("people", nargs="*", metavar="NAME", help="only these people")
    shared.add_library(parser)
    files.add_argument(
        "--into",
        choices=PLACES,
        default=SIDECAR,
        help="a file photo.jpg.xmp beside each photograph, or the photograph itself (JPEG only; others get a sidecar)",
    )
    files.add_argument("--replace", action="store_true", help="replace other names that regions already have")
    files.add_argument("--dry-run", action="store_true", help="write nothing, and print what would be written")
    files.add_argument("--undo", action="store_true", help="put back what the last run has written")


def run(args: argparse.Namespace) -> int:
    """Run the command; return 1 if a file could not be written or put back."""
    if args.undo and (args.people or args.replace or args.dry_run):
        raise UsageError("--undo puts back the whole last run; use it without names, --replace and --dry-run")
    with Library(args.library) as library, only_one(journal_of(library).path):
        return undo(library) if args.undo else write(library, args)


def write(library: Library, args: argparse.Namespace) -> int:
    """Write names; return the exit status."""
    written, failed = 0, 0
    notes: list[str] = []
    for _, done in write_names(library, args.people, args.into, replace=args.replace, dry_run=args.dry_run):
        written += done.target is not None
        failed += done.failed
        if args.dry_run and done.target is not None:
            print(escaped(str(done.target)))
        notes += done.notes
    tell(notes)
    would = "would be written; nothing was" if args.dry_run else "written; undo: faces photos write-xmp --undo"
    print(f"{plural(written, 'file', 'files')} {would if written else 'written: all names are there'}")
    return int(bool(failed))


def undo(library: Library) -> int:
    """Put back the last run; return the exit status."""
    restored = failed = 0
    for undone in undo_names(library):
        restored += undone.restored
        failed += bool(undone.reason)
        if undone.reason:
            warn(f"{undone.path}: {undone.reason}")
    print(f"{plural(restored, 'file', 'files')} as before" if restored or failed else "nothing was written")
    return int(bool(failed))


def take_names(library: Library, recognizer: Recognizer | None) -> None:
    """Take the names that other programs gave to faces, and print how many."""
    with progress_bar("photo", "metadata") as progress:
        taken = take_labels(library, recognizer, progress)
    tell([f"{path}: its metadata: {note}" for path, note in taken.notes])
    if taken.faces:
        print(f"{plural(taken.faces, 'name', 'names')} taken from metadata that other programs wrote")


def tell(notes: Sequence[str]) -> None:
    """Print warnings, up to ``LISTED``."""
    for note in notes[:LISTED]:
        warn(note)
    if len(notes) > LISTED:
        warn(f"{len(notes) - LISTED} more of this kind")
