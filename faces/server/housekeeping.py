"""Periodic tasks of a server: erasing expired faces, and others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from faces.server.store import detected_faces
from faces.server.store.database import Database

INTERVAL = 60.0  # s

log = logging.getLogger(__name__)


class Housekeeping:
    """A thread that erases expired faces and runs further tasks, at once and then every minute, until it is stopped.

    database: the faces are in it.
    tasks: what else to run.
    """

    def __init__(self, database: Database, *tasks: Callable[[], object]) -> None:
        self._database, self._tasks, self._stopped = database, tasks, Event()
        self._thread = Thread(target=self._run, name="housekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current task, and wait for that."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            for task in (self._erase_expired, *self._tasks):
                try:
                    task()
                except Exception:  # such as a full disk; the next run may succeed
                    log.exception("housekeeping failed")
            if self._stopped.wait(INTERVAL):
                return

    def _erase_expired(self) -> None:
        with self._database.write() as session:
            detected_faces.erase_expired(session)
