"""The names that fields for names suggest."""

from __future__ import annotations

from sqlalchemy import select

from faces.server.api.context import services
from faces.server.people import roster
from faces.server.store.schema import Person

MOST = 1000  # that a browser is given to choose from; every other name can be typed


def known() -> list[str]:
    """Those of people enrolled, in the database's order of the alphabet."""
    with services().database.read() as session:
        if (group := roster.group(session)) is None:
            return []
        names = select(Person.name).where(Person.collection_key == group.key).order_by(Person.name).limit(MOST)
        return [name for name in session.scalars(names) if name]
