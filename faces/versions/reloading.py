"""A recognizer that reloads its files when they change: a video may run for weeks while people are enrolled."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from faces.errors import FacesError
from faces.files.identity import FileIdentity, identity
from faces.recognition import recognizer_files
from faces.recognition.assignment import Candidates
from faces.recognition.recognizers import FaceRecognizer, Recognizer
from faces.types import Fingerprint, Floats, Matches
from faces.versions.versions import label

CHECK_INTERVAL = 1.0  # s between two checks of the files
SETTLED = 0.05  # s without a change, for ``follow``


class ReloadingRecognizer:
    """The recognizer in service, replaced when its files change and can be loaded.

    recognizer, le: the files.
    fingerprint: the models that make the probes.
    tell: called with each line for the user.

    in_use: the recognizer in use, as ``versions.label`` names it.
    The constructor raises what ``recognizer_files.load`` raises; nothing is raised later.
    """

    def __init__(self, recognizer: Path, le: Path, fingerprint: Fingerprint, tell: Callable[[str], None]) -> None:
        self._paths = recognizer, le
        self._fingerprint = fingerprint
        self._tell = tell
        self._tried = self._seen = self._identities()
        self._recognizer = self._load()
        self.in_use, self._next_check = label(recognizer), time.monotonic() + CHECK_INTERVAL

    @property
    def threshold(self) -> float:
        """The distance up to which a face is given a name; infinite for the recipe's, which names everybody."""
        return self._recognizer.threshold_.distance if isinstance(self._recognizer, FaceRecognizer) else float("inf")

    def identify(self, embeddings: Floats) -> Matches:
        """Return the matches of the newest recognizer, as ``FaceRecognizer.identify``."""
        if time.monotonic() >= self._next_check:
            self._follow()
            self._next_check = time.monotonic() + CHECK_INTERVAL
        return self._recognizer.identify(embeddings)

    def candidates(self, embeddings: Floats) -> Candidates:
        """Return the candidates of the recognizer in use, as ``FaceRecognizer.candidates``."""
        return self._recognizer.candidates(embeddings)

    def match_probability(self, embeddings: Floats, names: Sequence[str], prior: float = 0.5) -> Floats:
        """Return the probabilities of the recognizer in use, as ``FaceRecognizer.match_probability``."""
        return self._recognizer.match_probability(embeddings, names, prior)

    def follow(self) -> None:
        """Check the files now, and again soon after a change: for callers that identify seldom."""
        self._follow()
        if self._seen != self._tried:
            time.sleep(SETTLED)
            self._follow()

    def _follow(self) -> None:
        """Load new files that have not changed since the last check: they are written completely."""
        state, self._seen = self._seen, self._identities()
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

    def _identities(self) -> list[FileIdentity | None]:
        """Return the identities of the files."""
        return [identity(path) for path in self._paths]
