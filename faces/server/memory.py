"""Memory that large pictures took goes back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

MMAP_THRESHOLD = -3  # glibc's malloc.h
LARGE = 1 << 20  # bytes


def give_back_large_blocks() -> None:
    """Of a whole process. Otherwise glibc, having seen large blocks freed, keeps the next ones, in each thread."""
    with suppress(OSError, AttributeError, TypeError):  # where there is no glibc
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE)
