"""What goes if a person or a face is erased, and where else the person is: shown before it happens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from faces.server import errors
from faces.server.errors import ApiError
from faces.server.kinds import KINDS
from faces.server.people import people_group
from faces.server.people.recognizer_erasure import recognizers_with
from faces.server.people.values import OtherGroup, RemovalPreview
from faces.server.search.confidence import SAME_PERSON, Confidence
from faces.server.search.index import Index, Layers, decode_embeddings
from faces.server.search.matching import Indexes
from faces.server.search.searchable import Searchable
from faces.server.store.database import Database
from faces.server.store.schema import REMOVED, Collection, Face, Origin, Person
from faces.types import Floats

MAX_PROBES = 16  # faces of the person that are searched in other groups
MAX_MATCHES = 20  # in each group


def preview(
    database: Database,
    indexes: Indexes,
    confidence: Confidence,
    gallery: Path | None,
    person_id: str,
    face_id: str | None = None,
) -> RemovalPreview:
    """Return what goes if a person, or only one face, is erased, and where else the person is.

    gallery: the file that is shared with the scripts; the recognizers beside it go.

    Raises ApiError 404 if the person or the face does not exist.
    """
    with database.read() as session:
        _, person = people_group.find_person(session, person_id)
        condition = Face.person_key == person.key
        if face_id is not None:
            condition &= Face.id == face_id.lower()
        blobs = session.scalars(select(Face.embedding).where(condition).order_by(Face.key)).all()
        if face_id is not None and not blobs:
            raise errors.persisted_face_not_found(face_id)
        embeddings = decode_embeddings(blobs) if blobs else np.empty((0, 0), np.float32)
        same, fingerprint = _same_photographs(session, person, condition), people_group.fingerprint(session)
        groups = []
        for collection in session.scalars(select(Collection).order_by(Collection.kind, Collection.id)):
            if collection.key != person.collection_key and collection.kind != REMOVED:
                groups.append(_in_collection(session, indexes, confidence, collection, person, embeddings))
    models = recognizers_with(gallery.parent, embeddings, fingerprint) if gallery else ()
    return RemovalPreview(models, same, tuple(group for group in groups if group.names or group.faces))


def _same_photographs(session: Session, person: Person, condition: ColumnElement[bool]) -> tuple[tuple[str, str], ...]:
    photographs = select(Origin.sha256).join(Face, Face.key == Origin.face_key).where(condition)
    query = select(Person.id, Person.name).distinct().join(Face, Face.person_key == Person.key)
    query = query.join(Origin, Origin.face_key == Face.key).where(Origin.sha256.in_(photographs))
    query = query.where(Person.collection_key == person.collection_key)  # not those who were removed
    rows = session.execute(query.where(Person.key != person.key).order_by(Person.name))
    return tuple((row.id, row.name or "") for row in rows)


def _in_collection(
    session: Session,
    indexes: Indexes,
    confidence: Confidence,
    collection: Collection,
    person: Person,
    embeddings: Floats,
) -> OtherGroup:
    """Return who of a collection looks like a person or has the person's name; in a list, how many faces do."""
    kind, ids = KINDS[collection.kind], set[str]()
    searchable = _searchable(session, indexes, confidence, collection) if len(embeddings) else None
    if searchable is not None:
        found = searchable.search(embeddings[:MAX_PROBES], MAX_MATCHES)
        ids = set(found.ids[confidence.of(found.distance, found.expected) >= SAME_PERSON].tolist())
    where = f"{collection.kind}/{collection.id}"
    if not kind.has_persons:
        return OtherGroup(where, faces=len(ids))
    is_same: ColumnElement[bool] = Person.id.in_(ids)
    if person.name:
        is_same |= func.lower(Person.name) == person.name.lower()
    names = session.scalars(select(Person.name).where(Person.collection_key == collection.key, is_same))
    return OtherGroup(where, tuple(sorted(name or "" for name in names)))


def _searchable(
    session: Session, indexes: Indexes, confidence: Confidence, collection: Collection
) -> Searchable | None:
    """Return the faces of a collection, also of one that is not trained; None if there are none."""
    try:
        return indexes.of(session, collection)
    except ApiError:
        index = Index.load(session, collection, None)
        has_persons = KINDS[collection.kind].has_persons
        return None if index is None else Layers.of(index, confidence.embedder, has_persons)
