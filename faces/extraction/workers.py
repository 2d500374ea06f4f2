"""Enrol photographs in parallel: the task of a worker, processes of this machine, and who does what."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

from faces.datasets import Dataset, Folder
from faces.detection import registry as detectors
from faces.embedding import registry as embedders
from faces.enrolment import Enrolment
from faces.errors import FacesError, FingerprintError, reason_of
from faces.pipeline import process_pipeline
from faces.processes import Context, begin, explained_start, uninterrupted
from faces.types import Fingerprint

BATCH_SIZE = 8  # photographs: with their mirror images, as many crops as the embedder takes
MAX_DEATHS = 20  # of workers in a row, without a result: then the photographs are not the cause
POLL = 1  # s between two checks that the workers are alive
KEPT = "what was done is kept: run it again"
DIED_OF = Enrolment(reason="its worker died of it")

Models = tuple[str, str, float | None, str]  # detector, embedding model, confidence, accuracy
Done = TypeVar("Done")
Results = tuple[Fingerprint, list[Done]]
Result = Results[Enrolment]
Work = Callable[[Sequence[str]], Results[Done]]
"""Gets paths, is sent to the workers; returns the models' fingerprint and the result of each, such as its enrolment."""

Progress = Callable[[int, int], object]
"""Gets the number of photographs done and their total."""

_loading = threading.Lock()  # a process of a cluster may have several threads


class WorkerDiedError(Exception):
    """The process that worked on a batch is gone; the caller tries again."""


@dataclass(frozen=True)
class Task:
    """Enrols photographs of a data set by their paths; is sent to the workers.

    models: the arguments of ``Pipeline.load``.
    check_quality: leave out faces that are too small or too blurred, as ``Pipeline.enrol`` does.
    """

    dataset: Dataset
    models: Models
    check_quality: bool = True

    def __call__(self, paths: Sequence[str]) -> Result:
        """Enrol photographs and return the models' fingerprint and the enrolment of each.

        Raises FacesError when the data set is not on this machine.
        """
        if isinstance(self.dataset, Folder) and not self.dataset.folder.is_dir():
            raise FacesError(f"{self.dataset.folder}: no such folder on {socket.gethostname()}")
        with _loading:
            pipeline = process_pipeline(*self.models)
        with ThreadPoolExecutor(1) as ahead:  # reads the next files while the first are embedded
            files = ahead.map(self._read, paths)
            rows = range(0, len(paths), BATCH_SIZE)
            batches = [pipeline.enrol(islice(files, BATCH_SIZE), self.check_quality) for _ in rows]
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


class Workers(Protocol[Done]):
    """Processes that run the task, on this machine or others."""

    @property
    def together(self) -> int:
        """The number of photographs in one call of ``submit``."""
        ...

    @property
    def slots(self) -> int:
        """The number of calls that keeps all workers busy. Raises FacesError when there are no workers."""
        ...

    def submit(self, paths: Sequence[str]) -> Future[Results[Done]]:
        """Let a worker run the task."""
        ...

    def result(self, future: Future[Results[Done]]) -> Results[Done]:
        """Return the result of a future that is done.

        Raises WorkerDiedError when the worker is gone, and FacesError for what fails in every worker.
        """
        ...

    def close(self) -> None:
        """Stop all work."""
        ...


class Processes(Generic[Done]):
    """Processes of this machine; one that dies is replaced."""

    together = BATCH_SIZE

    def __init__(self, task: Work[Done], count: int) -> None:
        from pebble import ProcessPool

        self.slots = 2 * count  # per process, one call at work and one waiting
        self._task = task
        with explained_start():
            self._pool = ProcessPool(count, initializer=begin, context=Context())

    def submit(self, paths: Sequence[str]) -> Future[Results[Done]]:
        """Let a worker run the task."""
        with explained_start(), uninterrupted():
            future: Future[Results[Done]] = self._pool.schedule(self._task, args=[paths])
        return future

    def result(self, future: Future[Results[Done]]) -> Results[Done]:
        """Return the result of a future that is done, as ``Workers.result``."""
        from pebble import ProcessExpired

        try:
            return future.result()
        except (ProcessExpired, MemoryError) as error:
            raise WorkerDiedError from error

    def close(self) -> None:
        """Stop all work."""
        self._pool.stop()
        self._pool.join()


