"""Recording a run: what is told while it goes on is written when it ends, however that is."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from platform import python_version
from typing import Any

from faces.errors import FacesError, UsageError
from faces.files.writing import check_writable
from faces.records import environment
from faces.records.folder import Runs, beside
from faces.records.manifests import Manifest
from faces.records.record import Data, File, Run, Status, Value
from faces.types import Fingerprint


class Recorder:
    """Takes down what a run does.

    id: the record's, from the start. command: what was typed, without passwords. ended: the record, once it is written.
    """

    def __init__(self, folder: Path, kind: str, options: Mapping[str, Any]) -> None:
        began = datetime.now(timezone.utc)
        moment = f"{began:%Y%m%dT%H%M%S%f}"[:-3]
        self.id = f"{moment}-{kind}-{secrets.token_hex(3)}"
        self.ended: Run | None = None
        self._folder, self._kind, self._options = folder, kind, environment.plain(options)
        self._time, self._clock = began.isoformat(timespec="milliseconds"), time.monotonic()
        self.command, self._code = environment.typed(), environment.code_of(environment.ROOT)
        self._models: Fingerprint | None = None
        self._data: list[Data] = []
        self._figures: dict[str, Value] = {}
        self._inputs: list[File] = []
        self._artefacts: list[File] = []
        self._notes: list[str] = []

    def models(self, fingerprint: Fingerprint | None) -> None:
        """Which models made the embeddings, where that is known."""
        self._models = fingerprint

    def data(self, manifest: Manifest | None, role: str = "photographs") -> None:
        """A data set that is looked at; None for one that nobody knows. Raises FacesError when it cannot be kept."""
        if manifest is None:
            return
        data = Data(role, manifest.save(self._folder), *manifest.used)
        if data not in self._data:  # several models may look at the same photographs
            self._data.append(data)

    def figure(self, name: str, value: Value) -> None:
        """A figure that tells how it went. No names of people."""
        self._figures[name] = value

    def input(self, path: Path) -> None:
        """A file that is read. Raises FacesError when it cannot be."""
        self._inputs.append(File.of(path))

    def artefact(self, path: Path) -> None:
        """A file that was written, as it is now. Raises FacesError when it cannot be read."""
        self._artefacts.append(File.of(path))

    def note(self, text: str) -> None:
        """What else a reader should know."""
        self._notes.append(text)

    def end(self, status: Status, error: str = "") -> None:
        """Write the record. Raises FacesError."""
        earlier = Runs(self._folder)
        parents = [earlier.maker(one.sha256) or Runs(beside(Path(one.path))).maker(one.sha256) for one in self._inputs]
        self.ended = Run(
            self.id,
            self._kind,
            self._time,
            round(time.monotonic() - self._clock, 3),
            status,
            self.command,
            self._code(),
            python_version(),
            environment.system(),
            error,
            environment.packages(),
            self._options,
            None if self._models is None else self._models.to_dict(),
            tuple(self._data),
            self._figures,
            tuple(self._inputs),
            tuple(self._artefacts),
            tuple(dict.fromkeys(one.id for one in parents if one)),
            tuple(self._notes),
        )
        self.ended.save(self._folder)


@contextmanager
def recording(folder: Path, kind: str, options: Mapping[str, Any]) -> Iterator[Recorder]:
    """Record what happens within, also when it fails or is stopped; a UsageError is no run.

    Raises FacesError: at once when the folder is not writable; in the end when the record cannot be written.
    """
    check_writable(folder / "record.json")
    run = Recorder(folder, kind, options)
    try:
        yield run
    except UsageError:
        raise
    except BrokenPipeError:  # the reader of what is said, such as head, has seen enough
        run.end("succeeded")
        raise
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | GeneratorExit)
        with suppress(FacesError):  # what went wrong first is what is said
            run.end("stopped" if stopped else "failed", _line(error))
        raise
    try:
        run.end("succeeded")
    except FacesError as error:
        done = ", ".join(one.path for one in run._artefacts)
        raise FacesError(
            f"{error}; there is no record of this run{f', but what it made: {done}' if done else ''}"
        ) from error


def _line(error: BaseException) -> str:
    text = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, FacesError | KeyboardInterrupt):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
