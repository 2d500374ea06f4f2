"""Processes of this machine that end when this one does, and never see Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import Any, TypeVar

from faces.errors import FacesError

Job = TypeVar("Job")
Done = TypeVar("Done")


def mapped(
    work: Callable[[Job], Done], jobs: Sequence[Job], count: int | None, start: Callable[..., None], *given: Any
) -> Iterator[Done]:
    """What processes make of each job, in the order of the jobs.

    work, start: functions of a module. count: of processes; one a core if None. start: called with ``given`` in each
    process, first of all. Raises FacesError when one of them dies.
    """
    try:
        with ProcessPoolExecutor(count, get_context("spawn"), initializer=_ready, initargs=(start, given)) as pool:
            with uninterrupted():
                found = pool.map(work, jobs)
            yield from found
    except BrokenProcessPool as error:
        raise FacesError("a process was ended, perhaps for want of memory; run it again") from error


def _ready(start: Callable[..., None], given: Sequence[Any]) -> None:
    begin()
    start(*given)


def begin() -> None:
    """A new process: Ctrl-C is the parent's business, and nothing is left to do when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Pebble's handler would print a traceback when Python ends meanwhile
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Processes that start meanwhile never see Ctrl-C, even before ``begin``; this one sees it a moment later."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
