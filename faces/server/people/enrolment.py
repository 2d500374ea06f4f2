"""The people of the pages: enrolled, recognized, renamed, erased, and shared with the scripts."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from sqlalchemy import delete, func, select, update

from faces.server import errors
from faces.server.errors import ApiError
from faces.server.kinds import FACES_OF_A_PERSON, LARGE_PERSON_GROUP
from faces.server.monitoring.audit import Audit, unheard
from faces.server.people import roster
from faces.server.people.dataset_files import Files
from faces.server.people.gallery_file import GalleryFile
from faces.server.people.import_export import Exchange
from faces.server.people.roster import GROUP_ID, NewFace
from faces.server.people.shared_gallery import SharedGallery
from faces.server.people.values import Candidate, Exported, FaceRecord, Imported, PersonRecord, Removal, Shared
from faces.server.search.confidence import SAME, Confidence
from faces.server.search.matching import Indexes
from faces.server.store import collections, origins, retention
from faces.server.store.database import Database
from faces.server.store.schema import Face, Person, Photograph
from faces.server.vision.vision import Vision
from faces.types import Floats, Matches

__all__ = [
    "GROUP_ID",
    "Candidate",
    "Enrolment",
    "Exported",
    "FaceRecord",
    "Imported",
    "PersonRecord",
    "Removal",
    "Shared",
]


COLLECTION = f"{LARGE_PERSON_GROUP.route}/{GROUP_ID}"  # as the audit of the Face API writes it


class Enrolment:
    """The people in the large person group ``people``. May be used from several threads at once.

    keep_photos: whether photographs and cut-outs are kept. gallery: the file that is shared with the scripts.
    dimension: of embeddings, where it is known. audit: is told what is done, by ids. Embeddings are unit length.
    """

    def __init__(
        self,
        database: Database,
        indexes: Indexes,
        confidence: Confidence,
        keep_photos: bool,
        gallery: GalleryFile | None = None,
        dimension: int | None = None,
        audit: Audit = unheard,
    ) -> None:
        self._database, self._indexes, self._confidence = database, indexes, confidence
        self._keep_photos, self._audit = keep_photos, audit
        farthest = confidence.middle
        self._gallery = SharedGallery(database, gallery, farthest, dimension) if gallery else None
        self._exchange = Exchange(database, keep_photos, farthest, dimension, gallery.settings if gallery else "")

    def people(self) -> list[PersonRecord]:
        """Everybody, by name: ``Ana 2`` before ``ana 10``."""
        with self._database.read() as session:
            return roster.listed(session)

    def person(self, person_id: str) -> PersonRecord:
        """Raises ApiError, 404, where there is nobody."""
        with self._database.read() as session:
            return roster.record(session, roster.find(session, person_id)[1])

    def enrol(self, name: str, embedding: Floats, cutout: bytes, photo: bytes) -> tuple[bool, PersonRecord]:
        """Add a face (D,) to whom is called so, in whatever case, or to somebody new (True). It counts at once.

        cutout: JPEG. photo: the file that was uploaded. Raises ApiError, 400, for a name that is none.
        """
        name = roster.checked_name(name)
        with self._database.write() as session:
            group = roster.opened(session)
            (key,), created = roster.called(session, group, [name])
            if (session.scalar(select(func.count()).where(Face.person_key == key)) or 0) >= FACES_OF_A_PERSON:
                raise errors.quota_exceeded("Persisted face")
            person, pictures = session.get_one(Person, key), (photo, cutout) if self._keep_photos else None
            new = NewFace(person.name or "", embedding, origins.digest(photo), pictures)
            roster.add_faces(session, group, [key], [new])
            record = roster.record(session, person)
        self._changed("enrol", person=record.id, face=record.faces[-1].id)
        return created == 1, record

    def rename(self, person_id: str, name: str) -> PersonRecord:
        """Raises ApiError: 404 where there is nobody, 400 for a name that is none, 409 for one that somebody has."""
        name = roster.checked_name(name)
        with self._database.write() as session:
            group, person = roster.find(session, person_id)
            other = roster.by_name(session, group).get(roster.folded(name))
            if other not in (None, person.key):
                raise ApiError(409, "PersonExists", f"There is somebody called {name} already: merge the two.")
            person.name = name
            collections.changed(group, person.key)  # so that the gallery's file follows
            record = roster.record(session, person)
        self._changed("rename", person=record.id)
        return record

    def merge(self, person_id: str, into_id: str) -> PersonRecord:
        """Somebody turns out to be somebody else, who gets their faces. Raises ApiError: 404, 400."""
        with self._database.write() as session:
            group, person = roster.find(session, person_id)
            _, into = roster.find(session, into_id)
            if person.key == into.key:
                raise errors.bad_argument("Somebody cannot be merged with themselves.")
            session.execute(update(Face).where(Face.person_key == person.key).values(person_key=into.key))
            session.delete(person)
            for one in (person, into):
                collections.changed(group, one.key)
            record = roster.record(session, into)
        self._changed("merge", person=record.id, merged=person_id)
        return record

    def remove_person(self, person_id: str) -> Removal:
        """Erase somebody. Raises ApiError, 404, where there is nobody."""
        return self._remove(person_id, None)

    def remove_face(self, person_id: str, face_id: str) -> Removal:
        """Erase a face; with the last one the person stays, by their name. Raises ApiError, 404."""
        return self._remove(person_id, face_id)

    def cutout(self, face_id: str) -> bytes:
        """JPEG. Raises ApiError, 404, where none is kept."""
        wanted = select(Photograph.cutout).join(Face).where(Face.id == face_id.lower())
        with self._database.read() as session:
            group = roster.group(session)
            kept = session.scalar(wanted.where(Face.collection_key == group.key)) if group else None
        if kept is None:
            raise errors.persisted_face_not_found(face_id)
        return kept

    def identify(self, embeddings: Floats) -> list[Candidate | None]:
        """Who N >= 0 faces (N, D) are; None for who is unknown."""
        found: list[Candidate | None] = [None] * len(embeddings)
        with self._database.read() as session:
            group, index = roster.group(session), None
            if group is not None and len(embeddings):
                with suppress(ApiError):  # nobody has a face
                    index = self._indexes.of(session, group)
            if index is None:
                return found
            who, distances = index.nearest(np.asarray(embeddings, np.float32), 1)
            ids = [str(id_) for id_ in who[:, 0]]
            known = session.execute(select(Person.id, Person.name).where(Person.id.in_(set(ids))))
            names = {person.id: person.name or "" for person in known}
        confidences = self._confidence.among(index.crowd).of(distances)[:, 0]
        for number, (id_, confidence) in enumerate(zip(ids, confidences, strict=True)):
            if confidence >= SAME and id_ in names:
                found[number] = Candidate(id_, names[id_], float(confidence))
        persons = ",".join(one.person_id for one in found if one)
        self._audit("identify", collection=COLLECTION, faces=str(len(found)), persons=persons)
        return found

    def named(self, matches: Matches) -> list[Candidate | None]:
        """Who N faces are by a recognizer's word, with the ids of those of them who are enrolled here."""
        with self._database.read() as session:
            ids = {name: id_ for id_, name in roster.names(session, {name for name in matches.names if name}).items()}
        found = [
            None if name is None else Candidate(ids.get(name, ""), name, float(probability))
            for name, probability in zip(matches.names, matches.probability, strict=True)
        ]
        persons = ",".join(one.person_id or "-" for one in found if one)
        self._audit("identify", collection="recognizer", faces=str(len(found)), persons=persons)
        return found

    def import_embeddings(self, path: Path) -> Imported:
        """Add the people of an ``embeddings.pickle``, those that were erased too: it is asked for.

        Raises ApiError, 400, for a file that cannot be taken, which says why.
        """
        return self._imported(self._exchange.take_embeddings(path))

    def import_dataset(self, files: Files, vision: Vision) -> Imported:
        """Add the best face of each photograph that helps, as ``extract_embeddings.py`` chooses them.

        Raises ApiError, 400, for what is no data set.
        """
        return self._imported(self._exchange.take_dataset(files, vision))

    def export_embeddings(self) -> bytes:
        """An ``embeddings.pickle`` of everybody, for the scripts."""
        data, number = self._exchange.embeddings()
        self._audit("export", collection=COLLECTION, faces=str(number))
        return data

    def export_dataset(self, file: IO[bytes]) -> Exported:
        """Write a zip file of ``dataset/NAME/ID.jpg``: the photographs that are kept."""
        exported = self._exchange.dataset(file)
        self._audit("export", collection=COLLECTION, photographs=str(exported.photographs))
        return exported

    def retire(self, days: float) -> Shared:
        """Erase all faces that were added so long ago, those of the Face API's collections, too."""
        with self._database.write() as session:
            number = retention.purge(session, days)
        if number:
            self._audit("erase", faces=str(number), days=f"{days:g}")
        return self.follow()

    def share(self) -> Shared:
        """Bring the gallery's file and the people in step: see ``SharedGallery.share``."""
        return self._noted(self._gallery.share() if self._gallery else Shared())

    def follow(self, erased: list[Floats] | None = None) -> Shared:
        """As ``share``, but raises nothing."""
        return self._noted(self._gallery.follow(erased) if self._gallery else Shared())

    def _noted(self, shared: Shared) -> Shared:
        if shared.faces:
            self._audit("import", collection=COLLECTION, faces=str(shared.faces))
        return shared

    def _remove(self, person_id: str, face_id: str | None) -> Removal:
        with self._database.write() as session:
            group, person = roster.find(session, person_id)
            mine = Face.person_key == person.key
            if face_id is not None:
                mine &= Face.id == face_id.lower()
            gone = [np.frombuffer(blob, np.float32) for blob in session.scalars(select(Face.embedding).where(mine))]
            if face_id is not None and not gone:
                raise errors.persisted_face_not_found(face_id)
            kept = session.scalar(select(func.count()).select_from(Photograph).join(Face).where(mine)) or 0
            name = person.name or ""
            session.execute(delete(Face).where(mine).execution_options(synchronize_session=False))
            if face_id is None:
                session.delete(person)
            collections.changed(group, person.key)
        face = {} if face_id is None else {"face": face_id}
        self._audit("erase", collection=COLLECTION, person=person_id, **face, faces=str(len(gone)))
        shared = self.follow(gone)
        return Removal(name, len(gone), kept, shared.models, shared.dataset, shared.pending)

    def _imported(self, imported: Imported) -> Imported:
        if imported.faces:
            self._changed("import", faces=str(imported.faces), persons=str(imported.people))
        return imported

    def _changed(self, action: str, **what: str) -> None:
        self._audit(action, collection=COLLECTION, **what)
        self.follow()
