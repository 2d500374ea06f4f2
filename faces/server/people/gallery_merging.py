"""Compare and merge the enrolled people with a gallery, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from faces.recognition.gallery import SERVER_PATH
from faces.server.errors import ApiError
from faces.server.people import people_group
from faces.server.people.gallery_file import GalleryRow
from faces.server.people.people_group import NewFace
from faces.server.people.values import ImportResult
from faces.server.store import origins
from faces.server.store.origins import Origins
from faces.server.store.schema import Collection, Face, Origin, Person, Photograph


@dataclass(frozen=True, slots=True)
class MatchedRows:
    """The rows of a gallery, matched with the database.

    result: number of people and faces added, and the rows left out.
    keys: the key of each row's face; None for a row that was erased or left out.
    erased: whether each row's face was erased from the database.
    """

    result: ImportResult
    keys: tuple[int | None, ...]
    erased: tuple[bool, ...]


def add_missing(
    session: Session,
    group: Collection,
    rows: Sequence[GalleryRow],
    farthest: float,
    restore_erased: bool,
) -> MatchedRows:
    """Add the faces of a gallery that are not enrolled.

    rows: the gallery's rows.
    farthest: see ``Origins``.
    restore_erased: whether to add faces that were erased from the database.
    """
    origins.record_missing(session, group)
    known = Origins(session, group, farthest)
    # First with the same name: of a photograph under two names, of which one was erased, the other stays what it is.
    keys = [known.match(row.sha256, row.name, row.embedding, same_name=True) for row in rows]
    erased, new, places, left_out = [False] * len(rows), [], [], []
    for number, row in enumerate(rows):
        if keys[number] is None:
            keys[number] = known.match(row.sha256, row.name, row.embedding)
        if keys[number] is not None:
            continue
        if not restore_erased and known.erased(row.sha256):
            erased[number] = True
            continue
        try:
            new.append(NewFace(people_group.validate_name(row.name), row.embedding, row.sha256))
        except ApiError as error:
            left_out.append((row.path or row.name[:100], error.message))
        else:
            places.append(number)
    face_keys, people = people_group.add_named_faces(session, group, new)
    for number, key in zip(places, face_keys, strict=True):
        keys[number] = key
    already_enrolled = len(rows) - len(new) - len(left_out) - sum(erased)
    result = ImportResult(people, len(new), already_enrolled, tuple(left_out))
    return MatchedRows(result, tuple(keys), tuple(erased))


def merge(
    session: Session,
    group: Collection,
    rows: Sequence[GalleryRow],
    matched: MatchedRows,
) -> list[GalleryRow]:
    """Return the rows of the updated gallery.

    First the gallery's rows without erased faces, with the names from the database; then the faces that are only in
    the database.
    """
    enrolled = enrolled_rows(session, group)
    merged = []
    for row, key, erased in zip(rows, matched.keys, matched.erased, strict=True):
        if not erased:
            face = enrolled.pop(key, None) if key is not None else None
            merged.append(row if face is None or face.name == row.name else row._replace(name=face.name))
    return [*merged, *enrolled.values()]


def enrolled_rows(session: Session, group: Collection) -> dict[int, GalleryRow]:
    """Return all faces of people with a name as gallery rows, by face key."""
    origins.record_missing(session, group)
    size = func.length(Photograph.photograph).label("size")
    query = select(Face.key, Person.name, Face.id, Face.embedding, Origin.sha256, size)
    query = query.join(Person, Person.key == Face.person_key).join(Origin, Origin.face_key == Face.key)
    query = query.outerjoin(Photograph, Photograph.face_key == Face.key).where(Face.collection_key == group.key)
    faces = session.execute(query.where(Person.name.is_not(None)).order_by(Person.key, Face.key))
    return {
        face.key: GalleryRow(
            face.name,
            np.frombuffer(face.embedding, np.float32),
            face.sha256,
            f"{SERVER_PATH}{face.id}",
            size=face.size or 0,
        )
        for face in faces
    }
