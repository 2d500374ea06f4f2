"""``--retention``: nobody's face is kept for longer."""

from __future__ import annotations

import time

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from faces.server.store import collections
from faces.server.store.schema import Collection, Face, Person

DAY = 86_400  # s


def purge(session: Session, days: float) -> int:
    """Erase the faces that were added so long ago, with their photographs, and persons who have none left by that.

    How many faces these were.
    """
    old = Face.added < time.time() - days * DAY
    held = sorted(session.scalars(select(Face.collection_key).where(old).distinct()))
    for key in held:  # before anything is looked at: who adds a face to somebody meanwhile comes before or after
        session.get(Collection, key, with_for_update=True)
    old &= Face.collection_key.in_(held)
    found = session.execute(select(Face.key, Face.collection_key, Face.person_key).where(old)).all()
    if not found:
        return 0
    session.execute(delete(Face).where(old))
    people = {one.person_key for one in found} - {None}
    left = select(Face.person_key).where(Face.person_key.is_not(None))
    for key in people:
        session.execute(delete(Person).where(Person.key == key, Person.key.not_in(left)))
    for key in {one.collection_key for one in found}:
        collections.changed(session.get_one(Collection, key))
    return len(found)
