"""Move a database to other models: embed the faces again whose photographs are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from faces.datasets import Dataset
from faces.errors import FacesError, ImageError
from faces.images import decode_image
from faces.pipeline import Pipeline
from faces.server.store import collections, origins
from faces.server.store.database import Database
from faces.server.store.schema import (
    MODELS_PROPERTY,
    Collection,
    DetectedFace,
    Face,
    Origin,
    Person,
    Photograph,
    Property,
    Refusal,
)
from faces.types import Fingerprint, Floats

NOT_KEPT = "its photograph was not kept"
NO_FACE = "no face is found in its photograph"

Progress = Callable[[int, int], object]
"""Called with the number of faces done and their total."""


@dataclass(frozen=True, slots=True)
class StayingFace:
    """A face that cannot be moved.

    owner: the person's name, or the kind and id of the collection and the face's id.
    """

    key: int
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class Move:
    """The new embeddings of a database's faces.

    embeddings: by the keys of the faces: float32 (D,), unit length.
    staying: the faces that cannot be moved.
    """

    embeddings: Mapping[int, Floats]
    staying: tuple[StayingFace, ...]

    def apply(self, database: Database, fingerprint: Fingerprint) -> None:
        """Replace the embeddings, and erase the faces that cannot be moved; their people stay.

        fingerprint: of the new models.
        Raises FacesError if the faces changed meanwhile.
        """
        erased = [face.key for face in self.staying]
        with database.write() as session:
            if set(session.scalars(select(Face.key))) != {*self.embeddings, *erased}:
                raise FacesError(f"the faces in {database.name} changed meanwhile; stop its servers and run this again")
            for key, embedding in self.embeddings.items():
                session.execute(update(Face).where(Face.key == key).values(embedding=embedding.tobytes()))
            for key in erased:
                session.execute(delete(Origin).where(Origin.face_key == key))  # so that it can be imported again
                session.execute(delete(Face).where(Face.key == key))
            session.execute(delete(DetectedFace))
            session.execute(delete(Refusal))  # which are of the old models
            models = session.get_one(Property, MODELS_PROPERTY)
            models.value = json.dumps(fingerprint.to_dict())
            for collection in session.scalars(select(Collection)):
                collections.record_change(collection)


def prepare(database: Database, pipeline: Pipeline, dataset: Dataset | None, progress: Progress) -> Move:
    """Embed the faces of a database again; the database is not changed.

    pipeline: the new models.
    dataset: photographs that were enrolled, recognized by their content; beside those in the database.
    """
    files = {} if dataset is None else _by_content(dataset)
    embeddings: dict[int, Floats] = {}
    staying = []
    with database.read() as session:
        keys = session.scalars(select(Face.key).order_by(Face.key)).all()
    for number, key in enumerate(keys):
        progress(number, len(keys))
        with database.read() as session:
            embedding = _embedding(session, key, pipeline, files)
            if isinstance(embedding, str):
                staying.append(StayingFace(key, _owner(session, key), embedding))
            else:
                embeddings[key] = embedding
    progress(len(keys), len(keys))
    return Move(embeddings, tuple(staying))


def _by_content(dataset: Dataset) -> dict[str, Callable[[], bytes]]:
    """Return a function that reads each photograph, by the SHA-256 of the photographs."""

    def reader(path: str) -> Callable[[], bytes]:
        return lambda: dataset.read(path)

    paths = [photograph.path for photograph in dataset.listing()[1]]
    return {origins.digest(read()): read for read in map(reader, paths)}


def _embedding(
    session: Session, key: int, pipeline: Pipeline, files: Mapping[str, Callable[[], bytes]]
) -> Floats | str:
    """Return the new embedding of a face, or why there is none."""
    query = select(Photograph.photograph, Photograph.cutout).where(Photograph.face_key == key)
    if kept := session.execute(query).one_or_none():
        return _from_cutout(kept.photograph, kept.cutout, pipeline)
    sha256 = session.scalar(select(Origin.sha256).where(Origin.face_key == key))
    if sha256 is None or sha256 not in files:
        return NOT_KEPT
    (enrolment,) = pipeline.enrol([files[sha256]()], check_quality=False)
    return NO_FACE if enrolment.embedding is None else enrolment.embedding


def _from_cutout(photograph: bytes, cutout: bytes, pipeline: Pipeline) -> Floats | str:
    """Return the embedding of the face in a photograph that a cut-out shows, or why there is none."""
    try:
        image = decode_image(photograph)
    except ImageError as error:
        return f"its photograph is unreadable: {error}"
    _, embeddings = pipeline.find(image)
    (shown,) = pipeline.enrol([cutout], check_quality=False)
    if len(embeddings) > 1 and shown.embedding is not None:
        return np.asarray(embeddings[int(np.argmax(embeddings @ shown.embedding))], np.float32)
    if len(embeddings) == 1:
        return np.asarray(embeddings[0], np.float32)
    return NO_FACE if shown.embedding is None else shown.embedding


def _owner(session: Session, key: int) -> str:
    face = session.get_one(Face, key)
    person = None if face.person_key is None else session.get_one(Person, face.person_key)
    if person is not None and person.name:
        return person.name
    collection = session.get_one(Collection, face.collection_key)
    return f"{collection.kind}/{collection.id}, face {face.id}"
