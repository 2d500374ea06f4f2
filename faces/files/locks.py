"""Locks: one run at a time for a file or folder."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from faces.errors import FacesError, reason_of
from faces.files.temporary import sweep
from faces.files.writing import OWNER_FILE, make_folder, owner_only


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Lock a path against other runs, also those on other machines if the shared file system has locks.

    The operating system releases the lock when the process ends. What a killed run left beside the path is swept.
    path: a file or folder, which need not exist.
    Raises FacesError, which names the process that holds the lock.
    """
    from filelock import FileLock, Timeout

    lock, holder = (path.with_name(f".{path.name}.{suffix}") for suffix in ("lock", "holder"))
    try:
        make_folder(path.parent)
        if not lock.exists():
            lock.touch(OWNER_FILE)
        mode = OWNER_FILE | stat.S_IMODE(lock.stat().st_mode)  # filelock would otherwise set its own
        held = FileLock(lock, mode=mode).acquire(timeout=0)
    except Timeout:
        raise FacesError(f"{path}: in use by {_process(holder)}; wait for it, or stop it") from None
    except (OSError, NotImplementedError) as error:
        raise FacesError(f"cannot lock {path}: {reason_of(error)}") from error
    with held:
        script, since = Path(sys.argv[0]).name, datetime.now().astimezone().isoformat(" ", "seconds")
        with (
            suppress(OSError),
            open(holder, "w", opener=owner_only) as file,
        ):  # optional: on a full disk the lock still holds
            file.write(f"{script} (process {os.getpid()} on {socket.gethostname()}, since {since})")
        sweep(path.parent)
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)


def _process(holder: Path) -> str:
    """Return the process that holds a lock, from a separate file: a system may forbid to read the locked one."""
    try:
        return holder.read_text() or "another run"
    except (OSError, UnicodeDecodeError):
        return "another run"
