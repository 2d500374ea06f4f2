"""Find, group and name the people in a collection of photographs, and find photographs by them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from faces.cli import options, signals
from faces.commands.photos import export, find, listing, name, scan, write_xmp

PARTS = {"scan": scan, "name": name, "list": listing, "find": find, "export": export, "write-xmp": write_xmp}
"""Of each command, the module that adds its options and runs it."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = options.parser(
        "Find out who is in a collection of photographs and films: group their faces, name the groups, find people.",
        "scan ~/Pictures",
        'find "Ada Lovelace" --with "Grace Hopper"',
    )
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for part in PARTS.values():
        part.add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    signals.stop_on_signals()
    return int(PARTS[args.command].run(args))
