"""Tell whether a file has been replaced or rewritten, without reading it, and folders from each other."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class FileIdentity(NamedTuple):
    """What changes when a file is replaced, rewritten, or a link leads to another file.

    path: with links resolved. modified: ns since the epoch. size: bytes.
    """

    path: Path
    device: int
    inode: int
    modified: int
    size: int


def identity(path: Path) -> FileIdentity | None:
    """Return a file's identity, or None if there is no such file."""
    try:
        file = path.resolve(strict=True)
        status = file.stat()
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        return None
    return FileIdentity(file, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


def folder_identity(folder: Path) -> tuple[int, int] | None:
    """Return the device and inode of a folder, by whatever path; None if it cannot be looked at."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
