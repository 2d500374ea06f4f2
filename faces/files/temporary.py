"""Temporary files that do not outlive their process for long: the next process that works in the folder sweeps them.

The process that writes a temporary file holds a lock on it, which ends with the process, also at a ``kill -9``. A file
without this lock was left behind.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows, where a file that is open cannot be deleted
    flock = None  # type: ignore[assignment]

LEFT_OVER, CUT_SHORT = ".unfinished", ".cut-short"  # in the names: what is deleted, and what is kept
LONGEST_STEM = 40  # letters of up to 4 bytes: file names have at most 255
LOCKLESS_AGE = 3600  # s without a change after which a file is left over, where the file system has no locks


def create(path: Path, suffix: str = "", keep: bool = False) -> IO[bytes]:
    """Create an empty temporary file beside ``path``, readable by its owner only, and lock it until it is closed.

    suffix: of its name, where a library asks for one.
    keep: whether the file is worth keeping if the process dies, as a recording is; it then has the suffix of ``path``.
    Raises OSError.
    """
    _sweep_once(path.parent)
    prefix, suffix = (
        (f".{path.stem[:LONGEST_STEM]}.", f"{CUT_SHORT}{path.suffix}") if keep else (".", f"{LEFT_OVER}{suffix}")
    )
    while True:
        file: IO[bytes] = NamedTemporaryFile(  # noqa: SIM115 (closed by the caller)
            dir=path.parent, prefix=prefix, suffix=suffix, delete=False
        )
        if _held(file):
            return file
        file.close()
        Path(file.name).unlink(missing_ok=True)


@contextmanager
def temporary(path: Path, suffix: str = "") -> Iterator[IO[bytes]]:
    """Create a temporary file as ``create`` does; at the end close it, and delete it if it was not renamed.

    Raises OSError.
    """
    file = create(path, suffix)
    try:
        yield file
    finally:
        with suppress(OSError):  # closing flushes, which fails again on a full disk
            file.close()
        Path(file.name).unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Delete the temporary files in a folder whose processes are gone; a recording gets a visible name instead.

    Files of other users stay. Nothing is raised: what cannot be swept stays for the next time.
    """
    for mark in (LEFT_OVER, CUT_SHORT):
        for path in folder.glob(f".*{mark}*"):
            with suppress(OSError), _abandoned(path) as abandoned:
                if abandoned and mark == CUT_SHORT and path.stat().st_size:
                    path.rename(_free(path))
                elif abandoned:
                    path.unlink()


@cache
def _sweep_once(folder: Path) -> None:
    sweep(folder)


def _held(file: IO[bytes]) -> bool:
    """Lock a new file; return False if another process sweeps it away at this moment."""
    if flock is None:
        return True
    try:
        flock(file.fileno(), LOCK_EX | LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), Path(file.name).stat())
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:  # the file system has no locks: the file's age tells
        return True


@contextmanager
def _abandoned(path: Path) -> Iterator[bool]:
    """Tell whether the process that wrote a temporary file is gone; no other process sweeps it meanwhile.

    Raises OSError.
    """
    status = path.lstat()
    own = stat.S_ISREG(status.st_mode) and (not hasattr(os, "geteuid") or status.st_uid == os.geteuid())
    if flock is None or not own:
        yield own
        return
    with path.open("r+b") as file:
        try:
            flock(file.fileno(), LOCK_EX | LOCK_NB)
        except BlockingIOError:
            yield False
        except OSError:
            yield time.time() - status.st_mtime > LOCKLESS_AGE
        else:
            yield True


def _free(path: Path) -> Path:
    """Return a visible name for a recording that was cut short, which no file has yet."""
    stem = path.name[1:].rpartition(CUT_SHORT)[0].rpartition(".")[0]
    names = (f"{stem}-{number}" if number > 1 else stem for number in count(1))
    return next(free for name in names if not (free := path.with_name(f"{name}{path.suffix}")).exists())
