"""Many photographs at once: by processes of this machine, or by a Dask cluster."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import Any, Protocol

import cv2

from faces.datasets import Dataset
from faces.errors import FacesError
from faces.pipeline import Enrolment, Pipeline
from faces.types import Fingerprint

EMBEDDED_TOGETHER = 8  # photographs: with their mirror images, as many crops as the embedder takes at once
SENT_TOGETHER = 4 * EMBEDDED_TOGETHER  # to a cluster, whose scheduler manages some thousand messages a second
DEATHS = 20  # in a row, without a photograph in between: then it is not the photographs
ANSWER = 10  # seconds that a scheduler has to answer
LOOK = 5  # seconds between two looks at how many workers a cluster has

Result = tuple[Fingerprint, list[Enrolment]]


@dataclass(frozen=True)
class Task:
    """What a worker does with paths of a data set. models: as ``Pipeline.load`` takes them."""

    dataset: Dataset
    models: tuple[str, str, float]

    def __call__(self, paths: Sequence[str]) -> Result:
        pipeline = _pipeline(self.models)
        with ThreadPoolExecutor(1) as ahead:  # the next files are read while the first are looked at
            files = ahead.map(self._read, paths)
            rows = range(0, len(paths), EMBEDDED_TOGETHER)
            found = [pipeline.enrol(islice(files, EMBEDDED_TOGETHER)) for _ in rows]
        return pipeline.fingerprint, [enrolment for some in found for enrolment in some]

    def _read(self, path: str) -> bytes | str:
        try:
            return self.dataset.read(path)
        except OSError as error:
            return f"unreadable: {(error.strerror or str(error)).lower()}"


@cache
def _pipeline(models: tuple[str, str, float]) -> Pipeline:
    """Loaded once per process, for one core: there are as many processes as cores."""
    cv2.setNumThreads(1)
    return Pipeline.load(*models, threads=1)


class Workers(Protocol):
    """Processes somewhere that run the task."""

    @property
    def together(self) -> int:
        """Photographs in one call of ``submit``."""
        ...

    @property
    def died(self) -> tuple[type[BaseException], ...]:
        """What a future raises when the process that worked on it is gone."""
        ...

    @property
    def slots(self) -> int:
        """How many calls keep all of them busy."""
        ...

    def submit(self, paths: Sequence[str]) -> Future[Result]:
        """Let one of them run the task."""
        ...

    def close(self) -> None:
        """Stop, whatever is still going on."""
        ...


class Processes:
    """Processes of this machine. One that a photograph kills is replaced."""

    together = EMBEDDED_TOGETHER

    def __init__(self, task: Task, count: int) -> None:
        from pebble import ProcessExpired, ProcessPool

        self.died = (ProcessExpired,)
        self.slots = 2 * count  # one at work, one ready
        self._task = task
        self._pool = ProcessPool(count, initializer=_begin, context=get_context("spawn"))

    def submit(self, paths: Sequence[str]) -> Future[Result]:
        future: Future[Result] = self._pool.schedule(self._task, args=[paths])
        return future

    def close(self) -> None:
        self._pool.stop()
        self._pool.join()


def _begin() -> None:
    """A new process: Ctrl-C is the parent's business, and nothing is left to do when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class Cluster:
    """A Dask cluster: at a scheduler's address, or ``local``, one of ``count`` processes on this machine."""

    together = SENT_TOGETHER

    def __init__(self, task: Task, address: str, count: int) -> None:
        try:
            from distributed import Client, LocalCluster
            from distributed.scheduler import KilledWorker
        except ImportError as error:
            remedy = "run: pip install -r requirements-cluster.txt"
            raise FacesError(f"--scheduler needs Dask ({error}); {remedy}") from error

        self.died = (KilledWorker,)
        self._task = task
        self._local: Any = None
        if address == "local":
            self._local = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None, silence_logs=50)
        try:
            self._client = Client(self._local or address, timeout=ANSWER, name="extract_embeddings")
        except (OSError, ValueError) as error:
            raise FacesError(
                f"no scheduler answers at {address}; start one: dask scheduler, and workers: dask worker {address}"
            ) from error
        self._executor = self._client.get_executor(pure=False)
        self._slots, self._looked = 0, -float("inf")

    @property
    def slots(self) -> int:
        if time.monotonic() - self._looked > LOOK:  # workers come and go
            self._slots, self._looked = 2 * max(sum(self._client.nthreads().values()), 1), time.monotonic()
        return self._slots

    def submit(self, paths: Sequence[str]) -> Future[Result]:
        future: Future[Result] = self._executor.submit(self._task, paths)
        return future

    def close(self) -> None:
        self._client.close(timeout=ANSWER)
        if self._local is not None:
            self._local.close(timeout=ANSWER)


def start(task: Task, count: int, scheduler: str | None = None) -> Workers:
    """``count`` processes here, or those of a Dask scheduler. Raises FacesError."""
    return Cluster(task, scheduler, count) if scheduler else Processes(task, count)


def enrol(
    workers: Workers, paths: Iterable[str], fingerprint: Fingerprint
) -> Iterator[tuple[Sequence[str], list[Enrolment]]]:
    """Paths and what became of them, a few at a time, in the order in which they are done; each path once.

    A photograph whose worker dies is left out; those that were with it are done again, one by one.
    Raises FingerprintError when a worker has other models than ``fingerprint``, and FacesError when all workers die.
    """
    remaining, alone = iter(paths), deque[str]()
    working: dict[Future[Result], list[str]] = {}
    deaths = 0
    while True:
        while len(working) < workers.slots:
            some = [alone.popleft()] if alone else list(islice(remaining, workers.together))
            if not some:
                break
            working[workers.submit(some)] = some
        if not working:
            return
        for future in wait(working, return_when=FIRST_COMPLETED).done:
            some = working.pop(future)
            try:
                theirs, enrolments = future.result()
            except workers.died as error:
                deaths += 1
                if deaths > DEATHS:
                    raise FacesError("the workers die, one after the other; is there enough memory?") from error
                if len(some) > 1:
                    alone.extend(some)
                    continue
                theirs, enrolments = fingerprint, [Enrolment(reason="its worker died of it")]
            except (CancelledError, OSError) as error:
                raise FacesError("the scheduler went away; what was done is kept: run it again") from error
            else:
                deaths = 0
            theirs.require(fingerprint, "a worker", "give all the same models and versions")
            yield some, enrolments
