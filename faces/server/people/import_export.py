"""Import and export people as files of the scripts: ``embeddings.pickle`` and data sets."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

from sqlalchemy import select

from faces.errors import FacesError, ImageError
from faces.extraction.choosing import choose
from faces.images import Picture
from faces.recognition.gallery import LeftOut
from faces.server.errors import ApiError
from faces.server.people import dataset_files, gallery_file, gallery_merging, people_group
from faces.server.people.dataset_files import Files, PersonPhotograph
from faces.server.people.people_group import NewFace
from faces.server.people.values import ExportResult, ImportResult
from faces.server.store import origins
from faces.server.store.database import Database
from faces.server.store.schema import Face, Person, Photograph
from faces.server.vision import cutouts
from faces.server.vision.vision import Vision

BATCH_PHOTOGRAPHS = 16  # embedded and added together


class ImportExport:
    """Import into and export from a database.

    keep_photos: whether photographs and cut-outs are stored.
    farthest: see ``Origins``.
    dimension: of the embeddings; None if unknown.
    settings: of exported galleries, see ``extraction.known.settings``.
    """

    def __init__(
        self,
        database: Database,
        keep_photos: bool,
        farthest: float,
        dimension: int | None,
        settings: str,
    ) -> None:
        self._database, self._keep_photos = database, keep_photos
        self._farthest, self._dimension, self._settings = farthest, dimension, settings

    def import_embeddings(self, path: Path) -> ImportResult:
        """Import an ``embeddings.pickle``, see ``EnrolledPeople.import_embeddings``."""
        with _api_errors(path), self._database.write() as session:
            dimension = people_group.dimension(session, self._dimension)
            _, rows = gallery_file.load(path, people_group.fingerprint(session), dimension)
            group = people_group.find_or_create_group(session)
            return gallery_merging.add_missing(session, group, rows, self._farthest, restore_erased=True).result

    def import_dataset(self, files: Files, vision: Vision) -> ImportResult:
        """Import a data set, see ``EnrolledPeople.import_dataset``."""
        total = ImportResult()
        with _api_errors(files if isinstance(files, Path) else None):
            photographs = dataset_files.photographs(files)
            while batch := list(islice(photographs, BATCH_PHOTOGRAPHS)):
                total += self._import_batch(batch, vision)
        return total

    def export_embeddings(self) -> tuple[bytes, int]:
        """Return an ``embeddings.pickle`` and the number of faces in it."""
        with self._database.write() as session:
            group, fingerprint = people_group.find_or_create_group(session), people_group.fingerprint(session)
            rows = list(gallery_merging.enrolled_rows(session, group).values())
        return gallery_file.gallery_of(rows, fingerprint, self._settings, LeftOut()).pickled(), len(rows)

    def export_dataset(self, file: IO[bytes]) -> ExportResult:
        """Write the stored photographs, see ``EnrolledPeople.export_dataset``."""
        with self._database.read() as session:
            people, group = people_group.person_records(session), people_group.find_group(session)
            query = select(Person.name, Face.id, Photograph.photograph).join(Face, Face.person_key == Person.key)
            query = query.join(Photograph).where(Face.collection_key == (group.key if group else None))
            rows = session.execute(query.order_by(Person.key, Face.key).execution_options(yield_per=8))
            number = dataset_files.write(file, ((row.name or "", row.id, row.photograph) for row in rows))
        without = (person.name for person in people if not any(face.picture for face in person.faces))
        return ExportResult(number, tuple(without))

    def _import_batch(self, batch: list[PersonPhotograph], vision: Vision) -> ImportResult:
        left_out, faces = [], []
        with closing(_contents(batch, vision)) as contents:
            found = vision.pipeline.enrol(contents)
        persons = [photograph.person for photograph in batch]
        enrolments = choose(persons, found, vision.pipeline.fingerprint.embedder.name)
        for photograph, enrolment in zip(batch, enrolments, strict=True):
            try:
                name = people_group.validate_name(photograph.person) if enrolment.face is not None else ""
            except ApiError as error:
                left_out.append((photograph.path, error.message))
                continue
            if enrolment.face is None or enrolment.embedding is None or isinstance(photograph.data, str):
                left_out.append((photograph.path, enrolment.reason))
                continue
            pictures = None
            if self._keep_photos:
                picture = Picture(photograph.data)
                with vision.admit(picture):
                    pictures = photograph.data, cutouts.cut_out(picture.at_least(1)[0], enrolment.face.xyxy[0])
            faces.append(NewFace(name, enrolment.embedding, enrolment.sha256, pictures))
        with self._database.write() as session:
            group = people_group.find_or_create_group(session)
            known = origins.Origins(session, group, self._farthest, {face.sha256 for face in faces})
            new = [face for face in faces if known.match(face.sha256, face.name, face.embedding) is None]
            _, people = people_group.add_named_faces(session, group, new)
        return ImportResult(people, len(new), len(faces) - len(new), tuple(left_out))


def _contents(photographs: Iterable[PersonPhotograph], vision: Vision) -> Generator[bytes | str, None, None]:
    """Yield each photograph's content, or the reason why it is left out; admit it until the next one is requested."""
    for photograph in photographs:
        if isinstance(photograph.data, str):
            yield photograph.data
            continue
        try:
            with vision.admit(Picture(photograph.data)):
                yield photograph.data
        except ApiError as error:
            yield error.message
        except ImageError as error:
            yield f"unreadable: {error}"


@contextmanager
def _api_errors(path: Path | None) -> Iterator[None]:
    """Raise ApiError 400 for a file that cannot be imported, without the file's folder on the server."""
    try:
        yield
    except FacesError as error:
        message = str(error) if path is None else str(error).replace(str(path), path.name)
        raise ApiError(400, "InvalidFile", message) from error
