"""What the commands of ``faces photos`` share: the library, and grouping it again."""

from __future__ import annotations

import argparse
from pathlib import Path

from faces.cli import options, values
from faces.cli.text import plural, warn
from faces.errors import FingerprintError
from faces.photos.grouping import FALSE_MERGE
from faces.photos.library import DEFAULT, Library
from faces.photos.regrouping import Regrouped, regroup
from faces.recognition import recognizer_files
from faces.recognition.recognizers import Recognizer


def add_library(parser: argparse.ArgumentParser) -> None:
    """Add ``--library``."""
    options.group(parser, options.FILES).add_argument(
        "--library", type=Path, default=DEFAULT, metavar="FILE", help="what is known of the photographs"
    )


def add_grouping(parser: argparse.ArgumentParser) -> None:
    """Add ``--false-merge``, and the recognizer that names enrolled people."""
    options.add_recognizer_options(parser)
    options.group(parser, options.RECOGNITION).add_argument(
        "--false-merge",
        type=values.share,
        default=FALSE_MERGE,
        metavar="SHARE",
        help="share of faces that may be put beside another person's (lower: more, smaller groups)",
    )


def group_again(library: Library, args: argparse.Namespace, enrolled: Recognizer | None) -> Regrouped:
    """Group all faces, and print how many have names."""
    result = regroup(library, args.false_merge, enrolled)
    parts = {
        f"{result.named} with names": result.named,
        f"{result.grouped} in {plural(result.groups, 'group', 'groups')} of unknown people": result.grouped,
        f"{result.ignored} ignored": result.ignored,
        f"{result.poor} too small or blurred": result.poor,
    }
    alone = result.faces - sum(parts.values())
    listed = [part for part, number in parts.items() if number] + ([f"{alone} alone"] if alone else [])
    print(f"{plural(result.faces, 'face', 'faces')}{': ' * bool(listed)}{', '.join(listed)} -> {library.path}")
    return result


def recognizer(library: Library, args: argparse.Namespace) -> Recognizer | None:
    """Return the recognizer that names enrolled people; None, perhaps with a warning, if there is none to use."""
    fingerprint = library.fingerprint
    if fingerprint is None or not args.recognizer.exists():
        return None
    try:
        loaded, messages = recognizer_files.load(args.recognizer, args.le, fingerprint)
    except FingerprintError as error:
        warn(f"enrolled people are not named: {error}")
        return None
    for message in messages:
        warn(message)
    return loaded
