"""The enrolled people in the database: the large person group ``people``, searchable without an explicit training."""

from __future__ import annotations

import json
import time
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from uuid import uuid4

import numpy as np
from natsort import natsorted
from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session

from faces.recognition.gallery import is_nobody
from faces.server import errors
from faces.server.api.inputs import RECOGNITION_MODELS
from faces.server.errors import ApiError
from faces.server.kinds import LARGE_PERSON_GROUP
from faces.server.limits import MAX_NAME
from faces.server.people.values import FaceRecord, PersonRecord
from faces.server.search.training import UNFINISHED
from faces.server.store import collections, persons
from faces.server.store.schema import MODELS_PROPERTY, Collection, Face, Origin, Person, Photograph, Property
from faces.types import Fingerprint, Floats

GROUP_ID = "people"


@dataclass(frozen=True, slots=True)
class NewFace:
    """A face to enrol.

    name: the person's name.
    embedding: float32 (D,), unit length.
    sha256: the face's origin, see ``store.origins``.
    pictures: photograph and cut-out; None if they are not stored.
    """

    name: str
    embedding: Floats
    sha256: str
    pictures: tuple[bytes, bytes] | None = None


def find_group(session: Session) -> Collection | None:
    """Return the group; None before the first enrolment."""
    try:
        return collections.find(session, LARGE_PERSON_GROUP, GROUP_ID)
    except ApiError:
        return None


def find_or_create_group(session: Session) -> Collection:
    """Return the group; create it if it does not exist."""
    if (group := find_group(session)) is None:
        with suppress(ApiError):  # another server created it at the same time
            collections.create(session, LARGE_PERSON_GROUP, GROUP_ID, "People", None, RECOGNITION_MODELS[0])
        group = collections.find(session, LARGE_PERSON_GROUP, GROUP_ID)
    return group


def find_person(session: Session, person_id: str) -> tuple[Collection, Person]:
    """Return the group and a person. Raises ApiError 404 if the person does not exist."""
    if (group := find_group(session)) is None:
        raise errors.person_not_found(person_id)
    return group, persons.find(session, group, person_id)


def names_by_id(session: Session, only: set[str] | None = None) -> dict[str, str]:
    """Return the names of the people who have one, by person id; with ``only``, just the people with these names."""
    if (group := find_group(session)) is None:
        return {}
    query = select(Person.id, Person.name).where(Person.collection_key == group.key, Person.name.is_not(None))
    if only is not None:
        query = query.where(Person.name.in_(only))
    return {person_id: name or "" for person_id, name in session.execute(query)}


def keys_by_name(session: Session, group: Collection) -> dict[str, int]:
    """Return the key of each person by ``fold_name``; if people share a name, the key of the first."""
    query = select(Person.name, Person.key).where(Person.collection_key == group.key, Person.name.is_not(None))
    return {fold_name(str(name)): key for name, key in session.execute(query.order_by(Person.key.desc()))}


def person_records(session: Session) -> list[PersonRecord]:
    """Return all people in natural order of their names: ``Ana 2`` before ``ana 10``."""
    if (group := find_group(session)) is None:
        return []
    records = _records(session, Person.collection_key == group.key)
    return natsorted(records, key=lambda person: fold_name(person.name))


def person_record(session: Session, person: Person) -> PersonRecord:
    """Return a person's current record."""
    return record_of(session, person.key)


def record_of(session: Session, key: int) -> PersonRecord:
    """Return the current record of the person with a key in the database."""
    (record,) = _records(session, Person.key == key)
    return record


def find_or_create_people(session: Session, group: Collection, names: Sequence[str]) -> tuple[list[int], int]:
    """Return the key of the person with each name, and the number of people created for new names."""
    keys = keys_by_name(session, group)
    new = {fold_name(name): name for name in reversed(names) if fold_name(name) not in keys}
    if new:
        rows = [{"id": str(uuid4()), "collection_key": group.key, "name": name} for name in reversed(new.values())]
        session.execute(insert(Person), rows)
        keys = keys_by_name(session, group)
    return [keys[fold_name(name)] for name in names], len(new)


