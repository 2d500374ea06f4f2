"""What is done from time to time: detected faces that have expired are erased, whether anybody asks for them or not."""

from __future__ import annotations

import logging
from threading import Event, Thread

from faces.server import detected_faces
from faces.server.database import Database

INTERVAL = 60.0  # s

log = logging.getLogger(__name__)


class Housekeeping:
    """A thread that does it now, and then every minute, until it is stopped."""

    def __init__(self, database: Database) -> None:
        self._database, self._stopped = database, Event()
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
            except Exception:  # of a full disk, say: the next time it may be better
                log.exception("expired faces could not be erased")
            if self._stopped.wait(INTERVAL):
                return
