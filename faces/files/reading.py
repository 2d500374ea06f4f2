"""Read whole files, but no pipe, no device, and nothing too large to be a photograph."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MAX_MEGAPIXELS = 100  # 300 MB decoded; more is a mistake or an attack
MAX_BYTES = 8 * MAX_MEGAPIXELS * 10**6  # four channels of 16 bits, not compressed


def read_file(path: Path, most: int = MAX_BYTES) -> bytes:
    """Read a file; links are followed.

    A pipe would wait for a writer, and a device such as ``/dev/zero`` has no end.
    most: bytes; a larger file is not read.
    Raises OSError with the reason, also for what is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)  # without O_NONBLOCK, opening a pipe would wait
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a file but a pipe or a device", str(path))
        if status.st_size > most:
            megabytes = f"{status.st_size / 1e6:.0f} megabytes; at most {most / 1e6:.0f}"
            raise OSError(errno.EFBIG, f"too large ({megabytes})", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(status.st_size)  # and not what is added meanwhile
    finally:
        os.close(descriptor)
