"""Worker processes that end with this process and ignore Ctrl-C."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, TypeVar

from faces.errors import FacesError, reason_of

Job = TypeVar("Job")
Done = TypeVar("Done")


def mapped(work: Callable[[Job], Done], jobs: Sequence[Job], count: int | None = None) -> Iterator[Done]:
    """Run ``work`` on each job in worker processes; yield the results in the order of the jobs.

    work: a function of a module, or a ``partial`` of one; what it loads once per process it caches itself.
    count: number of processes; None: one per core.

    Raises FacesError if no process can be started or one dies, and whatever ``work`` raises.
    """
    try:
        with explained_start():
            pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=begin)
        with pool:
            with explained_start(), uninterrupted():
                results = pool.map(work, jobs)
            yield from results
    except BrokenProcessPool as error:
        raise FacesError("a worker process was killed, perhaps because memory ran out; run it again") from error


@contextmanager
def explained_start() -> Iterator[None]:
    """Raise FacesError if worker processes cannot be started in this block."""
    try:
        yield
    except (OSError, ImportError, BrokenProcessPool) as error:  # ImportError: a system without semaphores
        cause = error.__cause__ if isinstance(error, BrokenProcessPool) and error.__cause__ else error
        too_many = getattr(cause, "errno", None) == errno.EMFILE
        remedy = (
            "allow more: ulimit -n 1024" if too_many else "are semaphores possible here, as with a writable /dev/shm?"
        )
        raise FacesError(f"worker processes cannot be started: {reason_of(cause)}; {remedy}") from error


def begin() -> None:
    """Prepare a new worker process: it ignores Ctrl-C, which the parent handles, and ends when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Pebble's handler can print a traceback at exit
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Defer Ctrl-C to the end of this block; processes that start in it ignore it, even before ``begin``.

    Without this, a process would find nothing to read when this one is stopped between its start and what it is sent.
    Raises OSError if no process can be started.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # multiprocessing's: where a new process starts it, it unblocks the signal
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # what new processes inherit
    received: list[object] = []
    deferred = threading.current_thread() is threading.main_thread()
    if deferred:  # another thread, which does not block the signal, can receive it for the main thread
        handler = signal.signal(signal.SIGINT, lambda *arguments: received.append(arguments))
    try:
        yield
    finally:
        if deferred:
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if received:
            signal.raise_signal(signal.SIGINT)


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


class Context(SpawnContext):
    """Starts processes that do not import the program's main module."""

    Process = _Process
