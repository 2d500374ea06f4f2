"""Keep the enrolled people and the gallery file of ``--gallery`` synchronized."""

from __future__ import annotations

import logging
from contextlib import suppress
from threading import Lock

import numpy as np
from sqlalchemy.orm import Session

from faces import records
from faces.errors import FacesError, reason_of
from faces.recognition.gallery import LeftOut
from faces.server.errors import ApiError
from faces.server.people import gallery_file, gallery_merging, people_group
from faces.server.people.gallery_file import GalleryFile, GalleryRow
from faces.server.people.recognizer_erasure import erase_recognizers, erase_tables
from faces.server.people.values import SyncResult
from faces.server.store import origins
from faces.server.store.database import Database
from faces.types import Floats

log = logging.getLogger(__name__)


class SharedGallery:
    """The people of a database and the gallery file that the scripts use. Thread-safe.

    farthest: see ``Origins``.
    dimension: of the embeddings; None if unknown.
    """

    def __init__(self, database: Database, file: GalleryFile, farthest: float, dimension: int | None) -> None:
        self._database, self._file, self._farthest, self._dimension = database, file, farthest, dimension
        self._erased: list[Floats] = []  # embeddings that recognizers may still contain
        self._lock = Lock()  # of self._erased
        self._names: dict[str, str] = {}  # by person id, at the last synchronization
        self._state: object = None  # of the people and the file at the last synchronization

    def synchronize(self) -> SyncResult:
        """Synchronize the database and the file.

        Add people of the file to the database, erase erased people from the file and from the recognizers beside it,
        and write all people to the file. Raises FacesError if the file cannot be read or written, or if other models
        made it.
        """
        try:
            if self._is_synchronized():
                return SyncResult()
            with self._file.locked():
                with self._lock:
                    erased = list(self._erased)
                result = self._synchronize(erased)
                with self._lock:
                    del self._erased[: len(erased)]  # keeps faces that were erased in the meantime
                return result
        except ApiError as error:
            raise FacesError(f"{self._file.path}: {error.message}") from error
        except OSError as error:
            raise FacesError(f"{self._file.path}: {reason_of(error)}") from error

    def try_synchronize(self, erased: list[Floats] | None = None) -> SyncResult:
        """Synchronize; log an error instead of raising it, and try again at the next call.

        erased: float32 (D,) embeddings to erase from all recognizers.
        """
        with self._lock:
            self._erased += erased or []
        try:
            return self.synchronize()
        except FacesError as error:
            log.warning("%s", error)
            return SyncResult(pending=str(error))

    def _synchronize(self, erased: list[Floats]) -> SyncResult:
        with self._database.write() as session:
            fingerprint = people_group.fingerprint(session)
            dimension = people_group.dimension(session, self._dimension)
            old, rows = None, list[GalleryRow]()
            if self._file.has_content():
                old, rows = gallery_file.load(self._file.path, fingerprint, dimension)
            group = people_group.find_or_create_group(session)
            matched = gallery_merging.add_missing(session, group, rows, self._farthest, restore_erased=False)
            merged = gallery_merging.merge(session, group, rows, matched)
            people, names = _people_state(session), people_group.names_by_id(session)
            erased_origins = origins.erased_photographs(session)
        erased_rows = [row for row, is_erased in zip(rows, matched.erased, strict=True) if is_erased]
        erased = [*erased, *(row.embedding for row in erased_rows)]
        models = erase_recognizers(self._file.path.parent, np.stack(erased), fingerprint) if erased else ()
        changed_names = _changed_names(self._names, names)
        if erased or changed_names:
            records.forget(records.beside(self._file.path), erased_origins.__contains__, changed_names)
        people = {name for name, now in changed_names.items() if not now}
        people |= {gallery_file.folder(row.path) for row in erased_rows if row.is_photograph}
        people -= {gallery_file.folder(row.path) for row in merged if row.is_photograph}
        erase_tables(self._file.path.parent, people)
        self._names = names
        if len(merged) != len(rows) or any(new is not row for new, row in zip(merged, rows, strict=True)):
            left_out = gallery_file.with_erased(old.left_out if old else LeftOut(), erased_rows, people)
            settings = old.settings if old else self._file.settings
            self._file.write(gallery_file.gallery_of(merged, fingerprint, settings, left_out))
        self._state = people, self._file_state()
        dataset = tuple(row.path for row in erased_rows if row.is_photograph)
        return SyncResult(models, dataset, faces=matched.result.faces)

    def _is_synchronized(self) -> bool:
        """Return whether nothing changed, without locking or reading the file."""
        with self._lock:
            if self._erased or self._state is None:
                return False
        with self._database.read() as session:
            return self._state == (_people_state(session), self._file_state())

    def _file_state(self) -> object:
        with suppress(OSError):
            status = self._file.path.stat()
            return status.st_ino, status.st_mtime_ns, status.st_size
        return None


def _changed_names(before: dict[str, str], now: dict[str, str]) -> dict[str, str]:
    """Map each name that no person has any more to the person's new name, or to "" if the person was erased."""
    current = set(now.values())
    return {name: now.get(person_id, "") for person_id, name in before.items() if name not in current}


def _people_state(session: Session) -> object:
    session.flush()
    if (group := people_group.find_group(session)) is None:
        return None
    session.refresh(group)
    return group.key, group.generation, group.trained_to
