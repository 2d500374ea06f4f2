"""Checks of the files that a command is to read and write, before it does any work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from faces.cli import text
from faces.files.writing import check_writable, require_distinct

NAMED = 3  # files that a message names


def check_files(files: Iterable[Path | None], writable: Iterable[Path | None] = ()) -> None:
    """Check that all files are different ones, and that some can be written.

    files: those that the command reads and writes; None for an option that was not given.
    writable: those whose folders are made and tried now.
    Raises UsageError for a file that is named twice, and FacesError for one that cannot be written.
    """
    require_distinct(*(path for path in files if path is not None))
    for path in writable:
        if path is not None:
            check_writable(path)


def without_photographs(paths: Sequence[Path | str]) -> str:
    """Describe files that are left out since they are no photographs.

    >>> without_photographs(["sample/truth.json", "sample/video.mp4"])
    '2 files are not photographs that can be read: sample/truth.json, sample/video.mp4'
    """
    files = text.plural(len(paths), "file is not a photograph", "files are not photographs")
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return f"{files} that can be read: {', '.join(map(str, paths[:NAMED]))}{more}"
