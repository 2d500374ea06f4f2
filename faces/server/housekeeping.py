"""What is done from time to time, whether anybody asks or not: what has expired is erased."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from faces.server.store import detected_faces
from faces.server.store.database import Database

INTERVAL = 60.0  # s

log = logging.getLogger(__name__)


class Housekeeping:
    """A thread that does it now, and then every minute, until it is stopped. also: what else is done then."""

    def __init__(self, database: Database, *also: Callable[[], object]) -> None:
        self._database, self._also, self._stopped = database, also, Event()
        self._thread = Thread(target=self._run, name="housekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            for do in (self._purge, *self._also):
                try:
                    do()
                except Exception:  # of a full disk, say: the next time it may be better
                    log.exception("housekeeping failed")
            if self._stopped.wait(INTERVAL):
                return

    def _purge(self) -> None:
        with self._database.write() as session:
            detected_faces.purge(session)
