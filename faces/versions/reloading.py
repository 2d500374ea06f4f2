"""A recognizer that follows its files: a video runs for weeks, and people are enrolled meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from faces.errors import FacesError
from faces.files.identity import FileIdentity, identity
from faces.recognition import recognizer_files
from faces.recognition.recognizers import FaceRecognizer, Recognizer
from faces.types import Fingerprint, Floats, Matches
from faces.versions.versions import label

EVERY = 1.0  # seconds between two looks at the files
SETTLED = 0.05  # seconds without a change, for who does not look all the time


class ReloadingRecognizer:
    """The recognizer in service; when its files change, the new one, as soon as it can be loaded.

    tell: takes a line for the user. in_use: which one it is, as ``versions.label`` says.
    Raises, when made, what ``recognizer_files.load`` raises; later on, nothing.
    """

    def __init__(self, recognizer: Path, le: Path, fingerprint: Fingerprint, tell: Callable[[str], None]) -> None:
        self._paths = recognizer, le
        self._fingerprint = fingerprint
        self._tell = tell
        self._tried = self._seen = self._state()
        self._recognizer = self._load()
        self.in_use, self._next_look = label(recognizer), time.monotonic() + EVERY

    @property
    def threshold(self) -> float:
        """The distance up to which a face is given a name; infinite for the recipe's, which names everybody."""
        return self._recognizer.threshold_.distance if isinstance(self._recognizer, FaceRecognizer) else float("inf")

    def identify(self, embeddings: Floats) -> Matches:
        """As ``FaceRecognizer.identify``, by the newest recognizer that there is."""
        if time.monotonic() >= self._next_look:
            self._follow()
            self._next_look = time.monotonic() + EVERY
        return self._recognizer.identify(embeddings)

    def follow(self) -> None:
        """Look now, and once more soon when something has changed: for who asks seldom."""
        self._follow()
        if self._seen != self._tried:
            time.sleep(SETTLED)
            self._follow()

    def _follow(self) -> None:
        """Load what is new and has not changed since the last look: then nobody is still writing it."""
        state, self._seen = self._seen, self._state()
        if state != self._seen or state == self._tried:
            return
        self._tried = state
        try:
            self._recognizer = self._load()
        except FacesError as error:
            self._tell(f"warning: {error}; {self.in_use} stays in use")
            return
        self.in_use = label(self._paths[0])
        self._tell(f"now using {self.in_use}")

    def _load(self) -> Recognizer:
        recognizer, warnings = recognizer_files.load(*self._paths, self._fingerprint)
        for warning in warnings:
            self._tell(f"warning: {warning}")
        return recognizer

    def _state(self) -> list[FileIdentity | None]:
        """What tells files that changed: where their links lead, and what they are."""
        return [identity(path) for path in self._paths]
