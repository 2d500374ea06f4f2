"""What is done from time to time, whether anybody asks or not: what has expired is erased."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from faces.server import detected_faces, retention
from faces.server.database import Database

INTERVAL = 60.0  # s

log = logging.getLogger(__name__)


class Housekeeping:
    """A thread that does it now, and then every minute, until it is stopped.

    days: for which faces that stay are kept; None: for ever. then: is called after it.
    """

    def __init__(
        self, database: Database, days: float | None = None, then: Callable[[], object] = lambda: None
    ) -> None:
        self._database, self._days, self._then, self._stopped = database, days, then, Event()
        self._thread = Thread(target=self._run, name="housekeeping", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                with self._database.write() as session:
                    detected_faces.purge(session)
                    if self._days is not None:
                        retention.purge(session, self._days)
                self._then()
            except Exception:  # of a full disk, say: the next time it may be better
                log.exception("expired faces could not be erased")
            if self._stopped.wait(INTERVAL):
                return
