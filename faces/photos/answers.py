"""What people say about faces: kept for ever, in the order in which it was said, and undone by saying so."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PureWindowsPath

import numpy as np

from faces.errors import UsageError
from faces.files.tables import write_csv
from faces.geometry import iou
from faces.photos.contents import SAME_BOX
from faces.photos.library import Library, path_of, stored
from faces.photos.records import GROUP, IGNORED, NAMED, NOBODY, POOR
from faces.recognition.gallery import is_nobody
from faces.types import Floats

NAME, SAME, DIFFERENT, NOT, IGNORE = KINDS = ("name", "same", "different", "not", "ignore")
"""Faces are a person; are one person; are another person than other faces; are not a person; are nobody of interest."""

PERSON, REGIONS = "person", "regions"  # sources: who answered; names in the regions of a file
CORRECTIONS = "corrections.csv"
LONGEST_NAME = 255  # bytes, of a folder on most systems
HEADINGS = ("answer", "at", "kind", "name", "source", "undone", "side", "file", "box", "time", "sha256")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said.

    kind: one of ``KINDS``. person: a name, for ``NAME`` and ``NOT``; empty otherwise.
    faces, others: numbers of the faces that are in the library; ``others`` only for ``DIFFERENT``.
    source: ``PERSON`` or ``REGIONS``. undone: whether it was taken back.
    """

    id: int
    at: str
    kind: str
    person: str
    faces: tuple[int, ...]
    others: tuple[int, ...]
    source: str
    undone: bool


def name(library: Library, faces: Sequence[int], person: str, source: str = PERSON) -> int:
    """Say who faces are; return the number of the answer. Raises UsageError for a name that cannot be used.

    faces: numbers. The faces of one picture cannot be one person: of those, the most typical is named.
    person: a name, also that of an enrolled person.
    """
    person = _usable(person)
    number = _add(library, NAME, faces, person=person, source=source)
    with library.write() as database:
        database.execute("INSERT OR IGNORE INTO people (name) VALUES (?)", [person])
        _set(database, faces, NAMED, person)
    return number


def same(library: Library, faces: Sequence[int]) -> int:
    """Say that faces, such as those of two groups, are one person; return the number of the answer.

    Raises UsageError if two of them are in one picture.
    """
    if have_one_picture(library, faces):
        raise UsageError("they are not one person: they have faces in one picture; take those out first")
    return _add(library, SAME, faces)


def have_one_picture(library: Library, faces: Sequence[int]) -> bool:
    """Return whether two of several faces are in one photograph, or in one moment of a film."""
    listed = ",".join(str(int(face)) for face in faces)
    sql = f"SELECT count(*) > count(DISTINCT sha256 || ' ' || COALESCE(time, '')) FROM faces WHERE id IN ({listed})"
    return bool(library.query(sql)[0][0])


def different(library: Library, faces: Sequence[int], others: Sequence[int]) -> int:
    """Say that faces are another person than others, such as the rest of a group; return the number of the answer."""
    number = _add(library, DIFFERENT, faces, others)
    with library.write() as database:
        _set(database, faces, NOBODY, None)
    return number


def not_person(library: Library, faces: Sequence[int], person: str) -> int:
    """Say that faces are not a person; return the number of the answer. Raises UsageError for an unusable name."""
    number = _add(library, NOT, faces, person=_usable(person))
    with library.write() as database:
        _set(database, faces, NOBODY, None)
    return number


def ignore(library: Library, faces: Sequence[int]) -> int:
    """Say that nobody needs to know who faces are; return the number of the answer."""
    number = _add(library, IGNORE, faces)
    with library.write() as database:
        _set(database, faces, IGNORED, None)
    return number


def undo(library: Library, answer: int | None = None) -> Answer:
    """Take back an answer, by default the last one; return it. ``regroup`` then restores what it changed.

    Raises UsageError if there is none, or it is taken back already.
    """
    with library.write() as database:
        sql = "SELECT id FROM answers WHERE undone IS NULL AND {} ORDER BY id DESC LIMIT 1"
        where, values = ("id = ?", [answer]) if answer else ("source = ?", [PERSON])
        rows = database.execute(sql.format(where), values).fetchall()
        if not rows:
            raise UsageError("there is no answer to undo" if answer is None else f"no answer {answer} to undo")
        (said,) = answers(library, rows[0]["id"])
        database.execute("UPDATE answers SET undone = ? WHERE id = ?", (_now(), said.id))
        for status, condition in ((GROUP, "group_id IS NOT NULL"), (NOBODY, "group_id IS NULL")):
            listed = ",".join(map(str, said.faces))
            database.execute(
                f"UPDATE faces SET status = ?, person = NULL WHERE id IN ({listed}) AND status <> ? AND {condition}",
                (status, POOR),
            )
    return said