def enrol_in_parallel(
    task: Task,
    paths: Sequence[str],
    fingerprint: Fingerprint,
    most: int,
    progress: Progress,
    start: Callable[[Task, int], Workers[Enrolment]] = Processes,
) -> Generator[tuple[str, Enrolment], None, None]:
    """Yield the path and the enrolment of each photograph as ``enrol`` does, from workers that it starts and stops.

    most: number of workers; fewer are started when there is less work.
    progress: called when the caller asks for the next photograph.
    start: starts that many workers.
    Raises FacesError as ``enrol`` does, and when no worker can be started.
    """
    return in_parallel(lambda count: start(task, count), paths, fingerprint, most, progress, DIED_OF)


def in_parallel(
    start: Callable[[int], Workers[Done]],
    paths: Sequence[str],
    fingerprint: Fingerprint,
    most: int,
    progress: Progress,
    died_of: Done,
) -> Generator[tuple[str, Done], None, None]:
    """Yield each path and its result; parameters as for ``enrol_in_parallel`` and ``completed``."""
    if not paths:
        return
    progress(0, len(paths))
    with closing(start(min(most, -(-len(paths) // BATCH_SIZE)))) as workers:
        for done, result in enumerate(completed(workers, paths, fingerprint, died_of), 1):
            yield result
            progress(done, len(paths))


def enrol(
    workers: Workers[Enrolment], paths: Iterable[str], fingerprint: Fingerprint
) -> Iterator[tuple[str, Enrolment]]:
    """Yield the path and the enrolment of each photograph, as ``completed`` does."""
    return completed(workers, paths, fingerprint, DIED_OF)


def completed(
    workers: Workers[Done], paths: Iterable[str], fingerprint: Fingerprint, died_of: Done
) -> Iterator[tuple[str, Done]]:
    """Yield the path and the result of each photograph, in the order of the work; each path once.

    Photographs whose worker dies are tried again at the end, one by one and with nothing else at work, since a worker
    of a cluster takes its waiting calls with it. A photograph whose worker dies again is left out.

    fingerprint: of the models that the workers must have.
    died_of: the result of a photograph whose worker dies twice.
    Raises FingerprintError when a worker has other models, and FacesError when all workers die.
    """
    remaining, suspects, alone = iter(paths), deque[str](), [""]
    working: dict[Future[Results[Done]], list[str]] = {}
    done: SimpleQueue[Future[Results[Done]]] = SimpleQueue()

    def send(batch: list[str]) -> None:
        future = workers.submit(batch)
        working[future] = batch
        future.add_done_callback(done.put)

    deaths = 0
    while True:
        while len(working) < workers.slots and (batch := list(islice(remaining, workers.together))):
            send(batch)
        if not working:
            if not suspects:
                return
            send(alone := [suspects.popleft()])
        try:
            future = done.get(timeout=POLL)
        except Empty:  # ``slots`` checks that there are workers
            continue
        batch = working.pop(future)
        try:
            models, enrolments = workers.result(future)
        except WorkerDiedError as error:
            deaths += 1
            if deaths > MAX_DEATHS:
                raise FacesError(f"one worker after another dies; is there enough memory? {KEPT}") from error
            if batch is not alone:
                suspects.extend(batch)
                continue
            models, enrolments = fingerprint, [died_of]
        else:
            deaths = 0
        if different := models.difference(fingerprint):
            raise FingerprintError(
                f"a worker has {different}; give all workers the same models, restart them, and run it again"
            )
        yield from zip(batch, enrolments, strict=True)
