"""Read uploaded data sets (a folder, a zip file or files with paths), and write a data set as a zip file."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from pathvalidate import sanitize_filename

from faces.datasets import Folder
from faces.errors import UsageError, reason_of
from faces.files.finding import NO_PHOTOGRAPH, SUFFIXES, is_hidden, suffix_of
from faces.server.limits import MAX_IMAGE_BYTES

MAX_FILES = 100_000
MAX_RATIO = 100  # of unpacked to packed size; photographs hardly compress
MAX_FOLDER_BYTES = 200  # of a folder name; file systems allow 255

Files = Path | Sequence[tuple[str, IO[bytes]]]
"""A folder, a zip file, or files with their paths as browsers send them for a folder."""


@dataclass(frozen=True, slots=True)
class PersonPhotograph:
    """A photograph of a person.

    data: the file's content, or the reason why it is not available.
    """

    person: str
    path: str
    data: bytes | str


def photographs(files: Files) -> Iterator[PersonPhotograph]:
    """Read the photographs of a data set one after the other; a folder around all people is ignored.

    Paths are used as names only. Raises UsageError if the files are not a data set.
    """
    if not isinstance(files, Path):
        return _by_person([path for path, _ in files], lambda number: files[number][1].read(MAX_IMAGE_BYTES + 1))
    if files.is_dir():
        return _from_folder(Folder(files))
    return _from_zip(files)


def write(file: IO[bytes], photographs: Iterable[tuple[str, str, bytes]]) -> int:
    """Write a zip file of ``dataset/NAME/ID.jpg``.

    photographs: name, id and content of each. A name that is not a valid folder name is replaced by a similar one.

    Returns the number of photographs.
    """
    folders: dict[str, str] = {}
    taken: set[str] = set()
    number = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, photograph_id, data in photographs:
            number += 1
            if name not in folders:
                folders[name] = _unused(folder_name(name), taken)
            archive.writestr(f"dataset/{folders[name]}/{photograph_id}{suffix_of(data) or '.bmp'}", data)
    return number


def folder_name(name: str) -> str:
    """Return the name as a visible folder name that is valid on every system."""
    plain = sanitize_filename(name, replacement_text="_", platform="universal", max_len=MAX_FOLDER_BYTES)
    return plain.strip(". ") or "_"


def _unused(folder: str, taken: set[str]) -> str:
    number, candidate = 1, folder
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{folder} ({number})"
    taken.add(candidate.casefold())
    return candidate


def _from_folder(folder: Folder) -> Iterator[PersonPhotograph]:
    listing = folder.listing()

    def read(path: str) -> bytes | str:
        try:
            return _limited(folder.read(path))
        except OSError as error:
            return reason_of(error)

    for photograph in listing.photographs:
        yield PersonPhotograph(photograph.person, photograph.path, read(photograph.path))
    for path, reason in listing.left_out:
        yield PersonPhotograph("", path, reason)


def _from_zip(path: Path) -> Iterator[PersonPhotograph]:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise UsageError(f"{path.name}: neither a folder nor a zip file of photographs") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if sum(entry.file_size for entry in entries) > MAX_RATIO * path.stat().st_size:
            raise UsageError(
                f"{path.name}: unpacks to more than {MAX_RATIO} times its size; this is not an archive of photographs"
            )

        def read(number: int) -> bytes:
            with archive.open(entries[number]) as file:
                return file.read(MAX_IMAGE_BYTES + 1)  # the stated size may be wrong

        yield from _by_person([entry.filename for entry in entries], read)


def _by_person(paths: list[str], read: Callable[[int], bytes]) -> Iterator[PersonPhotograph]:
    """Assign photographs to people by their paths.

    If all paths share one top folder that contains folders, these are the people, and photographs beside them belong
    to nobody. Otherwise the top folders are the people.
    """
    if len(paths) > MAX_FILES:
        raise UsageError(f"{len(paths):,} files; at most {MAX_FILES:,} can be imported at a time")
    split = ((number, PurePosixPath(path.replace("\\", "/")).parts) for number, path in enumerate(paths))
    visible = {number: parts for number, parts in split if parts and not any(map(_is_hidden, parts))}
    photographs = [parts for parts in visible.values() if _is_named_as_photograph(parts)]
    if not photographs:
        raise UsageError("no photographs in it; expected one folder per person, such as dataset/Ada/1.jpg")
    safe = [parts for parts in photographs if not _is_unsafe(parts)]
    top_folders = {parts[0] for parts in safe if len(parts) > 1}
    has_outer_folder = len(top_folders) == 1 and any(len(parts) > 2 for parts in safe)
    for number, parts in visible.items():
        inner = parts[1:] if has_outer_folder else parts
        named = _is_named_as_photograph(parts)
        if _is_unsafe(parts):
            yield PersonPhotograph("", paths[number], "unsafe path")
        elif len(inner) > 1:
            data = _read(read, number)
            is_other = not named and isinstance(data, bytes) and not suffix_of(data)
            yield PersonPhotograph(inner[0], "/".join(inner), NO_PHOTOGRAPH if is_other else data)
        elif named:
            yield PersonPhotograph("", paths[number], "not in a person's folder")


def _is_named_as_photograph(parts: tuple[str, ...]) -> bool:
    return PurePosixPath(parts[-1]).suffix.lower() in SUFFIXES


def _is_hidden(part: str) -> bool:
    """Return whether a part of a path is hidden, or one that a system adds to archives."""
    return part != ".." and is_hidden(part)


def _is_unsafe(parts: tuple[str, ...]) -> bool:
    return ".." in parts or parts[0].startswith("/")


def _read(read: Callable[[int], bytes], number: int) -> bytes | str:
    try:
        return _limited(read(number))
    except Exception as error:  # encrypted, damaged, unknown compression: zipfile raises many types
        return f"cannot be read ({type(error).__name__})"


def _limited(data: bytes) -> bytes | str:
    return data if len(data) <= MAX_IMAGE_BYTES else f"file too large: at most {MAX_IMAGE_BYTES >> 20} MB"
