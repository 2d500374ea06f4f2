"""Files of a library, what they show, and the faces found in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from faces.geometry import iou
from faces.photos.library import Library, path_of, stored
from faces.photos.records import NOBODY, POOR, Content, Face, FoundFace, PhotoFile
from faces.types import Floats

SAME_BOX = 0.5  # intersection over union: two boxes of one picture are one face
MATCH_TIME = 0.05  # s: two times of a film are the same


FACES = """
SELECT faces.id, files.path, faces.sha256, x1, y1, x2, y2, width, height, contents.taken, score, quality, time, track,
       status, group_id, people.name, likeness, files.modified
FROM faces JOIN contents USING (sha256) JOIN files USING (sha256) LEFT JOIN people ON people.id = faces.person
WHERE {} ORDER BY {}
"""
IN_ORDER = "files.path, time, x1, faces.id"
BEST_FIRST = "quality * COALESCE(likeness, 1) DESC, faces.id, files.path"


def file_of(library: Library, path: Path) -> PhotoFile | None:
    """Return a file; path: absolute. None if it is not in the library."""
    rows = library.query("SELECT * FROM files WHERE path = ?", stored(path))
    return _file(rows[0]) if rows else None


def files(library: Library, state: str | None = None) -> Iterator[PhotoFile]:
    """Yield all files, or those in a state, by path."""
    where = ("WHERE state = ?", state) if state else ("",)
    yield from map(_file, library.each(f"SELECT * FROM files {where[0]} ORDER BY path", *where[1:]))


def faces(
    library: Library,
    *,
    path: Path | None = None,
    group: int | None = None,
    person: str | None = None,
    ids: Sequence[int] | None = None,
    best_first: bool = False,
) -> Iterator[Face]:
    """Yield faces, one for each file that shows it.

    path, group, person, ids: only those of this file (absolute), group, person, or with these numbers.
    best_first: the clearest and most typical faces first; default: by path, time and place.
    """
    conditions: dict[str, object] = {}
    if path is not None:
        conditions["files.path = ?"] = stored(path)
    if group is not None:
        conditions["group_id = ?"] = group
    if person is not None:
        conditions["people.name = ?"] = person
    order = BEST_FIRST if best_first else IN_ORDER
    if ids is not None:
        conditions[f"faces.id IN ({','.join(str(int(number)) for number in ids)})"] = None
    values = [value for condition, value in conditions.items() if "?" in condition]
    yield from map(_face, library.each(FACES.format(" AND ".join(conditions) or "1", order), *values))


def embeddings(library: Library, ids: Sequence[int]) -> Floats:
    """Return the embeddings of faces, float32 (N, D), unit length. Raises KeyError for an unknown number."""
    listed = ",".join(str(int(number)) for number in ids)
    rows = {row[0]: row[1] for row in library.each(f"SELECT id, embedding FROM faces WHERE id IN ({listed})")}
    each = [np.frombuffer(rows[number], np.float32) for number in ids]
    return np.stack(each) if each else np.zeros((0, 0), np.float32)


def store(library: Library, content: Content) -> None:
    """Store what a photograph or film shows, in place of what was stored before.

    A face in the place of an earlier one keeps its number, its group and the answers about it.
    """
    with library.write() as database:
        width, height = content.size
        database.execute(
            "INSERT INTO contents VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET kind = excluded.kind,"
            " width = excluded.width, height = excluded.height, taken = excluded.taken, reason = excluded.reason",
            (content.sha256, content.kind, width, height, content.taken, content.reason),
        )
        known = database.execute("SELECT * FROM faces WHERE sha256 = ?", [content.sha256]).fetchall()
        for found in content.faces:
            values = (*map(float, found.xyxy), found.score, _bytes(found.landmarks), _bytes(found.embedding))
            values += (found.quality, found.time, found.track)
            if (before := _same(known, found.xyxy, found.time)) is not None:
                known.remove(before)
                names = "x1, y1, x2, y2, score, landmarks, embedding, quality, time, track"
                setting = ", ".join(f"{name} = ?" for name in names.split(", "))
                database.execute(f"UPDATE faces SET {setting} WHERE id = ?", (*values, before["id"]))
                continue
            row = database.execute(
                "INSERT INTO faces (sha256, x1, y1, x2, y2, score, landmarks, embedding, quality, time, track, status)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (content.sha256, *values, NOBODY if found.quality else POOR),
            ).lastrowid
            _take_answers(database, content.sha256, found, row)
        database.executemany("DELETE FROM faces WHERE id = ?", [[row["id"]] for row in known])


def rewritten(library: Library, path: Path, sha256: str) -> None:
    """Take over that a file got other bytes but shows the same, as after its metadata were written.

    The faces and the answers stay. If no other file has the former content, it goes.
    path: absolute. sha256: of the new content.
    """
    with library.write() as database:
        before = file_of(library, path)
        status = path.stat()
        if before is None:
            return
        if before.sha256 and before.sha256 != sha256:
            others = database.execute("SELECT count(*) FROM files WHERE sha256 = ?", [before.sha256]).fetchone()[0] - 1
            copy_content(database, before.sha256, sha256, keep=bool(others))
        database.execute(
            "UPDATE files SET size = ?, modified = ?, sha256 = ? WHERE path = ?",
            (status.st_size, status.st_mtime_ns, sha256, stored(path)),
        )


def copy_content(database: sqlite3.Connection, old: str, new: str, keep: bool) -> None:
    """Let a content that shows the same as another have its faces and the answers about them.

    keep: the other content stays, too.
    """
    if database.execute("SELECT 1 FROM contents WHERE sha256 = ?", [new]).fetchone():
        return
    columns = "kind, width, height, taken, reason"
    database.execute(f"INSERT INTO contents SELECT ?, {columns} FROM contents WHERE sha256 = ?", (new, old))
    if not keep:
        database.execute("UPDATE faces SET sha256 = ? WHERE sha256 = ?", (new, old))
        database.execute("UPDATE answered SET sha256 = ? WHERE sha256 = ?", (new, old))
        database.execute("DELETE FROM contents WHERE sha256 = ?", [old])
        return
    columns = "x1, y1, x2, y2, score, landmarks, embedding, quality, time, track, status, group_id, person, likeness"
    for (face,) in database.execute("SELECT id FROM faces WHERE sha256 = ?", [old]).fetchall():
        copy = database.execute(
            f"INSERT INTO faces (sha256, {columns}) SELECT ?, {columns} FROM faces WHERE id = ?", (new, face)
        ).lastrowid
        database.execute(
            "INSERT INTO answered SELECT answer, side, ?, x1, y1, x2, y2, time, ? FROM answered WHERE face = ?",
            (new, copy, face),
        )


def _same(rows: list[sqlite3.Row], xyxy: Floats, time: float | None) -> sqlite3.Row | None:
    """Return the row whose box is the same face, or None."""
    near = [row for row in rows if (row["time"] is None) == (time is None)]
    near = [row for row in near if time is None or abs(row["time"] - time) <= MATCH_TIME]
    if not near:
        return None
    overlap = iou(xyxy, np.array([[row[name] for name in ("x1", "y1", "x2", "y2")] for row in near], np.float32))
    return near[int(overlap.argmax())] if overlap.max() >= SAME_BOX else None


def _take_answers(database: sqlite3.Connection, sha256: str, found: FoundFace, face: int | None) -> None:
    """Give a new face the answers about it from before its row was deleted."""
    rows = database.execute("SELECT rowid, * FROM answered WHERE sha256 = ? AND face IS NULL", [sha256]).fetchall()
    while (row := _same(rows, found.xyxy, found.time)) is not None:
        rows.remove(row)
        database.execute("UPDATE answered SET face = ? WHERE rowid = ?", (face, row["rowid"]))


def _bytes(values: Floats | None) -> bytes | None:
    return None if values is None else np.ascontiguousarray(values, np.float32).tobytes()


def _file(row: sqlite3.Row) -> PhotoFile:
    path = path_of(row["path"])
    return PhotoFile(path, row["size"], row["modified"], row["sha256"] or "", row["state"], row["reason"])


def _face(row: sqlite3.Row) -> Face:
    return Face(
        id=row["id"],
        path=path_of(row["path"]),
        sha256=row["sha256"],
        xyxy=(row["x1"], row["y1"], row["x2"], row["y2"]),
        picture=(row["width"], row["height"]),
        taken=row["taken"] or "",
        score=row["score"],
        quality=row["quality"],
        time=row["time"],
        track=row["track"],
        status=row["status"],
        group=row["group_id"],
        person=row["name"],
        likeness=row["likeness"],
    )
