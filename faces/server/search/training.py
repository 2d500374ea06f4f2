"""Training: from when on new faces are searched. A job, whose status is the database's."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event, Lock, Thread
from uuid import uuid4

from sqlalchemy import ColumnElement, func, or_, select, update

from faces.server import errors
from faces.server.errors import ApiError
from faces.server.kinds import Kind
from faces.server.search.matching import Indexes, in_database
from faces.server.store import collections
from faces.server.store.database import Database
from faces.server.store.schema import Collection, Face

UNDER_WAY = ("nonstarted", "running")  # "nonstarted" is what clients call one that waits
NO_FACES = "There is no persisted face to train on."
CUT = "The server was stopped during the training; please train again."
PULSE = 5.0  # s: how often a server says that it is alive while it trains
SILENCE = 30.0  # s after which it is not

log = logging.getLogger(__name__)


class Trainer:
    """Trains collections one after the other, in a thread; meanwhile the old training is searched.

    A training that another run of a server had not finished is shown as failed: at once where no other can be running,
    otherwise when it was silent for a while. Servers that share a database need clocks that agree to some seconds.
    """

    def __init__(self, database: Database, indexes: Indexes) -> None:
        self._database, self._indexes = database, indexes
        self._worker = ThreadPoolExecutor(1, "training")
        self._name = str(uuid4())
        self._mine: set[int] = set()  # keys of collections that wait or are trained here
        self._lock, self._closed = Lock(), Event()
        self._fail(Collection.training_status.in_(UNDER_WAY) if not database.is_shared else _silent())
        self._pulse = Thread(target=self._beat, name="pulse", daemon=True)
        self._pulse.start()

    def start(self, kind: Kind, id_: str) -> None:
        """Raises ApiError: 404 where there is no such collection, 409 while it is trained."""
        with self._database.write() as session:
            collection = collections.find(session, kind, id_)
            now = time.time()
            alive = (collection.training_alive or 0) >= now - SILENCE
            if collection.training_status in UNDER_WAY and alive:
                raise errors.training_not_finished(kind)
            collection.training_status, collection.training_message = "nonstarted", None
            collection.training_created = collection.training_last_action = collection.training_alive = now
            collection.training_owner = self._name
            key = collection.key
        with self._lock:
            self._mine.add(key)
        self._worker.submit(self._run, key)

    def close(self) -> None:
        """Wait for the training that runs; those that wait begin no more, and are shown as failed."""
        self._worker.shutdown(cancel_futures=True)
        self._closed.set()
        self._pulse.join()
        with suppress(Exception):
            if self._mine:
                self._fail(Collection.training_owner == self._name)

    def _run(self, key: int) -> None:
        try:
            if self._set(key, "running"):
                self._train(key)
        except Exception as error:
            log.exception("a training failed")
            message = error.message if isinstance(error, ApiError) else "The training failed, please try again."
            with suppress(Exception):
                self._set(key, "failed", message)
        finally:
            with self._lock:
                self._mine.discard(key)  # what the database was not told it finds out by the silence

    def _train(self, key: int) -> None:
        with self._database.read() as session:
            if (collection := session.get(Collection, key)) is None:
                return
            last = session.scalar(select(func.max(Face.key)).where(Face.collection_key == key))
            known = None if last is None or in_database(session) else self._indexes.following(session, collection, last)
        if last is None:
            self._set(key, "failed", NO_FACES)
        elif self._set(key, "succeeded", trained_to=last) and known is not None:
            self._indexes.keep(key, known)

    def _set(self, key: int, status: str, message: str | None = None, trained_to: int | None = None) -> bool:
        """False when the collection is gone, or somebody else's to train since this run was taken for dead."""
        with self._database.write() as session:
            collection = session.get(Collection, key, with_for_update=True)
            if collection is None or collection.training_owner != self._name:
                return False
            now = time.time()
            collection.training_status, collection.training_message = status, message
            collection.training_last_action = collection.training_alive = now
            if status not in UNDER_WAY:
                collection.training_owner = collection.training_alive = None
            if trained_to is not None:
                collection.trained_to = max(trained_to, collection.trained_to or 0)  # the pages may have added more
                collection.training_last_success = now
            return True

    def _beat(self) -> None:
        while not self._closed.wait(PULSE):
            with suppress(Exception):  # of a database that is away: there is a next time
                self._say_alive()
                self._fail(_silent())

    def _say_alive(self) -> None:
        with self._lock:
            mine = set(self._mine)
        if mine:
            with self._database.write() as session:
                ours = update(Collection).where(Collection.key.in_(mine), Collection.training_owner == self._name)
                session.execute(ours.values(training_alive=time.time()))

    def _fail(self, which: ColumnElement[bool]) -> None:
        """Show trainings that are under way as failed."""
        which = which & Collection.training_status.in_(UNDER_WAY)
        with self._database.read() as session:
            if session.scalar(select(Collection.key).where(which).limit(1)) is None:
                return
        with self._database.write() as session:
            cut = update(Collection).where(which)
            session.execute(
                cut.values(training_status="failed", training_message=CUT, training_owner=None, training_alive=None)
            )


def _silent() -> ColumnElement[bool]:
    return or_(Collection.training_alive < time.time() - SILENCE, Collection.training_alive.is_(None))
