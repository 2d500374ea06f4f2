"""The people of the pages: a large person group like any other, but trained as soon as it changes."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from uuid import uuid4

import numpy as np
from sqlalchemy import ColumnElement, func, insert, select
from sqlalchemy.orm import Session

from faces.recognition.gallery import is_nobody
from faces.server import errors
from faces.server.api.inputs import LONGEST_NAME, RECOGNITION_MODELS
from faces.server.errors import ApiError
from faces.server.kinds import LARGE_PERSON_GROUP
from faces.server.people.values import FaceRecord, PersonRecord
from faces.server.search.training import UNDER_WAY
from faces.server.store import collections, persons
from faces.server.store.schema import MODELS, Collection, Face, Origin, Person, Photograph, Property
from faces.types import Fingerprint, Floats

GROUP_ID = "people"


def group(session: Session) -> Collection | None:
    """The group; None while nobody was ever enrolled."""
    try:
        return collections.find(session, LARGE_PERSON_GROUP, GROUP_ID)
    except ApiError:
        return None


def opened(session: Session) -> Collection:
    """The group, made where there is none."""
    if (found := group(session)) is None:
        with suppress(ApiError):  # another server does it, too
            collections.create(session, LARGE_PERSON_GROUP, GROUP_ID, "People", None, RECOGNITION_MODELS[0])
        found = collections.find(session, LARGE_PERSON_GROUP, GROUP_ID)
    return found


def find(session: Session, person_id: str) -> tuple[Collection, Person]:
    """Somebody, and the group. Raises ApiError, 404, where there is nobody."""
    if (found := group(session)) is None:
        raise errors.person_not_found(person_id)
    return found, persons.find(session, found, person_id)


def names(session: Session, only: set[str] | None = None) -> dict[str, str]:
    """Everybody's who has one, by their ids; only: of those who are called so."""
    if (found := group(session)) is None:
        return {}
    known = select(Person.id, Person.name).where(Person.collection_key == found.key, Person.name.is_not(None))
    if only is not None:
        known = known.where(Person.name.in_(only))
    return {id_: name or "" for id_, name in session.execute(known)}


def listed(session: Session) -> list[PersonRecord]:
    """By name: ``Ana 2`` before ``ana 10``."""
    if (found := group(session)) is None:
        return []
    return sorted(_records(session, Person.collection_key == found.key), key=lambda one: natural(one.name))


def record(session: Session, person: Person) -> PersonRecord:
    """Somebody as they are in the database now."""
    (one,) = _records(session, Person.key == person.key)
    return one


def by_name(session: Session, found: Collection) -> dict[str, int]:
    """Everybody's key by ``folded`` name; of several who are called the same the first one's."""
    named = select(Person.name, Person.key).where(Person.collection_key == found.key, Person.name.is_not(None))
    return {folded(str(name)): key for name, key in session.execute(named.order_by(Person.key.desc()))}


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


@dataclass(frozen=True, slots=True)
class NewFace:
    """A face (D,) of somebody. sha256: of its origin. pictures: photograph and cut-out, where they are kept."""

    name: str
    embedding: Floats
    sha256: str
    pictures: tuple[bytes, bytes] | None = None


def called(session: Session, found: Collection, names: Sequence[str]) -> tuple[list[int], int]:
    """The keys of the people of these names, who are made where there are none; and how many were."""
    people = by_name(session, found)
    new = {folded(name): name for name in reversed(names) if folded(name) not in people}
    if new:
        rows = [{"id": str(uuid4()), "collection_key": found.key, "name": name} for name in reversed(new.values())]
        session.execute(insert(Person), rows)
        people = by_name(session, found)
    return [people[folded(name)] for name in names], len(new)


def add(session: Session, found: Collection, new: Sequence[NewFace]) -> tuple[list[int], int]:
    """Add faces, whose keys are returned, to the people of these names; and how many people that made."""
    people, created = called(session, found, [one.name for one in new])
    return add_faces(session, found, people, new) if new else [], created


def add_faces(session: Session, found: Collection, people: Sequence[int], new: Sequence[NewFace]) -> list[int]:
    """Add a face to each of the people of these keys. The keys of the faces."""
    ids = [str(uuid4()) for _ in new]
    session.execute(
        insert(Face),
        [
            {
                "id": id_,
                "collection_key": found.key,
                "person_key": person,
                "embedding": np.asarray(one.embedding, np.float32).tobytes(),
            }
            for id_, person, one in zip(ids, people, new, strict=True)
        ],
    )
    last = select(Face.id, Face.key).where(Face.collection_key == found.key).order_by(Face.key.desc()).limit(len(new))
    key_of = {one.id: one.key for one in session.execute(last)}
    keys = [key_of[id_] for id_ in ids]
    pairs = list(zip(keys, new, strict=True))
    session.execute(insert(Origin), [{"sha256": one.sha256, "face_key": key} for key, one in pairs])
    pictures = [(key, one.pictures) for key, one in pairs if one.pictures]
    if pictures:
        rows = [{"face_key": key, "photograph": photo, "cutout": cutout} for key, (photo, cutout) in pictures]
        session.execute(insert(Photograph), rows)
    searchable(session, found)
    return keys


def checked_name(name: str) -> str:
    """A name as it is kept: composed, without space around it. Raises ApiError, 400, for what is none."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise errors.bad_argument("The name is empty.")
    if is_nobody(name):
        raise errors.bad_argument("That is what strangers are called: give another name.")
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


def _records(session: Session, whom: ColumnElement[bool]) -> list[PersonRecord]:
    """Of people with their faces, in the order of their keys."""
    columns = Person.key, Person.id, Person.name, Face.id.label("face"), Photograph.face_key.label("picture")
    wanted = select(*columns).outerjoin(Face, Face.person_key == Person.key)
    wanted = wanted.outerjoin(Photograph, Photograph.face_key == Face.key).where(whom)
    rows = session.execute(wanted.order_by(Person.key, Face.key))
    records = []
    for _, own in groupby(rows, attrgetter("key")):
        mine = list(own)
        faces = tuple(FaceRecord(one.face, one.picture is not None) for one in mine if one.face)
        records.append(PersonRecord(mine[0].id, mine[0].name or "", faces))
    return records
