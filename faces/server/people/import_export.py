"""People in and out: what the scripts read and write, imported and exported by hand."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

from sqlalchemy import select

from faces.errors import FacesError, ImageError
from faces.images import Picture
from faces.recognition.gallery import LeftOut
from faces.server.errors import ApiError
from faces.server.people import dataset_files, gallery_file, roster, sharing
from faces.server.people.dataset_files import Files, Portrait
from faces.server.people.roster import NewFace
from faces.server.people.values import Exported, Imported
from faces.server.store import origins
from faces.server.store.database import Database
from faces.server.store.schema import Face, Person, Photograph
from faces.server.vision import cutouts
from faces.server.vision.vision import Vision

TOGETHER = 16  # photographs of a data set that are embedded and added in one go


class Exchange:
    """Of the people of a database.

    keep_photos: whether photographs and cut-outs are kept. farthest: see ``Origins``. dimension: of embeddings, where
    it is known. settings: of the galleries that are exported, see ``extraction.settings``.
    """

    def __init__(
        self, database: Database, keep_photos: bool, farthest: float, dimension: int | None, settings: str
    ) -> None:
        self._database, self._keep_photos = database, keep_photos
        self._farthest, self._dimension, self._settings = farthest, dimension, settings

    def take_embeddings(self, path: Path) -> Imported:
        """See ``Enrolment.import_embeddings``."""
        with _refused(path), self._database.write() as session:
            dimension = roster.dimension(session, self._dimension)
            _, rows = gallery_file.load(path, roster.fingerprint(session), dimension)
            return sharing.take(session, roster.opened(session), rows, self._farthest, again=True).imported

    def take_dataset(self, files: Files, vision: Vision) -> Imported:
        """See ``Enrolment.import_dataset``."""
        total = Imported()
        with _refused(files if isinstance(files, Path) else None):
            photographs = dataset_files.portraits(files)
            while some := list(islice(photographs, TOGETHER)):
                total += self._take(some, vision)
        return total

    def embeddings(self) -> tuple[bytes, int]:
        """The file, and how many faces are in it."""
        with self._database.write() as session:
            group, fingerprint = roster.opened(session), roster.fingerprint(session)
            rows = list(sharing.rows_of(session, group).values())
        return gallery_file.gallery_of(rows, fingerprint, self._settings, LeftOut()).pickled(), len(rows)

    def dataset(self, file: IO[bytes]) -> Exported:
        """See ``Enrolment.export_dataset``."""
        with self._database.read() as session:
            everybody, group = roster.listed(session), roster.group(session)
            kept = select(Person.name, Face.id, Photograph.photograph).join(Face, Face.person_key == Person.key)
            kept = kept.join(Photograph).where(Face.collection_key == (group.key if group else None))
            rows = session.execute(kept.order_by(Person.key, Face.key).execution_options(yield_per=8))
            number = dataset_files.write(file, ((one.name or "", one.id, one.photograph) for one in rows))
        without = (one.name for one in everybody if not any(face.picture for face in one.faces))
        return Exported(number, tuple(without))

    def _take(self, some: list[Portrait], vision: Vision) -> Imported:
        left_out, new = [], []
        with closing(_admitted(some, vision)) as photographs:
            enrolments = vision.pipeline.enrol(photographs)
        for portrait, enrolment in zip(some, enrolments, strict=True):
            try:
                name = roster.checked_name(portrait.person) if enrolment.face is not None else ""
            except ApiError as error:
                left_out.append((portrait.path, error.message))
                continue
            if enrolment.face is None or enrolment.embedding is None or isinstance(portrait.data, str):
                left_out.append((portrait.path, enrolment.reason))
                continue
            pictures = None
            if self._keep_photos:
                picture = Picture(portrait.data)
                with vision.admitted(picture):
                    pictures = portrait.data, cutouts.cut(picture.at_least(1)[0], enrolment.face.xyxy[0])
            new.append(NewFace(name, enrolment.embedding, enrolment.sha256, pictures))
        with self._database.write() as session:
            group = roster.opened(session)
            there = origins.Origins(session, group, self._farthest, {one.sha256 for one in new})
            unknown = [one for one in new if there.match(one.sha256, one.name, one.embedding) is None]
            _, people = roster.add(session, group, unknown)
        return Imported(people, len(unknown), len(new) - len(unknown), tuple(left_out))


def _admitted(some: Iterable[Portrait], vision: Vision) -> Generator[bytes | str, None, None]:
    """Each photograph's file, until the next one is asked for, or why it is left out."""
    for portrait in some:
        if isinstance(portrait.data, str):
            yield portrait.data
            continue
        try:
            with vision.admitted(Picture(portrait.data)):
                yield portrait.data
        except ApiError as error:
            yield error.message
        except ImageError as error:
            yield f"unreadable: {error}"


@contextmanager
def _refused(path: Path | None) -> Iterator[None]:
    """What is wrong with a file as an answer of the API, without where the server has it."""
    try:
        yield
    except FacesError as error:
        message = str(error) if path is None else str(error).replace(str(path), path.name)
        raise ApiError(400, "InvalidFile", message) from error
