"""The recognizer in service: faces get their names from the files that the scripts made, as they are now."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock

from faces.errors import FacesError
from faces.types import Fingerprint, Floats, Matches
from faces.versions.reloading import ReloadingRecognizer

log = logging.getLogger(__name__)


class Followed:
    """A recognizer and its label encoder, followed. May be used from several threads at once.

    Raises, when made, what ``recognizer_files.load`` raises. Files that go, as when somebody in them is erased, are not
    used any more; new ones are.
    """

    def __init__(self, recognizer: Path, le: Path, fingerprint: Fingerprint) -> None:
        self._files, self._fingerprint = (recognizer, le), fingerprint
        self._lock = Lock()
        self._followed: ReloadingRecognizer | None = self._opened()

    def identify(self, embeddings: Floats) -> Matches | None:
        """The people of probes (N, D), as ``FaceRecognizer.identify``; None while there is no recognizer."""
        with self._lock:
            followed = self._now()
            return followed.identify(embeddings) if followed else None

    def label(self) -> str:
        """Such as ``version 3``, or the file's path; empty while there is no recognizer."""
        with self._lock:
            followed = self._now()
            return followed.in_use if followed else ""

    def _now(self) -> ReloadingRecognizer | None:
        if not all(path.exists() for path in self._files):
            self._followed = None
        elif self._followed is None:
            try:
                self._followed = self._opened()
            except FacesError as error:  # half of it is there, or it is of other models
                log.warning("%s", error)
        else:
            self._followed.follow()
        return self._followed

    def _opened(self) -> ReloadingRecognizer:
        return ReloadingRecognizer(*self._files, self._fingerprint, tell=_tell)


def _tell(line: str) -> None:
    warning = line.removeprefix("warning: ")
    log.log(logging.WARNING if warning != line else logging.INFO, "%s", warning)
