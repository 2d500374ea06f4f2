"""Faces that are known not to be a person: who looks more like one of them than like the person is not that person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from faces.server.search.chance import Chance
from faces.server.search.index import Found, Mask, decode_embeddings
from faces.server.search.searchable import Searchable
from faces.server.store.schema import Collection, Face, Person, Refusal
from faces.types import Floats

MOST_EXTRA = 64  # people that are searched in addition, in place of refused ones


@dataclass(frozen=True, slots=True)
class Refusals:
    """The faces that are known not to be some persons.

    of: by person id, the refused faces, float32 (R, D), and the person's own, float32 (F, D); all of unit length.
    """

    of: Mapping[str, tuple[Floats, Floats]]

    @classmethod
    def load(cls, session: Session, collection: Collection, person: Person | None = None) -> Refusals:
        """Load those of the persons of a group, or of one person."""
        query = select(Person.key, Person.id, Refusal.embedding).join(Refusal, Refusal.person_key == Person.key)
        query = query.where(Person.collection_key == collection.key)
        if person is not None:
            query = query.where(Person.key == person.key)
        refused: dict[tuple[int, str], list[bytes]] = {}
        for key, id_, embedding in session.execute(query):
            refused.setdefault((key, id_), []).append(embedding)
        loaded = {}
        for (key, id_), blobs in refused.items():
            faces = session.scalars(select(Face.embedding).where(Face.person_key == key)).all()
            if faces:
                loaded[id_] = decode_embeddings(blobs), decode_embeddings(faces)
        return cls(loaded)

    def refuse(self, person_id: str, probes: Floats) -> Mask:
        """Return which of N probes, float32 (N, D), are nearer to a refused face of a person than to the person's own.

        A face that was enrolled as the person after all is not refused.
        """
        if person_id not in self.of:
            return np.zeros(len(probes), np.bool_)
        refused, own = self.of[person_id]
        return np.asarray(_to_nearest(probes, refused) < _to_nearest(probes, own), np.bool_)


@dataclass(frozen=True, slots=True)
class WithoutRefused:
    """A search that finds nobody as whom a probe was refused.

    searchable: finds the persons.
    refusals: of some of them.
    """

    searchable: Searchable
    refusals: Refusals

    @property
    def chance(self) -> Chance | None:
        """How similar strangers are; None if it is unknown."""
        return self.searchable.chance

    def search(self, probes: Floats, number: int) -> Found:
        """Find the owners whom each probe may be: see ``Index.search``. Others take the place of refused ones.

        Where there are too few others, the last ids are "", at an infinite distance.
        """
        found = self.searchable.search(probes, number + min(len(self.refusals.of), MOST_EXTRA))
        ids, distance = found.ids.copy(), found.distance.copy()
        expected = None if found.expected is None else found.expected.copy()
        for person_id in self.refusals.of:
            refused = (ids == person_id) & self.refusals.refuse(person_id, probes)[:, None]
            ids[refused], distance[refused] = "", np.inf
            if expected is not None:
                expected[refused] = np.inf
        return Found(ids, distance, expected).ordered(number)


def _to_nearest(probes: Floats, faces: Floats) -> Floats:
    """Return the distance of each probe to the nearest face: float32 (N,); exactly 0 for the same embedding."""
    return np.array([np.linalg.norm(faces - probe, axis=1).min() for probe in probes], np.float32)
