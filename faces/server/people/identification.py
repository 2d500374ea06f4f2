"""Identify faces among the enrolled people."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from sqlalchemy import select

from faces.recognition.assignment import NEAREST
from faces.server.errors import ApiError
from faces.server.people import people_group
from faces.server.people.values import Doubt, PersonMatch
from faces.server.search.confidence import SAME_PERSON, Array, Confidence
from faces.server.search.index import Found
from faces.server.search.matching import Indexes, faces_of, one_each
from faces.server.search.refusals import Refusals
from faces.server.store.database import Database
from faces.server.store.schema import Person
from faces.types import Floats, Matches


def identify(
    database: Database,
    indexes: Indexes,
    confidence: Confidence,
    embeddings: Floats,
    exclusive: bool = False,
) -> list[PersonMatch | None] | None:
    """Identify N >= 0 probes as the most likely enrolled person.

    embeddings: float32 (N, D), unit length.
    exclusive: identify no two probes as the same person: for the faces of one picture.

    Returns a match for each probe, None for unknown; or None if there are no probes or no enrolled faces.
    """
    number = NEAREST if exclusive and len(embeddings) > 1 else 1
    if (result := _search(database, indexes, confidence, embeddings, number)) is None:
        return None
    found, values, names = result
    column = one_each(found.ids, values, SAME_PERSON) if number > 1 else np.zeros(len(values), np.intp)
    rows = np.arange(len(values))
    ids = [str(person_id) for person_id in found.ids[rows, column]]
    confidences = np.where(column < 0, 0, values[rows, column])
    return [
        PersonMatch(person_id, names[person_id], float(value)) if value >= SAME_PERSON and person_id in names else None
        for person_id, value in zip(ids, confidences, strict=True)
    ]


def candidates(
    database: Database, indexes: Indexes, confidence: Confidence, embeddings: Floats, number: int
) -> list[list[PersonMatch]]:
    """Return the enrolled people whom each of N >= 0 probes may be, the most likely first, however unlikely.

    embeddings: float32 (N, D), unit length.
    number: of people for each probe, at most.
    """
    if (result := _search(database, indexes, confidence, embeddings, number)) is None:
        return [[] for _ in embeddings]
    found, values, names = result
    return [
        [PersonMatch(str(id_), names[id_], float(value)) for id_, value in zip(ids, row, strict=True) if names.get(id_)]
        for ids, row in zip(found.ids, values, strict=True)
    ]


def doubt(database: Database, indexes: Indexes, confidence: Confidence, name: str, embedding: Floats) -> Doubt | None:
    """Return why a face may not be the person as whom it is to be enrolled; None if nothing speaks against it.

    name: of the person, known or new.
    embedding: float32 (D,), unit length.
    """
    probe = np.asarray(embedding, np.float32)[None]
    (match,) = identify(database, indexes, confidence, probe) or [None]
    if match is not None:
        is_named = people_group.fold_name(match.name) == people_group.fold_name(name.strip())
        return None if is_named else Doubt(match)
    with database.read() as session, suppress(ApiError):  # nobody is enrolled, or this person has no face
        if (group := people_group.find_group(session)) is None:
            return None
        key = people_group.keys_by_name(session, group).get(people_group.fold_name(name.strip()))
        if key is not None and (index := indexes.of(session, group)) is not None:
            others = faces_of(session, session.get_one(Person, key))
            return Doubt(None) if confidence.verified(probe, others, index.chance) < SAME_PERSON else None
    return None


def with_person_ids(database: Database, matches: Matches, embeddings: Floats) -> list[PersonMatch | None]:
    """Return a recognizer's matches, with the ids of the people who are enrolled here; None for unknown or refused.

    embeddings: float32 (N, D), unit length, of the N faces.
    """
    with database.read() as session:
        names = people_group.names_by_id(session, {name for name in matches.names if name})
        group = people_group.find_group(session)
        refusals = Refusals({}) if group is None else Refusals.load(session, group)
    ids = {name: person_id for person_id, name in names.items()}
    return [
        PersonMatch(ids.get(name, ""), name, float(probability))
        if name is not None and not refusals.refuse(ids.get(name, ""), embedding[None])[0]
        else None
        for name, probability, embedding in zip(matches.names, matches.probability, embeddings, strict=True)
    ]


def _search(
    database: Database, indexes: Indexes, confidence: Confidence, embeddings: Floats, number: int
) -> tuple[Found, Array, dict[str, str]] | None:
    """Return whom each probe may be, with which confidence, and the names by person id; None if there is nobody."""
    with database.read() as session:
        group, index = people_group.find_group(session), None
        if group is not None and len(embeddings):
            with suppress(ApiError):  # it is not trained
                index = indexes.of(session, group)
        if index is None:
            return None
        found = index.search(np.asarray(embeddings, np.float32), number)
        people = session.execute(select(Person.id, Person.name).where(Person.id.in_(set(found.ids.ravel().tolist()))))
        names = {person.id: person.name or "" for person in people}
    return found, confidence.of(found.distance, found.expected), names
