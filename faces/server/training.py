"""Training: from when on new faces are searched. A job, whose status is the database's."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from sqlalchemy import func, select, update

from faces.server import collections, errors
from faces.server.database import Database
from faces.server.errors import ApiError
from faces.server.kinds import Kind
from faces.server.matching import Index, Indexes
from faces.server.schema import Collection, Face

UNDER_WAY = ("nonstarted", "running")  # "nonstarted" is what clients call one that waits
NO_FACES = "There is no persisted face to train on."
CUT = "The server was stopped during the training; please train again."

log = logging.getLogger(__name__)


class Trainer:
    """Trains collections one after the other, in a thread; meanwhile the old training is searched.

    A training that another run of this server had not finished is shown as failed.
    """

    def __init__(self, database: Database, indexes: Indexes) -> None:
        self._database, self._indexes = database, indexes
        self._worker = ThreadPoolExecutor(1, "training")
        with database.write() as session:
            cut = update(Collection).where(Collection.training_status.in_(UNDER_WAY))
            session.execute(cut.values(training_status="failed", training_message=CUT))

    def start(self, kind: Kind, id_: str) -> None:
        """Raises ApiError: 404 where there is no such collection, 409 while it is trained."""
        now = time.time()
        with self._database.write() as session:
            collection = collections.find(session, kind, id_)
            if collection.training_status in UNDER_WAY:
                raise errors.training_not_finished(kind)
            collection.training_status, collection.training_message = "nonstarted", None
            collection.training_created = collection.training_last_action = now
            key = collection.key
        self._worker.submit(self._run, key)

    def close(self) -> None:
        """Wait for the training that runs; those that wait begin no more."""
        self._worker.shutdown(cancel_futures=True)

    def _run(self, key: int) -> None:
        try:
            self._set(key, "running")
            self._train(key)
        except Exception as error:
            log.exception("a training failed")
            message = error.message if isinstance(error, ApiError) else "The training failed, please try again."
            with suppress(Exception):
                self._set(key, "failed", message)

    def _train(self, key: int) -> None:
        with self._database.read() as session:
            if (collection := session.get(Collection, key)) is None:
                return
            generation = collection.generation
            last = session.scalar(select(func.max(Face.key)).where(Face.collection_key == key))
            index = Index.load(session, collection, last)
        if index is None:
            self._set(key, "failed", NO_FACES)
            return
        with self._database.write() as session:
            if (collection := session.get(Collection, key)) is None:
                return
            now = time.time()
            collection.training_status = "succeeded"
            collection.trained_to = max(last or 0, collection.trained_to or 0)  # the pages may have added more
            collection.training_last_action = collection.training_last_success = now
            unchanged = collection.generation == generation  # nothing was erased meanwhile
            collections.changed(collection)
        if unchanged:
            self._indexes.keep(key, generation + 1, index)

    def _set(self, key: int, status: str, message: str | None = None) -> None:
        with self._database.write() as session:
            if (collection := session.get(Collection, key)) is not None:
                collection.training_status, collection.training_message = status, message
                collection.training_last_action = time.time()
