"""Find image files in folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from faces.errors import UsageError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


def find_images(folder: Path) -> Iterator[Path]:
    """Find the image files in a folder at any depth, sorted.

    Hidden files and folders are left out; links to folders are not followed.
    Raises OSError if a folder cannot be listed, since its files are not gone.
    """
    for parent, folders, files in os.walk(folder, onerror=_raise_unless_gone):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent, name)


def expand(paths: Sequence[Path], skip: Callable[[Path], bool] = lambda path: False) -> Iterator[Path]:
    """Find the photographs in files and folders, lazily.

    paths: files, which are returned as they are, and folders.
    skip: whether a file in a folder is left out.
    Raises UsageError, immediately, if a path is missing or a folder has no photographs.
    """

    def images_in(folder: Path) -> Iterator[Path]:
        return (path for path in find_images(folder) if not skip(path))

    for path in paths:
        if path.is_dir():
            if next(images_in(path), None) is None:
                raise UsageError(f"{path}: no photographs in this folder")
        elif not path.exists():
            raise UsageError(f"{path}: no such file or folder")
    return chain.from_iterable(images_in(path) if path.is_dir() else [path] for path in paths)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
