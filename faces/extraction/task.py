"""What a worker does: photographs by their paths in, enrolments out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from faces.datasets import Dataset, Folder
from faces.detection import BUILT_IN
from faces.errors import FacesError, reason_of
from faces.pipeline import Enrolment, process_pipeline
from faces.types import Fingerprint

EMBEDDED_TOGETHER = 8  # photographs: with their mirror images, as many crops as the embedder takes at once
KEPT = "what was done is kept: run it again"

Models = tuple[str, str, float, str]  # detector, embedding model, confidence, accuracy
Result = tuple[Fingerprint, list[Enrolment]]


class WorkerDiedError(Exception):
    """The process that worked on some photographs is gone; whoever sent them tries again."""


@dataclass(frozen=True)
class Task:
    """What a worker does with paths of a data set. models: for ``Pipeline.load``, choosy: for its ``enrol``."""

    dataset: Dataset
    models: Models
    choosy: bool = True

    def __call__(self, paths: Sequence[str]) -> Result:
        if isinstance(self.dataset, Folder) and not self.dataset.folder.is_dir():
            raise FacesError(f"{self.dataset.folder}: no such folder on {socket.gethostname()}")
        with _one_at_a_time:
            pipeline = process_pipeline(*self.models)
        with ThreadPoolExecutor(1) as ahead:  # the next files are read while the first are looked at
            files = ahead.map(self._read, paths)
            rows = range(0, len(paths), EMBEDDED_TOGETHER)
            found = [pipeline.enrol(islice(files, EMBEDDED_TOGETHER), self.choosy) for _ in rows]
        return pipeline.fingerprint, [enrolment for some in found for enrolment in some]

    def _read(self, path: str) -> bytes | str:
        try:
            return self.dataset.read(path)
        except OSError as error:
            return f"unreadable: {reason_of(error)}"

    def absolute(self) -> Task:
        """The same for processes that are in other folders."""
        dataset = self.dataset
        if isinstance(dataset, Folder):
            dataset = replace(dataset, folder=dataset.folder.absolute())
        detector, embedder = (name if name == BUILT_IN else str(Path(name).absolute()) for name in self.models[:2])
        return replace(self, dataset=dataset, models=(detector, embedder, *self.models[2:]))


_one_at_a_time = threading.Lock()  # a cluster's process may have several threads
