"""List every face that was found: what other programs read."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from typing import Any

from faces.cli import options
from faces.cli.text import escaped
from faces.commands.photos import shared
from faces.files.tables import cell
from faces.photos import contents
from faces.photos.library import Library
from faces.photos.records import Face, PhotoFile

COLUMNS = ("path", "box", "person", "group", "status", "score", "quality", "time", "taken", "face")
FILE_COLUMNS = ("path", "state", "reason", "sha256")


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.subparser(
        commands, "list", "list the faces, one a line: where, who, in which group", "--json", "--files --csv"
    )
    files = options.group(parser, options.FILES)
    shared.add_library(parser)
    kinds = files.add_mutually_exclusive_group()
    kinds.add_argument("--json", action="store_true", help="print a JSON object a line")
    kinds.add_argument("--csv", action="store_true", help="print CSV")
    files.add_argument("--files", action="store_true", help="list files and whether they could be read, not faces")


def run(args: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    with Library(args.library) as library:
        columns = FILE_COLUMNS if args.files else COLUMNS
        rows = map(row_of_file, contents.files(library)) if args.files else map(row_of, contents.faces(library))
        writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
        if args.csv:
            writer.writeheader()
        for row in rows:
            if args.json:
                print(json.dumps(row, ensure_ascii=not printable(str(row["path"]))))
            elif args.csv:
                row = {**row, "box": " ".join(map(str, row["box"]))} if "box" in row else row
                writer.writerow(
                    {name: cell(escaped(value) if isinstance(value, str) else value) for name, value in row.items()}
                )
            else:
                print(escaped(line_of(row)))
    return 0


def row_of(face: Face) -> dict[str, Any]:
    """Return a face as plain values; ``score`` is how like its group or person it is, in standard deviations."""
    return {
        "path": str(face.path),
        "box": [round(side) for side in face.xyxy],
        "person": face.person,
        "group": face.group,
        "status": face.status,
        "score": None if face.likeness is None else round(face.likeness, 2),
        "quality": round(face.quality, 2),
        "time": None if face.time is None else round(face.time, 2),
        "taken": face.taken or None,
        "face": face.id,
    }


def row_of_file(file: PhotoFile) -> dict[str, Any]:
    """Return a file as plain values."""
    return {"path": str(file.path), "state": file.state, "reason": file.reason or None, "sha256": file.sha256 or None}


def line_of(row: dict[str, Any]) -> str:
    """Return a face or a file as a line of text."""
    if "state" in row:
        return f"{row['path']}: {row['state']}{': ' * bool(row['reason'])}{row['reason'] or ''}"
    at = f" at {row['time']} s" if row["time"] is not None else ""
    who = row["person"] or (f"group {row['group']}" if row["group"] else "-")
    score = f"  {row['score']:.1f}" if row["score"] is not None else ""
    return f"{row['path']}{at}: {','.join(map(str, row['box']))}  {who}  {row['status']}{score}"


def printable(text: str) -> bool:
    """Return whether a text can be written as UTF-8: names of files may be no Unicode."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
