"""One run at a time on one file or folder."""

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
from faces.files.writing import OWNER_FILE, make_folder, owner_only


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold ``path`` against other runs, on this machine or, on a shared file system that has locks, another.

    The system lets go of it when the process ends, however it ends. Raises FacesError, which names who holds it.
    """
    from filelock import FileLock, Timeout

    lock, holder = (path.with_name(f".{path.name}.{suffix}") for suffix in ("lock", "holder"))
    try:
        make_folder(path.parent)
        if not lock.exists():
            lock.touch(OWNER_FILE)
        mode = OWNER_FILE | stat.S_IMODE(lock.stat().st_mode)  # given to filelock, which would set one of its own
        held = FileLock(lock, mode=mode).acquire(timeout=0)
    except Timeout:
        raise FacesError(f"{path}: in use by {_who(holder)}; wait for it, or stop it") from None
    except (OSError, NotImplementedError) as error:
        raise FacesError(f"cannot lock {path}: {reason_of(error)}") from error
    with held:
        script, since = Path(sys.argv[0]).name, datetime.now().astimezone().isoformat(" ", "seconds")
        with suppress(OSError), open(holder, "w", opener=owner_only) as file:  # on a full disk the lock itself holds
            file.write(f"{script} (process {os.getpid()} on {socket.gethostname()}, since {since})")
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)


def _who(holder: Path) -> str:
    """A file of its own says it: where locks are mandatory, the locked file cannot be read."""
    try:
        return holder.read_text() or "another run"
    except (OSError, UnicodeDecodeError):
        return "another run"
