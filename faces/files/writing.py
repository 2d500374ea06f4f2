"""Files written whole or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from faces.errors import FacesError, UsageError, reason_of

OWNER_FILE, OWNER_FOLDER = 0o600, 0o700  # modes of what is made here: nobody else sees faces by default


def write_bytes(path: Path, data: bytes) -> None:
    """Write through a temporary file beside ``path`` and rename it: a crash, or a full disk, leaves the old file.

    Makes missing folders. A new file is for its owner alone, under any umask; an old one keeps its mode.
    Raises FacesError when that cannot be done.
    """
    try:
        _make_room(path)
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                file.close()
                put_in_place(Path(file.name), path)
            except BaseException:
                with suppress(OSError):  # of a full disk, which the rest of the data does not fit on either
                    file.close()
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise FacesError(f"cannot write {path}: {reason_of(error)}") from error


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename ``temporary`` to ``path``, with the access to the file that it replaces; a new one is for its owner alone.

    Raises OSError.
    """
    if path.exists():
        copy_access(path, temporary)
    else:
        temporary.chmod(OWNER_FILE)
    temporary.replace(path)


def copy_access(old: Path, new: Path) -> None:
    """Give ``new`` the mode and the group of ``old``. Raises OSError.

    Where the user may not give it the group, the group's rights are left out: they would be another group's.
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
    """An opener for ``open``: a file that it makes is for its owner alone; one that is there keeps its mode."""
    return os.open(path, flags, OWNER_FILE)


def make_folder(path: Path, exist_ok: bool = True) -> None:
    """Make a folder, and all that are missing above it, for their owner alone; those that are there keep their modes.

    ``Path.mkdir(parents=True)`` gives its mode to the last folder only. Raises OSError as that does.
    """
    try:
        path.mkdir(OWNER_FOLDER, exist_ok=exist_ok)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        path.mkdir(OWNER_FOLDER, exist_ok=exist_ok)


def check_writable(path: Path) -> None:
    """Raise FacesError when a file at ``path`` could not be written: better before the work than after it.

    Makes missing folders.
    """
    try:
        _make_room(path)
        NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.").close()
    except OSError as error:
        raise FacesError(f"cannot write {path}: {reason_of(error)}") from error


def require_distinct(*paths: Path) -> None:
    """Raise UsageError when two paths are the same file: writing one would lose the other."""
    seen: set[Path] = set()
    for path in (path.resolve() for path in paths):
        if path in seen:
            raise UsageError(f"{path} is named twice: each file needs a name of its own")
        seen.add(path)


def _make_room(path: Path) -> None:
    """Make the folders above; raise OSError where a rename would replace what is no file: a folder, /dev/null."""
    make_folder(path.parent)
    if path.is_dir():
        raise IsADirectoryError(21, "is a folder")
    if path.exists() and not path.is_file():
        raise FileExistsError(17, "is a device or a pipe, not a file")
