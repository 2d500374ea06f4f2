"""What the people of the server and a gallery have in common, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from faces.server.errors import ApiError
from faces.server.people import roster
from faces.server.people.gallery_file import OWN, Row
from faces.server.people.roster import NewFace
from faces.server.people.values import Imported
from faces.server.store import origins
from faces.server.store.origins import Origins
from faces.server.store.schema import Collection, Face, Origin, Person, Photograph


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a gallery's rows. keys: the face of each; None for one that was erased or could not be taken.

    erased: of each, whether the face was erased here.
    """

    imported: Imported
    keys: tuple[int | None, ...]
    erased: tuple[bool, ...]


def take(session: Session, group: Collection, rows: Sequence[Row], farthest: float, again: bool) -> Taken:
    """Add the faces that are not known. again: those, too, that were erased. farthest: see ``Origins``."""
    origins.complete(session, group)
    known = Origins(session, group, farthest)
    keys: list[int | None] = []
    erased, new, places, left_out = [False] * len(rows), [], [], []
    for number, row in enumerate(rows):
        keys.append(known.match(row.sha256, row.name, row.embedding))
        if keys[-1] is not None:
            continue
        if not again and known.erased(row.sha256):
            erased[number] = True
            continue
        try:
            new.append(NewFace(roster.checked_name(row.name), row.embedding, row.sha256))
        except ApiError as error:
            left_out.append((row.path or row.name[:100], error.message))
        else:
            places.append(number)
    faces, people = roster.add(session, group, new)
    for number, key in zip(places, faces, strict=True):
        keys[number] = key
    was = len(rows) - len(new) - len(left_out) - sum(erased)
    return Taken(Imported(people, len(new), was, tuple(left_out)), tuple(keys), tuple(erased))


def together(session: Session, group: Collection, rows: Sequence[Row], taken: Taken) -> list[Row]:
    """The gallery as it should be: its own rows without those erased, by the names of here, then faces of here."""
    own = rows_of(session, group)
    merged = []
    for row, key, erased in zip(rows, taken.keys, taken.erased, strict=True):
        if not erased:
            mine = own.pop(key, None) if key is not None else None
            merged.append(row if mine is None or mine.name == row.name else row._replace(name=mine.name))
    return [*merged, *own.values()]


def rows_of(session: Session, group: Collection) -> dict[int, Row]:
    """Everybody's faces by their keys, as rows of a gallery."""
    origins.complete(session, group)
    wanted = select(
        Face.key, Person.name, Face.id, Face.embedding, Origin.sha256, func.length(Photograph.photograph).label("size")
    )
    wanted = wanted.join(Person, Person.key == Face.person_key).join(Origin, Origin.face_key == Face.key)
    wanted = wanted.outerjoin(Photograph, Photograph.face_key == Face.key).where(Face.collection_key == group.key)
    found = session.execute(wanted.where(Person.name.is_not(None)).order_by(Person.key, Face.key))
    return {
        one.key: Row(
            one.name, np.frombuffer(one.embedding, np.float32), one.sha256, f"{OWN}{one.id}", size=one.size or 0
        )
        for one in found
    }
