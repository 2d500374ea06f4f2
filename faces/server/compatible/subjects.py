"""The people of the page People by their names, as CompreFace and DeepStack address them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from flask import current_app
from sqlalchemy import select

from faces.recognition.distances import People
from faces.server import errors
from faces.server.api.context import services
from faces.server.people import identification, people_group
from faces.server.people.enrolled_people import COLLECTION, EnrolledPeople
from faces.server.people.values import PersonMatch, PersonRecord
from faces.server.search.confidence import SAME_PERSON
from faces.server.search.index import decode_embeddings
from faces.server.search.refusals import Refusals
from faces.server.store.schema import Face
from faces.server.vision.cutouts import cut_out
from faces.types import Faces, Floats, Image

EXTENSION = "faces.compatible"  # key in ``Flask.extensions``


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """N >= 0 faces of a picture, the largest first.

    image: the picture.
    faces: N faces.
    embeddings: float32 (N, D), unit length.
    """

    image: Image
    faces: Faces
    embeddings: Floats

    def boxes(self) -> list[dict[str, int]]:
        """Return the box of each face as both interfaces write one, clipped to the picture: px."""
        height, width = self.image.shape[:2]
        corners = np.clip(np.round(self.faces.xyxy), 0, [width, height, width, height]).astype(int).tolist()
        return [dict(zip(("x_min", "y_min", "x_max", "y_max"), box, strict=True)) for box in corners]


@dataclass(frozen=True, slots=True)
class NewFace:
    """A face to enrol.

    embedding: float32 (D,), unit length.
    cutout: the face, as JPEG.
    photograph: the image file.
    """

    embedding: Floats
    cutout: bytes
    photograph: bytes


@contextmanager
def find_faces(data: bytes, min_score: float = 0.0, limit: int = 0) -> Iterator[FoundFaces]:
    """Find the faces of a picture, which is in work until the block ends (see ``Vision.open_image``).

    data: the image file.
    min_score: leave out faces with a lower detection score.
    limit: the largest faces only; 0 for all.

    Raises ApiError, 400, if the data is not a picture.
    """
    vision = services().vision
    with vision.open_image(data) as image:
        faces, embeddings = vision.find(image)
        rows = np.flatnonzero(faces.score >= min_score)[: limit or None]
        yield FoundFaces(image, faces[rows], embeddings[rows])


def only_face(data: bytes, min_score: float = 0.0) -> NewFace | None:
    """Return the face of a picture; None if there is none.

    data, min_score: as for ``find_faces``.

    Raises ApiError, 400, if there are several, or if the data is not a picture.
    """
    with find_faces(data, min_score) as found:
        if len(found.faces) > 1:
            raise errors.several_faces()
        if len(found.faces) == 0:
            return None
        return NewFace(found.embeddings[0], cut_out(found.image, found.faces.xyxy[0]), data)


class Subjects:
    """The people, by name. Names that differ in case alone are the same, as on the pages."""

    def __init__(self, people: EnrolledPeople) -> None:
        self.people = people

    def list_all(self) -> list[PersonRecord]:
        """Return the people who have a name, by name."""
        return [person for person in self.people.list_all() if person.name]

    def find(self, name: str) -> PersonRecord | None:
        """Return the person with a name; None if there is none."""
        folded = people_group.fold_name(name.strip())
        return next((person for person in self.list_all() if people_group.fold_name(person.name) == folded), None)

    def owner(self, face_id: str) -> PersonRecord:
        """Return the person whose face this is. Raises ApiError, 404, if there is no such face."""
        for person in self.list_all():
            if any(face.id == face_id.lower() for face in person.faces):
                return person
        raise errors.persisted_face_not_found(face_id)

    def create(self, name: str) -> PersonRecord:
        """Return the person with this name; add a person without a face if there is none.

        Raises ApiError, 400, for an invalid name.
        """
        name = people_group.validate_name(name)
        with services().database.write() as session:
            group = people_group.find_or_create_group(session)
            people_group.find_or_create_people(session, group, [name])
        person = self.find(name)
        assert person is not None
        return person

    def enrol(self, name: str, face: NewFace) -> tuple[bool, PersonRecord]:
        """Enrol a face for the person with this name, or for a new one.

        Returns whether the person is new, and the person. Raises ApiError, 400, for an invalid name.
        """
        return self.people.enrol(name, face.embedding, face.cutout, face.photograph)

    def rename(self, person: PersonRecord, new: str) -> None:
        """Rename a person, or merge the person into the one who has the new name already.

        Raises ApiError, 400, for an invalid name.
        """
        other = self.find(new)
        if other is None or other.id == person.id:
            self.people.rename(person.id, new)
        else:
            self.people.removals.merge(person.id, other.id)

    def remove_faces(self, person: PersonRecord) -> int:
        """Erase the faces of a person, who stays. Returns their number."""
        for face in person.faces:
            self.people.remove_face(person.id, face.id)
        return len(person.faces)

    def candidates(self, embeddings: Floats, number: int) -> list[list[PersonMatch]]:
        """Return the people whom each of N >= 0 faces may be, the most likely first, however unlikely.

        embeddings: float32 (N, D), unit length.
        number: of people for each face, at most.
        """
        own = services()
        found = identification.candidates(own.database, own.indexes, own.confidence, embeddings, number)
        if len(embeddings):
            matches = [match.person_id for face in found for match in face[:1] if match.confidence >= SAME_PERSON]
            own.audit("identify", collection=COLLECTION, faces=str(len(found)), persons=",".join(matches))
        return found

    def similarities(self, face_id: str, embeddings: Floats) -> list[float]:
        """Return the probability that each of N faces is of the same person as an enrolled face.

        embeddings: float32 (N, D), unit length.

        Raises ApiError, 404, if there is no such enrolled face.
        """
        own, person = services(), self.owner(face_id)
        with own.database.read() as session:
            blob = session.scalar(select(Face.embedding).where(Face.id == face_id.lower()))
            if blob is None:
                raise errors.persisted_face_not_found(face_id)
            group, owner = people_group.find_person(session, person.id)
            refused = Refusals.load(session, group, owner).refuse(person.id, embeddings)
        known = People.of(decode_embeddings([blob]), np.zeros(1, np.intp))
        own.audit("verify", collection=COLLECTION, person=person.id, face=face_id.lower())
        pairs = zip(embeddings, refused, strict=True)
        return [0.0 if is_refused else own.confidence.verified(row[None], known) for row, is_refused in pairs]


def subjects() -> Subjects:
    """Return the subjects of the application that handles the current request."""
    installed = current_app.extensions[EXTENSION]
    assert isinstance(installed, Subjects)
    return installed
