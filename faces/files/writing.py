"""Write files atomically, readable by their owner only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from faces.errors import FacesError, UsageError, reason_of
from faces.files.temporary import temporary

OWNER_FILE, OWNER_FOLDER = 0o600, 0o700  # modes of new files and folders: nobody else may read them


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically: after a crash or on a full disk, the old file is still there.

    Missing folders are created. A new file is readable by its owner only, whatever the umask; an existing one keeps its
    mode.
    Raises FacesError if the file cannot be written.
    """
    try:
        _prepare(path)
        with temporary(path) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            put_in_place(file, path)
    except OSError as error:
        raise FacesError(f"cannot write {path}: {reason_of(error)}") from error


def put_in_place(file: IO[bytes], path: Path) -> None:
    """Rename a temporary file to ``path``, with the mode and group of the file it replaces.

    A new file is readable by its owner only.
    Raises OSError.
    """
    if os.name == "nt":  # elsewhere it stays open and locked: no other process takes it for left over
        file.close()
    new = Path(file.name)
    if path.exists():
        copy_access(path, new)
    else:
        new.chmod(OWNER_FILE)
    new.replace(path)


def copy_access(old: Path, new: Path) -> None:
    """Give ``new`` the mode and the group of ``old``.

    If the user may not set the group, the group gets no rights: it would be another group.
    Raises OSError.
    """
    status = old.stat()
    mode = stat.S_IMODE(status.st_mode)
    if new.stat().st_gid != status.st_gid:
        try:
            os.chown(new, -1, status.st_gid)
        except OSError:
            mode &= ~stat.S_IRWXG
    new.chmod(mode)


def owner_only(path: str, flags: int) -> int:
    """Open a file readable by its owner only: an opener for ``open``. An existing file keeps its mode."""
    return os.open(path, flags, OWNER_FILE)


@contextmanager
def private() -> Iterator[None]:
    """Let libraries that create files and folders themselves create them for their owner only, too, in this block.

    It sets the umask of the whole process.
    """
    before = os.umask(0o777 & ~OWNER_FOLDER)
    try:
        yield
    finally:
        os.umask(before)


def make_folder(path: Path, exist_ok: bool = True) -> None:
    """Create a folder and its missing parents, accessible by their owner only; existing ones keep their modes.

    ``Path.mkdir(parents=True)`` would set the mode of the last folder only.
    exist_ok: as for ``Path.mkdir``.
    Raises OSError.
    """
    try:
        path.mkdir(OWNER_FOLDER, exist_ok=exist_ok)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        path.mkdir(OWNER_FOLDER, exist_ok=exist_ok)


def check_writable(path: Path) -> None:
    """Raise FacesError if a file cannot be written at ``path``: call it before work that takes long.

    Missing folders are created.
    """
    try:
        _prepare(path)
        with temporary(path):
            pass
    except OSError as error:
        raise FacesError(f"cannot write {path}: {reason_of(error)}") from error


def require_distinct(*paths: Path) -> None:
    """Raise UsageError when two paths are the same file: writing one would lose the other."""
    seen: set[Path] = set()
    for path in (path.resolve() for path in paths):
        if path in seen:
            raise UsageError(f"{path} is named twice: each file needs a name of its own")
        seen.add(path)


def _prepare(path: Path) -> None:
    """Create the parent folders; raise OSError if ``path`` is no name for a file: a folder, /dev/null, or too long."""
    make_folder(path.parent)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "is a folder")
    if not stat.S_ISREG(mode):
        raise FileExistsError(17, "is a device or a pipe, not a file")