def name_region(library: Library, path: Path, xyxy: Floats, person: str) -> int | None:
    """Take a name that a file's own region gives as an answer; return the number of the face, None if none is there.

    Names that people gave count more. The same name is not taken twice.
    path: absolute, in the library. xyxy: float32 (4,), px in the upright picture.
    """
    columns = "faces.id, x1, y1, x2, y2"
    rows = library.query(f"SELECT {columns} FROM faces JOIN files USING (sha256) WHERE path = ?", stored(path))
    if not rows:
        return None
    overlap = iou(xyxy, np.array([tuple(row)[1:] for row in rows], np.float32))
    face = int(rows[int(overlap.argmax())][0])
    if overlap.max() < SAME_BOX / 2:  # programs draw boxes of other shapes
        return None
    known = "SELECT 1 FROM answers JOIN answered ON answer = answers.id WHERE face = ? AND kind = ? AND person = ?"
    if not library.query(known, face, NAME, _usable(person)):
        name(library, [face], person, REGIONS)
    return face


def answers(library: Library, number: int | None = None) -> Iterator[Answer]:
    """Yield the answers, in the order in which they were given, or only one of them."""
    condition, values = ("WHERE id = ?", [number]) if number is not None else ("", [])
    rows = library.query(f"SELECT * FROM answers {condition} ORDER BY id", *values)
    condition = condition.replace("id", "answer")
    faces: dict[int, tuple[list[int], list[int]]] = {}
    for row in library.each(f"SELECT answer, side, face FROM answered {condition}", *values):
        if row["face"] is not None:
            faces.setdefault(row["answer"], ([], []))[row["side"]].append(row["face"])
    for row in rows:
        sides = [tuple(side) for side in faces.get(row["id"], ((), ()))]
        person, undone = row["person"] or "", row["undone"] is not None
        yield Answer(row["id"], row["at"], row["kind"], person, sides[0], sides[1], row["source"], undone)


def write_corrections(library: Library) -> Path:
    """Write all answers as a table beside the library, and return its path. Raises FacesError."""
    path = library.path.with_name(CORRECTIONS)
    sql = (
        "SELECT answers.id, at, kind, person, source, undone, side,"
        " (SELECT path FROM files WHERE files.sha256 = answered.sha256 ORDER BY path LIMIT 1) AS path,"
        " x1, y1, x2, y2, time, sha256 FROM answers JOIN answered ON answer = answers.id ORDER BY answers.id, side"
    )
    write_csv(path, HEADINGS, map(_row, library.each(sql)), "surrogateescape")
    return path


def _row(row: sqlite3.Row) -> tuple[object, ...]:
    box = " ".join(str(round(row[name])) for name in ("x1", "y1", "x2", "y2"))
    file = "" if row["path"] is None else str(path_of(row["path"]))
    time = "" if row["time"] is None else f"{row['time']:.2f}"
    said = (row["id"], row["at"], row["kind"], row["person"] or "", row["source"], row["undone"] or "")
    return (*said, row["side"], file, box, time, row["sha256"])


def _add(
    library: Library,
    kind: str,
    faces: Sequence[int],
    others: Sequence[int] = (),
    person: str | None = None,
    source: str = PERSON,
) -> int:
    """Store an answer. Raises UsageError if a face is not in the library."""
    with library.write() as database:
        answer = database.execute(
            "INSERT INTO answers (at, kind, person, source) VALUES (?, ?, ?, ?)", (_now(), kind, person, source)
        ).lastrowid
        for side, numbers in enumerate((faces, others)):
            for face in dict.fromkeys(numbers):
                row = database.execute(
                    "INSERT INTO answered SELECT ?, ?, sha256, x1, y1, x2, y2, time, id FROM faces WHERE id = ?",
                    (answer, side, int(face)),
                )
                if row.rowcount != 1:
                    raise UsageError(f"no face {face} in {library.path}; look again: faces photos list")
    if answer is None or not faces:
        raise UsageError("an answer needs a face")
    return answer


def _set(database: sqlite3.Connection, faces: Sequence[int], status: str, person: str | None) -> None:
    """Show an answer at once; ``regroup`` draws its conclusions for other faces."""
    listed = ",".join(str(int(face)) for face in faces)
    database.execute(
        f"UPDATE faces SET status = ?, person = (SELECT id FROM people WHERE name = ?) WHERE id IN ({listed})",
        (status, person),
    )
    if status == NOBODY:
        database.execute(f"UPDATE faces SET group_id = NULL WHERE id IN ({listed})")


def is_folder_name(person: str) -> bool:
    """Return whether a name can be that of a visible folder, on every system."""
    parts, size = PureWindowsPath(person).parts, len(person.encode("utf-8", "surrogatepass"))
    is_text = all(unicodedata.category(letter) not in ("Cc", "Cs") for letter in person)
    return parts == (person,) and not person.startswith(".") and size <= LONGEST_NAME and is_text


def _usable(person: str) -> str:
    person = " ".join(person.split())
    if is_nobody(person) or not is_folder_name(person):
        shown = person if len(person) <= LONGEST_NAME else f"{person[:20]}..."
        raise UsageError(f"{shown!r} is no name for a person: use letters, no slash, and at most {LONGEST_NAME} bytes")
    return person


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
