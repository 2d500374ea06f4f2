"""Data sets as the pages take and give them: a folder, a zip file, or files with their paths."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import cv2
from pathvalidate import sanitize_filename

from faces.datasets import Folder
from faces.errors import UsageError, reason_of
from faces.files.finding import SUFFIXES
from faces.images import decode_image
from faces.server.vision.vision import MOST_BYTES

MOST_FILES = 100_000
MOST_TIMES = 100  # an archive's size, that what is in it may have: photographs can hardly be packed
SUFFIX = {  # by what files begin with
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"BM": ".bmp",
    b"RIFF": ".webp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
}
LONGEST_FOLDER = 200  # bytes; file systems take 255

Files = Path | Sequence[tuple[str, IO[bytes]]]
"""A folder, a zip file, or files with their paths, such as browsers send for a folder."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """A photograph of somebody; data is its file, or the reason why there is none."""

    person: str
    path: str
    data: bytes | str


def portraits(files: Files) -> Iterator[Portrait]:
    """Everybody's photographs, read one after the other; a folder about all of them counts for nothing.

    Paths are only ever read as names. Raises UsageError for what is no data set.
    """
    if not isinstance(files, Path):
        return _sorted_out([path for path, _ in files], lambda number: files[number][1].read(MOST_BYTES + 1))
    if files.is_dir():
        return _folder(Folder(files))
    return _zipped(files)


def write(file: IO[bytes], photographs: Iterable[tuple[str, str, bytes]]) -> int:
    """A zip file of ``dataset/NAME/ID.jpg``, from names, ids and photographs; how many there are.

    Names that are no folders' are written as the nearest that is.
    """
    folders: dict[str, str] = {}
    taken: set[str] = set()
    number = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, id_, data in photographs:
            number += 1
            if name not in folders:
                folders[name] = _free(folder_name(name), taken)
            suffix = next((suffix for start, suffix in SUFFIX.items() if data.startswith(start)), None)
            if suffix is None:  # a format that the scripts do not look for
                suffix, data = ".png", cv2.imencode(".png", decode_image(data))[1].tobytes()
            archive.writestr(f"dataset/{folders[name]}/{id_}{suffix}", data)
    return number


def folder_name(name: str) -> str:
    """A name that is a folder's on every system, and not a hidden one's."""
    plain = sanitize_filename(name, replacement_text="_", platform="universal", max_len=LONGEST_FOLDER)
    return plain.strip(". ") or "_"


def _free(folder: str, taken: set[str]) -> str:
    number, free = 1, folder
    while free.casefold() in taken:
        number += 1
        free = f"{folder} ({number})"
    taken.add(free.casefold())
    return free


def _folder(folder: Folder) -> Iterator[Portrait]:
    _, photographs = folder.listing()

    def read(path: str) -> bytes | str:
        try:
            return _checked(folder.read(path))
        except OSError as error:
            return reason_of(error)

    return (Portrait(one.person, one.path, read(one.path)) for one in photographs)


def _zipped(path: Path) -> Iterator[Portrait]:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise UsageError(f"{path.name}: neither a folder nor a zip file of photographs") from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if sum(entry.file_size for entry in entries) > MOST_TIMES * path.stat().st_size:
            raise UsageError(
                f"{path.name}: unpacks to more than {MOST_TIMES} times its size: no archive of photographs"
            )

        def read(number: int) -> bytes:
            with archive.open(entries[number]) as file:
                return file.read(MOST_BYTES + 1)  # however much it says it is

        yield from _sorted_out([entry.filename for entry in entries], read)


def _sorted_out(paths: list[str], read: Callable[[int], bytes]) -> Iterator[Portrait]:
    """By their paths: the photographs, and whose they are.

    Within one folder, folders are people, and the photographs beside these nobody's; without any, it is a person's.
    """
    if len(paths) > MOST_FILES:
        raise UsageError(f"{len(paths):,} files; at most {MOST_FILES:,} at once")
    split = ((number, PurePosixPath(path.replace("\\", "/")).parts) for number, path in enumerate(paths))
    shown = {number: parts for number, parts in split if _is_photograph(parts)}
    if not shown:
        raise UsageError("no photographs in it; expected one folder of them per person, such as dataset/Ada/1.jpg")
    plain = [parts for parts in shown.values() if not _leads_elsewhere(parts)]
    tops = {parts[0] for parts in plain if len(parts) > 1}
    about_all = len(tops) == 1 and any(len(parts) > 2 for parts in plain)
    for number, parts in shown.items():
        inside = parts[1:] if about_all else parts
        if _leads_elsewhere(parts):
            yield Portrait("", paths[number], "its path leads elsewhere")
        elif len(inside) < 2:
            yield Portrait("", paths[number], "in nobody's folder")
        else:
            yield Portrait(inside[0], "/".join(inside), _read(read, number))


def _is_photograph(parts: tuple[str, ...]) -> bool:
    """By its name, and not hidden, such as what macOS puts into archives."""
    hidden = any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in parts)
    return bool(parts) and not hidden and PurePosixPath(parts[-1]).suffix.lower() in SUFFIXES


def _leads_elsewhere(parts: tuple[str, ...]) -> bool:
    return ".." in parts or parts[0].startswith("/")


def _read(read: Callable[[int], bytes], number: int) -> bytes | str:
    try:
        return _checked(read(number))
    except Exception as error:  # encrypted, damaged, packed in a way that nobody knows: each has its own
        return f"cannot be read ({type(error).__name__})"


def _checked(data: bytes) -> bytes | str:
    return data if len(data) <= MOST_BYTES else f"too large a file: at most {MOST_BYTES >> 20} MB"
