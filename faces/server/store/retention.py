"""Erasure of faces that are older than ``--retention``."""

from __future__ import annotations

import time

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from faces.server.store import collections
from faces.server.store.schema import Collection, Face, Person, Refusal

DAY = 86_400  # s


def erase_expired(session: Session, days: float) -> int:
    """Erase faces added more than ``days`` days ago, with their photographs, and the persons left without a face.

    Faces that are known not to be a person are erased, too.

    Returns the number of erased faces of persons and in lists.
    """
    session.execute(delete(Refusal).where(Refusal.added < time.time() - days * DAY))
    expired = Face.added < time.time() - days * DAY
    collection_keys = sorted(session.scalars(select(Face.collection_key).where(expired).distinct()))
    for key in collection_keys:  # lock first: a face added meanwhile counts either before or after this
        session.get(Collection, key, with_for_update=True)
    expired &= Face.collection_key.in_(collection_keys)
    faces = session.execute(select(Face.key, Face.collection_key, Face.person_key).where(expired)).all()
    if not faces:
        return 0
    session.execute(delete(Face).where(expired))
    person_keys = {face.person_key for face in faces} - {None}
    with_faces = select(Face.person_key).where(Face.person_key.is_not(None))
    for key in person_keys:
        session.execute(delete(Person).where(Person.key == key, Person.key.not_in(with_faces)))
    for key in {face.collection_key for face in faces}:
        collections.record_change(session.get_one(Collection, key))
    return len(faces)
