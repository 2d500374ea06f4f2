"""Record a run: collect what it does, and write the record when it ends, fails or is stopped."""

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
from faces.files.temporary import sweep
from faces.files.writing import check_writable
from faces.records import environment, manifests
from faces.records.folder import Runs, beside
from faces.records.manifests import Manifest
from faces.records.record import Data, File, Run, Status, Value
from faces.types import Fingerprint


class Recorder:
    """Collects what a run does.

    id: of the record.
    command: the command line, without passwords.
    ended: the record, once it is written.
    """

    def __init__(self, folder: Path, kind: str, options: Mapping[str, Any]) -> None:
        began = datetime.now(timezone.utc)
        moment = f"{began:%Y%m%dT%H%M%S%f}"[:-3]
        self.id = f"{moment}-{kind}-{secrets.token_hex(3)}"
        self.ended: Run | None = None
        self._folder, self._kind, self._options = folder, kind, environment.plain(options)
        self._time, self._clock = began.isoformat(timespec="milliseconds"), time.monotonic()
        self.command, self._code = environment.command_line(), environment.code_of(environment.ROOT)
        self._models: Fingerprint | None = None
        self._data: list[Data] = []
        self._figures: dict[str, Value] = {}
        self._inputs: list[File] = []
        self._artefacts: list[File] = []
        self._notes: list[str] = []

    def models(self, fingerprint: Fingerprint | None) -> None:
        """Set the models that made the embeddings; None if unknown."""
        self._models = fingerprint

    def data(self, manifest: Manifest | None, role: str = "photographs") -> None:
        """Add a data set that the run reads; None if unknown. Raises FacesError when the manifest cannot be written."""
        if manifest is None:
            return
        data = Data(role, manifest.save(self._folder), *manifest.used)
        if data not in self._data:  # several models may read the same photographs
            self._data.append(data)

    def figure(self, name: str, value: Value) -> None:
        """Set a figure of the result, without names of people."""
        self._figures[name] = value

    def input(self, path: Path) -> None:
        """Add a file that the run reads. Raises FacesError when it cannot be read."""
        self._inputs.append(File.of(path))

    def artefact(self, path: Path) -> None:
        """Add a file that the run wrote, as it is now. Raises FacesError when it cannot be read."""
        self._artefacts.append(File.of(path))

    def note(self, text: str) -> None:
        """Add a note for readers of the record."""
        self._notes.append(text)

    def end(self, status: Status, error: str = "") -> None:
        """Write the record. Raises FacesError."""
        earlier = Runs(self._folder)
        parents = [
            earlier.maker(file.sha256) or Runs(beside(Path(file.path))).maker(file.sha256) for file in self._inputs
        ]
        self.ended = Run(
            id=self.id,
            kind=self._kind,
            time=self._time,
            seconds=round(time.monotonic() - self._clock, 3),
            status=status,
            command=self.command,
            code=self._code(),
            python=python_version(),
            platform=environment.system(),
            error=error,
            packages=environment.packages(),
            parameters=self._options,
            models=None if self._models is None else self._models.to_dict(),
            data=tuple(self._data),
            figures=self._figures,
            inputs=tuple(self._inputs),
            artefacts=tuple(self._artefacts),
            parents=tuple(dict.fromkeys(parent.id for parent in parents if parent)),
            notes=tuple(self._notes),
        )
        self.ended.save(self._folder)


@contextmanager
def recording(folder: Path, kind: str, options: Mapping[str, Any]) -> Iterator[Recorder]:
    """Record a ``with`` block, also when it fails or is stopped. A UsageError leaves no record.

    folder: of the records.
    kind: extract, train, evaluate, ...
    options: of the command.
    Raises FacesError: at the start when the folder is not writable, at the end when the record cannot be written.
    """
    check_writable(folder / "record.json")
    sweep(folder / manifests.FOLDER)  # which is written only if the photographs are other ones
    run = Recorder(folder, kind, options)
    try:
        yield run
    except UsageError:
        raise
    except BrokenPipeError:  # the reader of stdout, such as head, has read enough
        run.end("succeeded")
        raise
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | GeneratorExit)
        with suppress(FacesError):  # report the first error
            run.end("stopped" if stopped else "failed", _line(error))
        raise
    try:
        run.end("succeeded")
    except FacesError as error:
        written = ", ".join(file.path for file in run._artefacts)
        raise FacesError(
            f"{error}; there is no record of this run{f', but its files are written: {written}' if written else ''}"
        ) from error


def _line(error: BaseException) -> str:
    text = (str(error).strip().splitlines() or [""])[0]
    if isinstance(error, FacesError | KeyboardInterrupt):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
