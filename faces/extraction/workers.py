"""Many photographs at once: by processes of this machine, or by a Dask cluster."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from queue import Empty, SimpleQueue
from types import ModuleType
from typing import Any, Protocol

from faces.errors import FacesError, FingerprintError
from faces.extraction.dask import Cluster
from faces.extraction.task import EMBEDDED_TOGETHER, KEPT, Result, Task, WorkerDiedError
from faces.pipeline import Enrolment
from faces.processes import begin, uninterrupted
from faces.types import Fingerprint

__all__ = ["EMBEDDED_TOGETHER", "Processes", "Task", "Workers", "enrol", "start"]

DEATHS = 20  # in a row, without a photograph in between: then it is not the photographs
LOOK = 1  # seconds between two looks at whether the workers are still there


class Workers(Protocol):
    """Processes somewhere that run the task."""

    @property
    def together(self) -> int:
        """Photographs in one call of ``submit``."""
        ...

    @property
    def slots(self) -> int:
        """How many calls keep all of them busy; raises FacesError when there is nobody left to do any."""
        ...

    def submit(self, paths: Sequence[str]) -> Future[Result]:
        """Let one of them run the task."""
        ...

    def result(self, future: Future[Result]) -> Result:
        """Of a future that is done; raises WorkerDiedError, and FacesError when others would fare no better."""
        ...

    def close(self) -> None:
        """Stop, whatever is still going on."""
        ...


class _Process(SpawnProcess):
    """A process that does not import the program's main module, so that a script needs no ``if __name__``."""

    @staticmethod
    def _Popen(process: BaseProcess) -> Any:  # noqa: N802
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return SpawnProcess._Popen(process)
        finally:
            sys.modules["__main__"] = main


class _Context(SpawnContext):
    Process = _Process


class Processes:
    """Processes of this machine. One that a photograph kills is replaced."""

    together = EMBEDDED_TOGETHER

    def __init__(self, task: Task, count: int) -> None:
        from pebble import ProcessPool

        self.slots = 2 * count  # one at work, one ready
        self._task = task
        self._pool = ProcessPool(count, initializer=begin, context=_Context())

    def submit(self, paths: Sequence[str]) -> Future[Result]:
        with uninterrupted():
            future: Future[Result] = self._pool.schedule(self._task, args=[paths])
        return future

    def result(self, future: Future[Result]) -> Result:
        from pebble import ProcessExpired

        try:
            return future.result()
        except (ProcessExpired, MemoryError) as error:
            raise WorkerDiedError from error

    def close(self) -> None:
        self._pool.stop()
        self._pool.join()


def start(task: Task, count: int, scheduler: str | None = None) -> Workers:
    """``count`` processes here, or those of a Dask scheduler. Raises FacesError."""
    return Cluster(task, scheduler, count) if scheduler else Processes(task, count)


def enrol(
    workers: Workers, paths: Iterable[str], fingerprint: Fingerprint
) -> Iterator[tuple[Sequence[str], list[Enrolment]]]:
    """Paths and what became of them, a few at a time, in the order in which they are done; each path once.

    Photographs whose worker dies are done again in the end, one by one and with nothing else going on, since a
    cluster's worker takes with it what waits for it as well; one whose worker dies then too is left out.
    Raises FingerprintError when a worker has other models than ``fingerprint``, and FacesError when all workers die.
    """
    remaining, suspects, alone = iter(paths), deque[str](), [""]
    working: dict[Future[Result], list[str]] = {}
    done: SimpleQueue[Future[Result]] = SimpleQueue()

    def send(some: list[str]) -> None:
        future = workers.submit(some)
        working[future] = some
        future.add_done_callback(done.put)

    deaths = 0
    while True:
        while len(working) < workers.slots and (some := list(islice(remaining, workers.together))):
            send(some)
        if not working:
            if not suspects:
                return
            send(alone := [suspects.popleft()])
        try:
            future = done.get(timeout=LOOK)
        except Empty:  # look whether there is still somebody at work
            continue
        some = working.pop(future)
        try:
            theirs, enrolments = workers.result(future)
        except WorkerDiedError as error:
            deaths += 1
            if deaths > DEATHS:
                raise FacesError(f"the workers die, one after the other; is there enough memory? {KEPT}") from error
            if some is not alone:
                suspects.extend(some)
                continue
            theirs, enrolments = fingerprint, [Enrolment(reason="its worker died of it")]
        else:
            deaths = 0
        if different := theirs.difference(fingerprint):
            raise FingerprintError(f"a worker has {different}; give all the same, restart them, and run it again")
        yield some, enrolments
