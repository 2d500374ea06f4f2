"""Who is near whom, found by PostgreSQL itself with pgvector: nothing of a collection is kept in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Double, func, select
from sqlalchemy.orm import Session

from faces.recognition.thresholds import Crowd
from faces.server.kinds import KINDS
from faces.server.search.index import CROWD, CROWD_FACES, LOOKED_AT, Index
from faces.server.store.schema import Collection, Face
from faces.types import Floats

SMALL = 5_000  # faces
EACH = 4  # faces that are looked at for each person who is wanted, at first


@dataclass(frozen=True, slots=True)
class Stored:
    """A collection in the database, for as long as the session lasts. crowd: as ``Layers.crowd``."""

    session: Session
    collection: Collection
    crowd: Crowd | None = None

    def is_empty(self) -> bool:
        return self.session.scalar(select(Face.key).where(self._searched()).limit(1)) is None

    def nearest(self, probes: Floats, number: int) -> tuple[NDArray[np.str_], Floats]:
        """As ``Index.nearest``: the database says whose faces are near, and what these persons' distances are is
        computed as everywhere."""
        wanted, small = max(2 * number, LOOKED_AT), self._is_small()
        owners = {key for probe in probes for key in self._near(probe, wanted, small)}
        index = Index.load(self.session, self.collection, self.collection.trained_to, owners)
        assert index is not None, "the collection is not empty"
        return index.nearest(probes, number)

    def measured_crowd(self) -> Crowd | None:
        """How far apart the owners are, measured on the first and the last who were added."""
        if not KINDS[self.collection.kind].has_persons:
            return None
        owners: set[int] = set()
        for order in (Face.key, Face.key.desc()):
            wanted = select(Face.person_key).where(self._searched()).order_by(order).limit(CROWD)
            owners |= {key for key in self.session.scalars(wanted) if key is not None}
        index = Index.load(self.session, self.collection, self.collection.trained_to, owners) if owners else None
        return None if index is None else Crowd.of(index.people, CROWD_FACES)

    def _is_small(self) -> bool:
        """Faces that few are compared one by one: an index of all collections' might give up before it finds them."""
        some = select(Face.key).where(self._searched()).limit(SMALL).subquery()
        return (self.session.scalar(select(func.count()).select_from(some)) or 0) < SMALL

    def _near(self, probe: Floats, number: int, exactly: bool) -> list[int]:
        """The owners of the faces that are nearest to a probe (D,): so many, or all."""
        has_persons = KINDS[self.collection.kind].has_persons
        owner = Face.person_key if has_persons else Face.key
        apart: ColumnElement[float] = Face.embedding.op("<->", return_type=Double())(probe.tobytes())
        order = apart + 0.0 if exactly else apart  # PostgreSQL uses no index for a sum
        wanted = select(owner).where(self._searched()).order_by(order)
        limit = number * EACH if has_persons else number
        while True:
            rows = self.session.scalars(wanted.limit(limit)).all()
            found = list(dict.fromkeys(key for key in rows if key is not None))[:number]
            if len(found) == number or (exactly and len(rows) < limit):
                return found
            if len(rows) < limit:
                return self._near(probe, number, True)
            limit *= EACH

    def _searched(self) -> ColumnElement[bool]:
        trained_to, mine = self.collection.trained_to, Face.collection_key == self.collection.key
        return mine if trained_to is None else mine & (Face.key <= trained_to)
