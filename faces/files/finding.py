"""Find image files in folders."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path, PurePath

from faces.errors import UsageError
from faces.files.identity import folder_identity

SUFFIXES = frozenset(  # of photographs; files with other names are known by their content
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"}
    | {".heic", ".heif", ".hif", ".avif"}
)
SIGNATURES = (  # the suffix of the files whose first bytes match
    (".jpg", rb"\xff\xd8\xff"),
    (".png", rb"\x89PNG\r\n\x1a\n"),
    (".gif", rb"GIF8[79]a"),
    (".bmp", rb"BM....\0\0\0\0"),
    (".webp", rb"RIFF....WEBP"),
    (".tif", rb"II\*\0|MM\0\*"),
    (".heic", rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)"),
    (".avif", rb"....ftypavi[fs]"),
)
LONGEST_SIGNATURE = 16  # bytes
SYSTEM = frozenset(  # files and folders that systems and file servers put beside photographs, besides hidden ones
    {"#recycle", "#snapshot", "@eadir", "@tmp", "$recycle.bin", "recycler", "system volume information"}
    | {"__macosx", "lost+found", "desktop.ini", "thumbs.db", "icon\r"}
)
NO_PHOTOGRAPH = "not a photograph that can be read"
TOO_LONG = "its path is too long: shorten the names of its folders"

LeaveOut = Callable[[Path, str], object]
"""Gets a file, or a folder that cannot be listed, and why it is left out."""


def suffix_of(data: bytes) -> str:
    """Return the suffix for a photograph by its first bytes, such as ``.jpg``; empty if it is of no known format."""
    return next((suffix for suffix, start in SIGNATURES if re.match(start, data, re.DOTALL)), "")


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is hidden, or one of a system's, such as ``@eaDir``."""
    return name.startswith(".") or name.casefold() in SYSTEM


def is_photograph(path: PurePath, start: Callable[[], bytes] | None = None) -> bool:
    """Return whether a file is a photograph, by its suffix, or by its content if the suffix says nothing.

    start: returns at least its first ``LONGEST_SIGNATURE`` bytes; default: reads them from the file.
    """
    if path.suffix.lower() in SUFFIXES:
        return True
    suffix = suffix_of(start() if start else _start_of(Path(path)))
    return suffix != "" and not (suffix == ".tif" and path.suffix)  # raw photographs begin like a TIFF


def find_images(
    folder: Path,
    leave_out: LeaveOut = lambda path, reason: None,
    unlisted: Callable[[OSError], object] | None = None,
) -> Iterator[Path]:
    """Find the photographs in a folder at any depth, sorted.

    Hidden files and folders (``is_hidden``) are left out. Links to folders are followed, but no folder is listed twice.
    leave_out: called with each other file that is no photograph.
    unlisted: called with the error of each folder that cannot be listed; None: raises it, as its files are not gone.
    Raises OSError.
    """
    listed = {folder_identity(place) for place in (folder.resolve(), *folder.resolve().parents)}

    def is_new(place: Path) -> bool:
        new = (identity := folder_identity(place)) is None or identity not in listed
        listed.add(identity)
        return new

    def failed(error: OSError) -> None:
        if error.errno == errno.ENAMETOOLONG:
            leave_out(Path(error.filename), TOO_LONG)
        elif not isinstance(error, FileNotFoundError):  # it is gone
            if unlisted is None:
                raise error
            unlisted(error)

    for parent, folders, files in os.walk(folder, onerror=failed, followlinks=True):
        folders[:] = [name for name in sorted(folders) if not is_hidden(name) and is_new(Path(parent, name))]
        for path in (Path(parent, name) for name in sorted(files) if not is_hidden(name)):
            if is_photograph(path):
                yield path
            else:
                leave_out(path, NO_PHOTOGRAPH)


def _start_of(path: Path) -> bytes:
    """Return the first bytes of a file; none of one that cannot be read, or would block, such as a pipe."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                return file.read(LONGEST_SIGNATURE)
    except OSError:
        pass
    return b""


def expand(
    paths: Sequence[Path],
    skip: Callable[[Path], bool] = lambda path: False,
    leave_out: LeaveOut = lambda path, reason: None,
) -> Iterator[Path]:
    """Find the photographs in files and folders, lazily.

    paths: files, which are returned as they are, and folders.
    skip: whether a file in a folder is left out.
    leave_out: called with each file of a folder that is no photograph, while the photographs are found.
    Raises UsageError, immediately, if a path is missing or a folder has no photographs.
    """

    def images_in(folder: Path, leave_out: LeaveOut) -> Iterator[Path]:
        return (path for path in find_images(folder, leave_out) if not skip(path))

    for path in paths:
        if path.is_dir():
            if next(images_in(path, lambda other, reason: None), None) is None:
                raise UsageError(f"{path}: no photographs in this folder")
        elif not path.exists():
            raise UsageError(f"{path}: no such file or folder")
    return chain.from_iterable(images_in(path, leave_out) if path.is_dir() else [path] for path in paths)
