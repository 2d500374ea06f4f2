"""Checks of the files that a command is to read and write, before it does any work."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from faces.files.writing import check_writable, require_distinct


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
