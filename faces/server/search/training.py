"""Training: a background job after which new faces are searched. Its status is kept in the database."""

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
from faces.server.search.matching import Indexes, searches_in_database
from faces.server.store import collections
from faces.server.store.database import Database
from faces.server.store.schema import Collection, Face

UNFINISHED = ("nonstarted", "running")  # the API calls a waiting one "nonstarted"
NO_FACES = "There is no persisted face to train on."
INTERRUPTED = "The server was stopped during the training; please train again."
HEARTBEAT_SECONDS = 5.0  # between two signs of life of a server that trains
ABANDONED_SECONDS = 30.0  # without a sign of life: the server is considered dead

log = logging.getLogger(__name__)


class Trainer:
    """Trains collections one after the other in a thread. Until it ends, searches use the previous training.

    A training that a stopped server left unfinished is marked as failed: at once if no other server can be running,
    otherwise after ``ABANDONED_SECONDS``. The clocks of servers that share a database must agree to a few seconds.

    database: holds the collections and the status of their trainings.
    indexes: get the index of a trained collection.
    """

    def __init__(self, database: Database, indexes: Indexes) -> None:
        self._database, self._indexes = database, indexes
        self._worker = ThreadPoolExecutor(1, "training")
        self._id = str(uuid4())
        self._pending: set[int] = set()  # keys of the collections that this server trains or will train
        self._lock, self._closed = Lock(), Event()
        self._mark_failed(Collection.training_status.in_(UNFINISHED) if not database.is_shared else _is_abandoned())
        self._heartbeat = Thread(target=self._send_heartbeats, name="training heartbeat", daemon=True)
        self._heartbeat.start()

    def start(self, kind: Kind, id_: str) -> None:
        """Queue the training of a collection. Raises ApiError: 404 if there is none, 409 if it is being trained."""
        with self._database.write() as session:
            collection = collections.find(session, kind, id_)
            now = time.time()
            is_alive = (collection.training_alive or 0) >= now - ABANDONED_SECONDS
            if collection.training_status in UNFINISHED and is_alive:
                raise errors.training_not_finished(kind)
            collection.training_status, collection.training_message = "nonstarted", None
            collection.training_created = collection.training_last_action = collection.training_alive = now
            collection.training_owner = self._id
            key = collection.key
        with self._lock:
            self._pending.add(key)
        self._worker.submit(self._run, key)

    def close(self) -> None:
        """Wait for the running training to end; mark the waiting ones as failed."""
        self._worker.shutdown(cancel_futures=True)
        self._closed.set()
        self._heartbeat.join()
        with suppress(Exception):
            if self._pending:
                self._mark_failed(Collection.training_owner == self._id)

    def _run(self, key: int) -> None:
        try:
            if self._set_status(key, "running"):
                self._train(key)
        except Exception as error:
            log.exception("training failed")
            message = error.message if isinstance(error, ApiError) else "The training failed, please try again."
            with suppress(Exception):
                self._set_status(key, "failed", message)
        finally:
            with self._lock:
                self._pending.discard(key)  # if the status was not stored, the training counts as abandoned later

    def _train(self, key: int) -> None:
        with self._database.read() as session:
            if (collection := session.get(Collection, key)) is None:
                return
            last = session.scalar(select(func.max(Face.key)).where(Face.collection_key == key))
            in_memory = last is not None and not searches_in_database(session)
            index = self._indexes.refreshed(session, collection, last) if in_memory else None
        if last is None:
            self._set_status(key, "failed", NO_FACES)
        elif self._set_status(key, "succeeded", trained_to=last) and index is not None:
            self._indexes.keep(key, index)

    def _set_status(self, key: int, status: str, message: str | None = None, trained_to: int | None = None) -> bool:
        """Store a status. Return False if the collection is gone, or if another server took over the training."""
        with self._database.write() as session:
            collection = session.get(Collection, key, with_for_update=True)
            if collection is None or collection.training_owner != self._id:
                return False
            now = time.time()
            collection.training_status, collection.training_message = status, message
            collection.training_last_action = collection.training_alive = now
            if status not in UNFINISHED:
                collection.training_owner = collection.training_alive = None
            if trained_to is not None:
                collection.trained_to = max(trained_to, collection.trained_to or 0)  # the pages may add newer faces
                collection.training_last_success = now
            return True

    def _send_heartbeats(self) -> None:
        while not self._closed.wait(HEARTBEAT_SECONDS):
            with suppress(Exception):  # such as an unreachable database: the next heartbeat tries again
                self._report_alive()
                self._mark_failed(_is_abandoned())

    def _report_alive(self) -> None:
        with self._lock:
            keys = set(self._pending)
        if keys:
            with self._database.write() as session:
                trainings = update(Collection).where(Collection.key.in_(keys), Collection.training_owner == self._id)
                session.execute(trainings.values(training_alive=time.time()))

    def _mark_failed(self, condition: ColumnElement[bool]) -> None:
        """Mark the unfinished trainings that meet a condition as failed."""
        condition = condition & Collection.training_status.in_(UNFINISHED)
        with self._database.read() as session:
            if session.scalar(select(Collection.key).where(condition).limit(1)) is None:
                return
        with self._database.write() as session:
            trainings = update(Collection).where(condition)
            session.execute(
                trainings.values(
                    training_status="failed", training_message=INTERRUPTED, training_owner=None, training_alive=None
                )
            )


def _is_abandoned() -> ColumnElement[bool]:
    return or_(Collection.training_alive < time.time() - ABANDONED_SECONDS, Collection.training_alive.is_(None))
