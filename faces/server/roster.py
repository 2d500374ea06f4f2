"""The people of the pages: a large person group like any other, but trained as soon as it changes."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import numpy as np
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from faces.server import collections, errors, persons
from faces.server.schema import MODELS
from faces.server.inputs import LONGEST_NAME, RECOGNITION_MODELS
from faces.server.kinds import LARGE_PERSON_GROUP
from faces.server.records import FaceRecord, PersonRecord
from faces.server.schema import Collection, Face, Origin, Person, Photograph, Property
from faces.server.training import UNDER_WAY
from faces.types import Fingerprint, Floats

GROUP_ID = "people"


def group(session: Session) -> Collection | None:
    """The group; None while nobody was ever enrolled."""
    mine = select(Collection).where(Collection.kind == LARGE_PERSON_GROUP.route, Collection.id == GROUP_ID)
    return session.scalar(mine)


def opened(session: Session) -> Collection:
    """The group, made where there is none, held against others who write until the session ends."""
    mine = select(Collection).where(Collection.kind == LARGE_PERSON_GROUP.route, Collection.id == GROUP_ID)
    if (found := session.scalar(mine.with_for_update())) is None:
        try:
            with session.begin_nested():
                collections.create(session, LARGE_PERSON_GROUP, GROUP_ID, "People", None, RECOGNITION_MODELS[0])
        except IntegrityError:  # another server did
            pass
        found = session.scalars(mine.with_for_update()).one()
    return found


def find(session: Session, person_id: str) -> tuple[Collection, Person]:
    """Somebody, and the group. Raises ApiError, 404, where there is nobody."""
    if (found := group(session)) is None:
        raise errors.person_not_found(person_id)
    return found, persons.find(session, found, person_id)


def listed(session: Session) -> list[PersonRecord]:
    """By name: ``Ana 2`` before ``ana 10``."""
    if (found := group(session)) is None:
        return []
    everybody = select(Person).where(Person.collection_key == found.key).options(selectinload(Person.faces))
    people = session.scalars(everybody).all()
    pictured = _pictured(session, Face.collection_key == found.key)
    return sorted((_record(one, pictured) for one in people), key=lambda one: natural(one.name))


def record(session: Session, person: Person) -> PersonRecord:
    """Somebody as they are in the database now."""
    session.flush()
    session.refresh(person)
    return _record(person, _pictured(session, Face.person_key == person.key))


def by_name(session: Session, found: Collection) -> dict[str, Person]:
    """Everybody, by ``folded`` name; of several who are called the same the first."""
    everybody = select(Person).where(Person.collection_key == found.key, Person.name.is_not(None))
    return {folded(str(one.name)): one for one in session.scalars(everybody.order_by(Person.key.desc()))}


def searchable(session: Session, found: Collection) -> None:
    """Let all faces there are count at once."""
    session.flush()
    last = session.scalar(select(func.max(Face.key)).where(Face.collection_key == found.key))
    if last is not None:
        found.trained_to = last
        if found.training_status not in UNDER_WAY:
            found.training_status, found.training_message = "succeeded", None
            found.training_last_action = found.training_last_success = time.time()
            found.training_created = found.training_created or found.training_last_action
    collections.changed(found)  # which lets indexes look again


@dataclass(frozen=True, slots=True)
class NewFace:
    """A face (D,) of somebody. sha256: of its origin. pictures: photograph and cut-out, where they are kept."""

    name: str
    embedding: Floats
    sha256: str
    pictures: tuple[bytes, bytes] | None = None


def called(session: Session, found: Collection, names: Sequence[str]) -> tuple[list[Person], int]:
    """The people of these names, who are made where there are none; and how many were."""
    people = by_name(session, found)
    before = len(people)
    for name in names:
        if folded(name) not in people:
            people[folded(name)] = Person(id=str(uuid4()), collection_key=found.key, name=name)
            session.add(people[folded(name)])
    session.flush()
    return [people[folded(name)] for name in names], len(people) - before


def add(session: Session, found: Collection, new: Sequence[NewFace]) -> tuple[list[Face], int]:
    """Add faces to the people of these names, who are made where there are none; and how many were."""
    people, created = called(session, found, [one.name for one in new])
    return add_faces(session, found, people, new) if new else [], created


def add_faces(session: Session, found: Collection, people: Sequence[Person], new: Sequence[NewFace]) -> list[Face]:
    """Add a face to each of some people."""
    faces = [
        Face(
            id=str(uuid4()),
            collection_key=found.key,
            person_key=person.key,
            embedding=np.asarray(one.embedding, np.float32).tobytes(),
        )
        for person, one in zip(people, new, strict=True)
    ]
    session.add_all(faces)
    session.flush()
    for one, face in zip(new, faces, strict=True):
        session.add(Origin(sha256=one.sha256, face_key=face.key))
        if one.pictures:
            photograph, cutout = one.pictures
            session.add(Photograph(face_key=face.key, photograph=photograph, cutout=cutout))
    searchable(session, found)
    return faces


def checked_name(name: str) -> str:
    """A name as it is kept: composed, without space around it. Raises ApiError, 400, for what is none."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise errors.bad_argument("The name is empty.")
    if len(name) > LONGEST_NAME:
        raise errors.bad_argument(f"The name is too long: at most {LONGEST_NAME} letters.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise errors.bad_argument("The name has letters that cannot be kept.")
    return name


def folded(name: str) -> str:
    """The same for names that differ only in case or Unicode form."""
    return unicodedata.normalize("NFKC", name).casefold()


def natural(name: str) -> list[tuple[int, str]]:
    """What names are sorted by: numbers by their value, letters whatever their case."""
    parts = re.split(r"(\d+)", folded(name))
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def fingerprint(session: Session) -> Fingerprint:
    """Of the models whose embeddings the database holds."""
    return Fingerprint.from_dict(json.loads(session.get_one(Property, MODELS).value))


def dimension(session: Session, otherwise: int | None) -> int | None:
    """How many numbers its embeddings have; ``otherwise`` while there are none."""
    some = session.scalar(select(Face.embedding).limit(1))
    return otherwise if some is None else len(some) // np.dtype(np.float32).itemsize


def _pictured(session: Session, whose: ColumnElement[bool]) -> frozenset[int]:
    """The keys of the faces, of those that are meant, whose pictures are kept."""
    return frozenset(session.scalars(select(Photograph.face_key).join(Face).where(whose)))


def _record(person: Person, pictured: frozenset[int]) -> PersonRecord:
    return PersonRecord(
        person.id, person.name or "", tuple(FaceRecord(face.id, face.key in pictured) for face in person.faces)
    )
