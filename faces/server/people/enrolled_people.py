"""The enrolled people: enrol, identify, rename, merge, erase, import and export."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from sqlalchemy import ColumnElement, delete, func, select

from faces.server import errors
from faces.server.errors import ApiError
from faces.server.kinds import LARGE_PERSON_GROUP
from faces.server.limits import MAX_FACES_OF_A_PERSON
from faces.server.monitoring.audit import Audit, no_audit
from faces.server.people import identification, people_group
from faces.server.people.corrections import Corrections
from faces.server.people.dataset_files import Files
from faces.server.people.gallery_file import GalleryFile
from faces.server.people.import_export import ImportExport
from faces.server.people.people_group import GROUP_ID, NewFace
from faces.server.people.removals import Removals
from faces.server.people.shared_gallery import SharedGallery
from faces.server.people.values import ExportResult, ImportResult, PersonMatch, PersonRecord, Removal, SyncResult
from faces.server.search.confidence import Confidence
from faces.server.search.matching import Indexes
from faces.server.store import collections, origins, persons, retention
from faces.server.store.database import Database
from faces.server.store.schema import Face, Person, Photograph, Refusal
from faces.server.vision.vision import Vision
from faces.types import Floats, Matches

COLLECTION = f"{LARGE_PERSON_GROUP.route}/{GROUP_ID}"  # as the audit log of the Face API writes it


class EnrolledPeople:
    """The people in the large person group ``people``. Thread-safe.

    keep_photos: whether photographs and cut-outs are stored.
    gallery: the gallery file shared with the scripts.
    dimension: of the embeddings; None if unknown.
    audit: receives each action, with ids only.
    """

    def __init__(
        self,
        database: Database,
        indexes: Indexes,
        confidence: Confidence,
        keep_photos: bool,
        gallery: GalleryFile | None = None,
        dimension: int | None = None,
        audit: Audit = no_audit,
    ) -> None:
        self._database, self._indexes, self._confidence = database, indexes, confidence
        self._keep_photos, self._audit = keep_photos, audit
        self.gallery_path = gallery.path if gallery else None
        farthest = confidence.middle
        settings = gallery.settings if gallery else ""
        self._gallery = SharedGallery(database, gallery, farthest, dimension) if gallery else None
        self.corrections = Corrections(database, self._changed)
        self.removals = Removals(database, audit, self.try_synchronize)
        self._files = ImportExport(database, keep_photos, farthest, dimension, settings)

    def list_all(self) -> list[PersonRecord]:
        """Return all people in natural order of their names: ``Ana 2`` before ``ana 10``."""
        with self._database.read() as session:
            return people_group.person_records(session)

    def person(self, person_id: str) -> PersonRecord:
        """Return a person. Raises ApiError 404 if the person does not exist."""
        with self._database.read() as session:
            return people_group.person_record(session, people_group.find_person(session, person_id)[1])

    def enrol(self, name: str, embedding: Floats, cutout: bytes, photo: bytes) -> tuple[bool, PersonRecord]:
        """Add a face to the person with this name (case-insensitive), or to a new person.

        embedding: float32 (D,), unit length.
        cutout: JPEG.
        photo: the uploaded file.

        Returns whether the person is new, and the person. Raises ApiError 400 for an invalid name, 403 if the person
        has too many faces.
        """
        name = people_group.validate_name(name)
        with self._database.write() as session:
            group = people_group.find_or_create_group(session)
            (key,), created = people_group.find_or_create_people(session, group, [name])
            if (session.scalar(select(func.count()).where(Face.person_key == key)) or 0) >= MAX_FACES_OF_A_PERSON:
                raise errors.quota_exceeded("Persisted face")
            person, pictures = session.get_one(Person, key), (photo, cutout) if self._keep_photos else None
            face = NewFace(person.name or "", embedding, origins.digest(photo), pictures)
            people_group.add_faces(session, group, [key], [face])
            record = people_group.person_record(session, person)
        self._changed("enrol", person=record.id, face=record.faces[-1].id)
        return created == 1, record

    def rename(self, person_id: str, name: str) -> PersonRecord:
        """Rename a person.

        Raises ApiError 404 if the person does not exist, 400 for an invalid name, 409 if another person has the name.
        """
        name = people_group.validate_name(name)
        with self._database.write() as session:
            group, person = people_group.find_person(session, person_id)
            other = people_group.keys_by_name(session, group).get(people_group.fold_name(name))
            if other not in (None, person.key):
                raise ApiError(409, "PersonExists", f"A person named {name} already exists. Merge the two people.")
            person.name = name
            collections.record_change(group, person.key)  # so that the gallery file is updated
            record = people_group.person_record(session, person)
        self._changed("rename", person=record.id)
        return record

    def remove_person(self, person_id: str) -> Removal:
        """Erase a person at once (see ``removals`` for a grace). Raises ApiError 404 if the person does not exist."""
        return self._remove(person_id, None)

    def remove_face(self, person_id: str, face_id: str) -> Removal:
        """Erase a face at once; the person stays even without a face. Raises ApiError 404 if there is no such face."""
        return self._remove(person_id, face_id)

    def cutout(self, face_id: str) -> bytes:
        """Return the cut-out of a face as a JPEG. Raises ApiError 404 if none is stored."""
        query = select(Photograph.cutout).join(Face).where(Face.id == face_id.lower())
        with self._database.read() as session:
            group = people_group.find_group(session)
            cutout = session.scalar(query.where(Face.collection_key == group.key)) if group else None
        if cutout is None:
            raise errors.persisted_face_not_found(face_id)
        return cutout

    def identify(self, embeddings: Floats, exclusive: bool = False) -> list[PersonMatch | None]:
        """Identify N >= 0 probes among the enrolled people; None for unknown.

        embeddings: float32 (N, D), unit length.
        exclusive: identify no two probes as the same person.
        """
        matches = identification.identify(self._database, self._indexes, self._confidence, embeddings, exclusive)
        if matches is None:
            return [None] * len(embeddings)
        persons = ",".join(match.person_id for match in matches if match)
        self._audit("identify", collection=COLLECTION, faces=str(len(matches)), persons=persons)
        return matches

    def with_person_ids(self, matches: Matches, embeddings: Floats) -> list[PersonMatch | None]:
        """Return a recognizer's matches of N faces, with the ids of the people who are enrolled here."""
        people = identification.with_person_ids(self._database, matches, embeddings)
        persons = ",".join(match.person_id or "-" for match in people if match)
        self._audit("identify", collection="recognizer", faces=str(len(people)), persons=persons)
        return people

    def import_embeddings(self, path: Path) -> ImportResult:
        """Add the people of an ``embeddings.pickle``, including faces that were erased before.

        Raises ApiError 400 with the reason if the file cannot be imported.
        """
        return self._imported(self._files.import_embeddings(path))

    def import_dataset(self, files: Files, vision: Vision) -> ImportResult:
        """Add the main face of each usable photograph.

        Of several faces about as large it is the one on the person's other photographs among those that are read with
        it; if these do not tell, the photograph is left out.

        Raises ApiError 400 with the reason if the files are not a data set.
        """
        return self._imported(self._files.import_dataset(files, vision))

    def export_embeddings(self) -> bytes:
        """Return an ``embeddings.pickle`` of all people."""
        data, number = self._files.export_embeddings()
        self._audit("export", collection=COLLECTION, faces=str(number))
        return data

    def export_dataset(self, file: IO[bytes]) -> ExportResult:
        """Write the stored photographs to a zip file, as ``dataset/NAME/ID.jpg``."""
        exported = self._files.export_dataset(file)
        self._audit("export", collection=COLLECTION, photographs=str(exported.photographs))
        return exported

    def erase_older(self, days: float) -> SyncResult:
        """Erase all faces added more than ``days`` days ago, including those in collections of the Face API."""
        with self._database.write() as session:
            number = retention.erase_expired(session, days)
        if number:
            self._audit("erase", faces=str(number), days=f"{days:g}")
        return self.try_synchronize()

    def synchronize(self) -> SyncResult:
        """Synchronize the people with the gallery file. Raises the errors of ``SharedGallery.synchronize``."""
        return self._synchronized(self._gallery.synchronize() if self._gallery else SyncResult())

    def try_synchronize(self, erased: list[Floats] | None = None) -> SyncResult:
        """Synchronize the people with the gallery file; log errors, see ``SharedGallery.try_synchronize``."""
        return self._synchronized(self._gallery.try_synchronize(erased) if self._gallery else SyncResult())

    def _synchronized(self, result: SyncResult) -> SyncResult:
        if result.faces:
            self._audit("import", collection=COLLECTION, faces=str(result.faces))
        return result

    def _remove(self, person_id: str, face_id: str | None) -> Removal:
        with self._database.write() as session:
            group, person = people_group.find_person(session, person_id)
            people = [person] if face_id is not None else [person, *persons.removed_with(session, person)]
            condition: ColumnElement[bool] = Face.person_key.in_([one.key for one in people])
            if face_id is not None:
                condition &= Face.id == face_id.lower()
            blobs = session.scalars(select(Face.embedding).where(condition))
            erased = [np.frombuffer(blob, np.float32) for blob in blobs]
            if face_id is not None and not erased:
                raise errors.persisted_face_not_found(face_id)
            photographs = select(func.count()).select_from(Photograph).join(Face).where(condition)
            photograph_count = session.scalar(photographs) or 0
            name = person.name or ""
            session.execute(delete(Refusal).where(Refusal.embedding.in_([face.tobytes() for face in erased])))
            session.execute(delete(Face).where(condition).execution_options(synchronize_session=False))
            if face_id is None:
                for one in people:
                    session.delete(one)
            collections.record_change(group, person.key)
        face = {} if face_id is None else {"face": face_id}
        self._audit("erase", collection=COLLECTION, person=person_id, **face, faces=str(len(erased)))
        result = self.try_synchronize(erased)
        return Removal(name, len(erased), photograph_count, result.models, result.dataset, result.pending)

    def _imported(self, result: ImportResult) -> ImportResult:
        if result.faces:
            self._changed("import", faces=str(result.faces), persons=str(result.people))
        return result

    def _changed(self, action: str, **details: str) -> None:
        self._audit(action, collection=COLLECTION, **details)
        self.try_synchronize()
