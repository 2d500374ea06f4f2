"""Search inside PostgreSQL with pgvector: no index is kept in memory."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Double, func, select
from sqlalchemy.orm import Session

from faces.recognition.impostors import Embedder
from faces.server.kinds import KINDS
from faces.server.search.chance import Chance
from faces.server.search.index import MIN_CANDIDATES, SAMPLE_OWNERS, Found, Index
from faces.server.store.schema import Collection, Face
from faces.types import Floats

EXACT_BELOW = 5_000  # faces: smaller collections are searched without the approximate index
FACES_PER_PERSON = 4  # rows to read for each person wanted, at first


@dataclass(frozen=True, slots=True)
class PgvectorSearch:
    """A collection in the database; valid as long as its session.

    session: reads the database.
    collection: the group or list.
    chance: as in ``Layers``.
    """

    session: Session
    collection: Collection
    chance: Chance | None = None

    def is_empty(self) -> bool:
        """Return whether there is no face to search."""
        return self.session.scalar(select(Face.key).where(self._is_searched()).limit(1)) is None

    def search(self, probes: Floats, number: int) -> Found:
        """Find the owners whom each probe may be, as ``Index.search`` does.

        The database finds the owners of the nearest faces; their distances are computed here.
        """
        candidates, exactly = max(2 * number, MIN_CANDIDATES), self._is_small()
        owners = {key for probe in probes for key in self._nearest_owners(probe, candidates, exactly)}
        index = Index.load(self.session, self.collection, self.collection.trained_to, owners)
        assert index is not None, "the collection is not empty"
        return index.search(probes, number, None, self.chance)

    def measure(self, embedder: Embedder) -> Chance | None:
        """Measure how similar strangers are, on the persons with the first and the last faces."""
        has_persons = KINDS[self.collection.kind].has_persons
        owner = Face.person_key if has_persons else Face.key
        number = self.session.scalar(select(func.count(owner.distinct())).where(self._is_searched())) or 0
        if not has_persons:
            return Chance.without_gallery(number, embedder)
        owners: set[int] = set()
        for order in (Face.key, Face.key.desc()):
            query = select(Face.person_key).where(self._is_searched()).order_by(order).limit(SAMPLE_OWNERS)
            owners |= {key for key in self.session.scalars(query) if key is not None}
        index = Index.load(self.session, self.collection, self.collection.trained_to, owners) if owners else None
        return None if index is None else Chance.among(index.people, number, embedder)

    def _is_small(self) -> bool:
        """Return whether to compare with every face: an index over all collections could miss those of a small one."""
        faces = select(Face.key).where(self._is_searched()).limit(EXACT_BELOW).subquery()
        return (self.session.scalar(select(func.count()).select_from(faces)) or 0) < EXACT_BELOW

    def _nearest_owners(self, probe: Floats, number: int, exactly: bool) -> list[int]:
        """Return the keys of the owners of the faces nearest to a probe (D,): ``number`` of them, or all."""
        has_persons = KINDS[self.collection.kind].has_persons
        owner = Face.person_key if has_persons else Face.key
        distance: ColumnElement[float] = Face.embedding.op("<->", return_type=Double())(probe.tobytes())
        order = distance + 0.0 if exactly else distance  # PostgreSQL uses no index for a sum
        query = select(owner).where(self._is_searched()).order_by(order)
        limit = number * FACES_PER_PERSON if has_persons else number
        while True:
            rows = self.session.scalars(query.limit(limit)).all()
            owners = list(dict.fromkeys(key for key in rows if key is not None))[:number]
            if len(owners) == number or (exactly and len(rows) < limit):
                return owners
            if len(rows) < limit:
                return self._nearest_owners(probe, number, True)
            limit *= FACES_PER_PERSON

    def _is_searched(self) -> ColumnElement[bool]:
        trained_to, in_collection = self.collection.trained_to, Face.collection_key == self.collection.key
        return in_collection if trained_to is None else in_collection & (Face.key <= trained_to)
