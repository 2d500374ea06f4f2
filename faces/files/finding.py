"""Image files found in folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from faces.errors import UsageError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


def find_images(folder: Path) -> Iterator[Path]:
    """The image files at any depth, in sorted order; hidden ones left out, links to folders not followed.

    Raises OSError for a folder that cannot be listed: what is in it is not gone.
    """
    for parent, folders, files in os.walk(folder, onerror=_raise_unless_gone):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent, name)


def expand(paths: Sequence[Path], passed_over: Callable[[Path], bool] = lambda path: False) -> Iterator[Path]:
    """The photographs that files and folders stand for, found as they are asked for.

    passed_over: which of those in folders are left out. Raises UsageError, at once, for what is not there.
    """

    def found(folder: Path) -> Iterator[Path]:
        return (path for path in find_images(folder) if not passed_over(path))

    for path in paths:
        if path.is_dir():
            if next(found(path), None) is None:
                raise UsageError(f"{path}: no photographs in this folder")
        elif not path.exists():
            raise UsageError(f"{path}: no such file or folder")
    return chain.from_iterable(found(path) if path.is_dir() else [path] for path in paths)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
