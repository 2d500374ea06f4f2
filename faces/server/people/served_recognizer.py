"""The recognizer that names faces on the pages; reloaded when its files change."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock

from faces.errors import FacesError
from faces.recognition.recognizers import identify_together
from faces.types import Fingerprint, Floats, Matches
from faces.versions.reloading import ReloadingRecognizer

log = logging.getLogger(__name__)


class ServedRecognizer:
    """A recognizer and its label encoder, reloaded when their files change. Thread-safe.

    If the files are deleted, for instance because a person in them was erased, the recognizer is no longer used. New
    files are loaded as soon as they exist.

    recognizer, le: paths of the recognizer and of the label encoder.
    fingerprint: of the models in use.

    Raises the errors of ``recognizer_files.load`` when constructed.
    """

    def __init__(self, recognizer: Path, le: Path, fingerprint: Fingerprint) -> None:
        self._files, self._fingerprint = (recognizer, le), fingerprint
        self._lock = Lock()
        self._recognizer: ReloadingRecognizer | None = self._load()

    def identify(self, embeddings: Floats, exclusive: bool = False) -> Matches | None:
        """Identify probes.

        embeddings: float32 (N, D), unit length.
        exclusive: give no two probes the same name.

        Returns the matches, see ``FaceRecognizer.identify``; None if there is no recognizer.
        """
        with self._lock:
            recognizer = self._current()
            if recognizer is None:
                return None
            return identify_together(recognizer, embeddings) if exclusive else recognizer.identify(embeddings)

    def label(self) -> str:
        """Return a label such as ``version 3``, or the recognizer's path; "" if there is no recognizer."""
        with self._lock:
            recognizer = self._current()
            return recognizer.in_use if recognizer else ""

    def _current(self) -> ReloadingRecognizer | None:
        if not all(path.exists() for path in self._files):
            self._recognizer = None
        elif self._recognizer is None:
            try:
                self._recognizer = self._load()
            except FacesError as error:  # incomplete files, or files of other models
                log.warning("%s", error)
        else:
            self._recognizer.follow()
        return self._recognizer

    def _load(self) -> ReloadingRecognizer:
        return ReloadingRecognizer(*self._files, self._fingerprint, tell=_log_line)


def _log_line(line: str) -> None:
    warning = line.removeprefix("warning: ")
    log.log(logging.WARNING if warning != line else logging.INFO, "%s", warning)