def add_named_faces(session: Session, group: Collection, faces: Sequence[NewFace]) -> tuple[list[int], int]:
    """Add each face to the person with its name; create missing people.

    Returns the keys of the faces, and the number of people created.
    """
    people, created = find_or_create_people(session, group, [face.name for face in faces])
    return add_faces(session, group, people, faces) if faces else [], created


def add_faces(session: Session, group: Collection, people: Sequence[int], faces: Sequence[NewFace]) -> list[int]:
    """Add N faces to N people.

    people: the key of the person that each face belongs to.

    Returns the keys of the faces.
    """
    ids = [str(uuid4()) for _ in faces]
    session.execute(
        insert(Face),
        [
            {
                "id": face_id,
                "collection_key": group.key,
                "person_key": person,
                "embedding": np.asarray(face.embedding, np.float32).tobytes(),
            }
            for face_id, person, face in zip(ids, people, faces, strict=True)
        ],
    )
    newest = select(Face.id, Face.key).where(Face.collection_key == group.key).order_by(Face.key.desc())
    key_of = {row.id: row.key for row in session.execute(newest.limit(len(faces)))}
    keys = [key_of[face_id] for face_id in ids]
    pairs = list(zip(keys, faces, strict=True))
    session.execute(insert(Origin), [{"sha256": face.sha256, "face_key": key} for key, face in pairs])
    pictures = [(key, face.pictures) for key, face in pairs if face.pictures]
    if pictures:
        rows = [{"face_key": key, "photograph": photo, "cutout": cutout} for key, (photo, cutout) in pictures]
        session.execute(insert(Photograph), rows)
    make_searchable(session, group)
    return keys


def make_searchable(session: Session, group: Collection) -> None:
    """Include all faces of the group in searches from now on."""
    session.flush()
    last = session.scalar(select(func.max(Face.key)).where(Face.collection_key == group.key))
    if last is not None:
        group.trained_to = last
        if group.training_status not in UNFINISHED:
            group.training_status, group.training_message = "succeeded", None
            group.training_last_action = group.training_last_success = time.time()
            group.training_created = group.training_created or group.training_last_action


def validate_name(name: str) -> str:
    """Return a name as it is stored: NFC, without surrounding space. Raises ApiError 400 for an invalid name."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise errors.bad_argument("The name is empty.")
    if is_nobody(name):
        raise errors.bad_argument("This name is reserved for unknown people. Enter a different name.")
    if len(name) > MAX_NAME:
        raise errors.bad_argument(f"The name is too long: at most {MAX_NAME} characters.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise errors.bad_argument("The name contains characters that are not allowed.")
    return name


def fold_name(name: str) -> str:
    """Return a key that is equal for names that differ only in case or Unicode form."""
    return unicodedata.normalize("NFKC", name).casefold()


def fingerprint(session: Session) -> Fingerprint:
    """Return the fingerprint of the models that made the embeddings in the database."""
    return Fingerprint.from_dict(json.loads(session.get_one(Property, MODELS_PROPERTY).value))


def dimension(session: Session, default: int | None) -> int | None:
    """Return the dimension of the embeddings in the database; ``default`` if there are none."""
    embedding = session.scalar(select(Face.embedding).limit(1))
    return default if embedding is None else len(embedding) // np.dtype(np.float32).itemsize


def _records(session: Session, condition: ColumnElement[bool]) -> list[PersonRecord]:
    """Return the people who meet the condition, in the order of their keys."""
    columns = Person.key, Person.id, Person.name, Face.id.label("face"), Photograph.face_key.label("picture")
    query = select(*columns).outerjoin(Face, Face.person_key == Person.key)
    query = query.outerjoin(Photograph, Photograph.face_key == Face.key).where(condition)
    rows = session.execute(query.order_by(Person.key, Face.key))
    records = []
    for _, group in groupby(rows, attrgetter("key")):
        person_rows = list(group)
        faces = tuple(FaceRecord(row.face, row.picture is not None) for row in person_rows if row.face)
        records.append(PersonRecord(person_rows[0].id, person_rows[0].name or "", faces))
    return records
