"""The files of a library: which are new, changed, moved or gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from faces.datasets.listing import SETTLED
from faces.errors import FacesError, UsageError, reason_of
from faces.extraction.known import READERS
from faces.files.digest import digest
from faces.files.finding import NO_PHOTOGRAPH, find_images
from faces.photos import contents
from faces.photos.library import Library, path_of, stored
from faces.photos.records import RAW, READ, WAITING
from faces.photos.scanning.looking import FILMS, RAWS

TOGETHER = 1000  # files that are listed in one transaction
NOT_READ = "a raw photograph, which is not read: scan the JPEG beside it"
BELOW = "path > ? AND path < ?"  # the files in a folder


@dataclass
class Scanned:
    """What a scan found.

    new: files that were looked at. known: files that were known, by time and size or by content. gone: files that are
    no longer there. raw: raw photographs, which are not read. faces: in the files that were looked at.
    unreadable: files that cannot be read, and why. unlisted: folders that cannot be listed, and why; what is known of
    their files stays. others: number of files that are neither photographs nor films.
    """

    new: int = 0
    known: int = 0
    gone: int = 0
    raw: int = 0
    faces: int = 0
    others: int = 0
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    unlisted: list[tuple[Path, str]] = field(default_factory=list)


def list_files(library: Library, folder: Path, scanned: Scanned) -> None:
    """Store all files of a folder; those that are new or were changed are waiting."""
    raws: list[Path] = []

    def other(path: Path, reason: str) -> None:
        if path.suffix.lower() in FILMS | RAWS:
            raws.append(path)
        elif reason == NO_PHOTOGRAPH:
            scanned.others += 1
        else:
            scanned.unreadable.append((path, reason))

    def unlisted(error: OSError) -> None:
        scanned.unlisted.append((Path(error.filename), reason_of(error)))

    def listed() -> Iterator[Path]:
        for path in find_images(folder, other, unlisted):
            yield path
            while raws:
                yield raws.pop()
        yield from raws

    with library.write() as database:
        database.execute("DROP TABLE IF EXISTS temp.seen")
        database.execute("CREATE TEMP TABLE seen (path BLOB PRIMARY KEY)")
    each, now = listed(), time.time_ns()
    while batch := list(islice(each, TOGETHER)):
        with library.write() as database:
            for path in batch:
                _list_file(library, path, now, scanned)
                database.execute("INSERT OR IGNORE INTO seen VALUES (?)", [stored(path)])


def _list_file(library: Library, path: Path, now: int, scanned: Scanned) -> None:
    try:
        status = path.stat()
    except OSError:  # gone again, or a broken link: reading it says why
        size, modified = 0, 0
    else:
        size, modified = status.st_size, status.st_mtime_ns
        modified = modified if modified < now - SETTLED * 10**9 else 0  # it may be written to at this moment
    raw = path.suffix.lower() in RAWS
    scanned.raw += raw
    before = contents.file_of(library, path)
    if before and modified and (before.size, before.modified) == (size, modified) and before.state in (READ, RAW):
        scanned.known += before.state == READ
        return
    with library.write() as database:
        database.execute(
            "INSERT INTO files VALUES (?, ?, ?, NULL, ?, ?) ON CONFLICT (path) DO UPDATE SET size = excluded.size,"
            " modified = excluded.modified, state = excluded.state, reason = excluded.reason",
            (stored(path), size, modified, RAW if raw else WAITING, NOT_READ if raw else ""),
        )


def waiting(library: Library, folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that are to be looked at, by path."""
    sql = f"SELECT path FROM files WHERE state = ? AND {BELOW} ORDER BY path"
    for row in library.query(sql, WAITING, *_below(folder)):
        yield path_of(row[0])


def recognize_moved(library: Library, folder: Path, scanned: Scanned) -> None:
    """Find files that were moved, copied or touched, by their content, without looking at them."""
    sizes = "SELECT size FROM files JOIN contents USING (sha256)"
    sql = f"SELECT path FROM files WHERE state = ? AND {BELOW} AND size IN ({sizes})"
    unsure = [path_of(row[0]) for row in library.query(sql, WAITING, *_below(folder))]
    with ThreadPoolExecutor(READERS) as readers:
        for path, sha256 in zip(unsure, readers.map(_sha256, unsure), strict=True):
            if sha256 and library.query("SELECT 1 FROM contents WHERE sha256 = ? AND reason = ''", sha256):
                scanned.known += 1
                with library.write() as database:
                    database.execute(
                        "UPDATE files SET state = ?, reason = '', sha256 = ? WHERE path = ?",
                        (READ, sha256, stored(path)),
                    )


def forget_gone(library: Library, folder: Path, scanned: Scanned) -> None:
    """Delete what is known of files that are no longer there, and of contents without a file; answers stay."""
    sql = f"SELECT path FROM files WHERE {BELOW} AND path NOT IN (SELECT path FROM seen)"
    unlisted = [place for place, _ in scanned.unlisted]
    gone = [row[0] for row in library.query(sql, *_below(folder))]
    gone = [path for path in gone if not any(path_of(path).is_relative_to(place) for place in unlisted)]
    listed = library.query("SELECT count(*) FROM seen")[0][0]
    if not listed and not unlisted:
        if not gone:
            raise UsageError(f"{folder}: no photographs or films in this folder")
        raise FacesError(
            f"{folder}: empty, but {len(gone)} of its files are in the library, which keeps them; is its disk mounted?"
        )
    with library.write() as database:
        database.executemany("DELETE FROM files WHERE path = ?", [[path] for path in gone])
        database.execute("DELETE FROM contents WHERE sha256 NOT IN (SELECT sha256 FROM files WHERE sha256 NOT NULL)")
    scanned.gone += len(gone)


def _below(folder: Path) -> tuple[bytes, bytes]:
    """Return the two values of ``BELOW`` for the files in a folder, at any depth."""
    place = stored(folder).rstrip(b"/")
    return place + b"/", place + b"0"  # "0" follows "/"


def _sha256(path: Path) -> str:
    try:
        return digest(path).partition(":")[2]
    except OSError:
        return ""
