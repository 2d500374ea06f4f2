"""The work of a worker: photographs by their paths in, enrolments out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

from faces.datasets import Dataset, Folder
from faces.detection import registry as detectors
from faces.embedding import registry as embedders
from faces.errors import FacesError, reason_of
from faces.pipeline import Enrolment, process_pipeline
from faces.types import Fingerprint

EMBEDDED_TOGETHER = 8  # photographs in a batch: with their mirror images, as many crops as the embedder takes
KEPT = "what was done is kept: run it again"

Models = tuple[str, str, float, str]  # detector, embedding model, confidence, accuracy
Result = tuple[Fingerprint, list[Enrolment]]


class WorkerDiedError(Exception):
    """The process that worked on a batch is gone; the caller tries again."""


@dataclass(frozen=True)
class Task:
    """Embeds photographs of a data set by their paths; is sent to the workers.

    models: the arguments of ``Pipeline.load``.
    check_quality: leave out faces that are too small or too blurred, as ``Pipeline.enrol`` does.
    """

    dataset: Dataset
    models: Models
    check_quality: bool = True

    def __call__(self, paths: Sequence[str]) -> Result:
        """Embed photographs and return the models' fingerprint and what became of each.

        Raises FacesError when the data set is not on this machine.
        """
        if isinstance(self.dataset, Folder) and not self.dataset.folder.is_dir():
            raise FacesError(f"{self.dataset.folder}: no such folder on {socket.gethostname()}")
        with _loading:
            pipeline = process_pipeline(*self.models)
        with ThreadPoolExecutor(1) as ahead:  # reads the next files while the first are embedded
            files = ahead.map(self._read, paths)
            rows = range(0, len(paths), EMBEDDED_TOGETHER)
            batches = [pipeline.enrol(islice(files, EMBEDDED_TOGETHER), self.check_quality) for _ in rows]
        return pipeline.fingerprint, [enrolment for batch in batches for enrolment in batch]

    def _read(self, path: str) -> bytes | str:
        try:
            return self.dataset.read(path)
        except OSError as error:
            return f"unreadable: {reason_of(error)}"

    def absolute(self) -> Task:
        """Return the task with absolute paths, for processes in other folders."""
        dataset = self.dataset
        if isinstance(dataset, Folder):
            dataset = replace(dataset, folder=dataset.folder.absolute())
        detector, embedder, confidence, accuracy = self.models
        models = detectors.absolute(detector), embedders.absolute(embedder), confidence, accuracy
        return replace(self, dataset=dataset, models=models)


_loading = threading.Lock()  # a process of a cluster may have several threads
