"""``--gallery``: the people of the server and the file that the scripts work with, kept in step."""

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
from faces.server.people import derived, gallery_file, roster, sharing
from faces.server.people.gallery_file import OWN, GalleryFile, Row
from faces.server.people.values import Shared
from faces.server.store import origins
from faces.server.store.database import Database
from faces.types import Floats

log = logging.getLogger(__name__)


class SharedGallery:
    """The people of a database, and a file.

    farthest: see ``Origins``. dimension: of embeddings, where it is known.
    """

    def __init__(self, database: Database, file: GalleryFile, farthest: float, dimension: int | None) -> None:
        self._database, self._file, self._farthest, self._dimension = database, file, farthest, dimension
        self._erased: list[Floats] = []  # embeddings that recognizers may still know
        self._lock = Lock()  # of that list
        self._names: dict[str, str] = {}  # of people, by their ids, when they were last in step
        self._state: object = None  # of the people and the file when they were last in step

    def share(self) -> Shared:
        """Bring both in step.

        Who is in the file and not known is added; who was erased is erased from it, and from recognizers beside it;
        then it holds everybody. Raises FacesError when it cannot be read or written, or other models made it.
        """
        try:
            if self._in_step():
                return Shared()
            with self._file.held():
                with self._lock:
                    erased = list(self._erased)
                shared = self._share(erased)
                with self._lock:
                    del self._erased[: len(erased)]  # who was erased meanwhile comes after them
                return shared
        except ApiError as error:
            raise FacesError(f"{self._file.path}: {error.message}") from error
        except OSError as error:
            raise FacesError(f"{self._file.path}: {reason_of(error)}") from error

    def follow(self, erased: list[Floats] | None = None) -> Shared:
        """As ``share``, but what is wrong is told, not raised: the next time it may be better.

        erased: embeddings (D,) that are not to be found in any recognizer any more.
        """
        with self._lock:
            self._erased += erased or []
        try:
            return self.share()
        except FacesError as error:
            log.warning("%s", error)
            return Shared(pending=str(error))

    def _share(self, gone: list[Floats]) -> Shared:
        with self._database.write() as session:
            fingerprint = roster.fingerprint(session)
            old, rows = None, list[Row]()
            if self._file.there():
                old, rows = gallery_file.load(self._file.path, fingerprint, roster.dimension(session, self._dimension))
            group = roster.opened(session)
            taken = sharing.take(session, group, rows, self._farthest, again=False)
            merged = sharing.together(session, group, rows, taken)
            people, names = _people(session), roster.names(session)
            known = origins.erased(session)
        erased = [row for row, is_erased in zip(rows, taken.erased, strict=True) if is_erased]
        gone = [*gone, *(row.embedding for row in erased)]
        models = derived.erase(self._file.path.parent, np.stack(gone), fingerprint) if gone else ()
        others = _called_otherwise(self._names, names)
        if gone or others:
            records.forget(records.beside(self._file.path), known.__contains__, others)
        self._names = names
        if len(merged) != len(rows) or any(new is not was for new, was in zip(merged, rows, strict=True)):
            left_out = gallery_file.without(old.left_out if old else LeftOut(), erased)
            settings = old.settings if old else self._file.settings
            self._file.write(gallery_file.gallery_of(merged, fingerprint, settings, left_out))
        self._state = people, self._written()
        dataset = tuple(row.path for row in erased if row.path and not row.path.startswith(OWN))
        return Shared(models, dataset, faces=taken.imported.faces)

    def _in_step(self) -> bool:
        """So that the file is not held, and not read, when there is nothing to do."""
        with self._lock:
            if self._erased or self._state is None:
                return False
        with self._database.read() as session:
            return self._state == (_people(session), self._written())

    def _written(self) -> object:
        """What changes with the file."""
        with suppress(OSError):
            about = self._file.path.stat()
            return about.st_ino, about.st_mtime_ns, about.st_size
        return None


def _called_otherwise(before: dict[str, str], now: dict[str, str]) -> dict[str, str]:
    """The names that nobody has any more, and what they became; "" where the person is gone."""
    known = set(now.values())
    return {name: now.get(id_, "") for id_, name in before.items() if name not in known}


def _people(session: Session) -> object:
    """What changes with the people."""
    session.flush()
    if (group := roster.group(session)) is None:
        return None
    session.refresh(group)
    return group.key, group.generation, group.trained_to
