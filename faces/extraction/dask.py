"""A Dask cluster as workers, on this machine or many."""

from __future__ import annotations

import asyncio
import logging
import pickle
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from faces.errors import FacesError
from faces.extraction.workers import BATCH_SIZE, KEPT, Result, Task, WorkerDiedError
from faces.files.writing import private

ANSWER_TIMEOUT = 10  # s, for a scheduler to answer
COUNT_INTERVAL = 5  # s between two counts of the workers
ABSENCE_LIMIT = 30  # s without workers after which the run ends: replacing one that died takes a few
START = "in the project's folder: python -m distributed.cli.dask_worker {} --nworkers -1"


class Cluster:
    """A Dask cluster: at a scheduler's address, or "local": ``count`` processes on this machine."""

    together = 4 * BATCH_SIZE  # a scheduler handles some thousand messages a second

    def __init__(self, task: Task, count: int, address: str) -> None:
        try:
            from distributed import Client, LocalCluster, __version__
        except ImportError as error:
            remedy = "run: pip install 'recognize-faces[cluster]'"
            raise FacesError(f"--scheduler needs Dask ({error}); {remedy}") from error

        for name in ("distributed", "distributed.client"):  # our errors say it in one line
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._task, self._address, self._start = task.absolute(), address, START.format(address)
        self._local: Any = None
        if address == "local":
            with _without_ctrl_c(), private():
                self._local = LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                    scheduler_kwargs={"allowed_failures": 0, "dashboard": False},
                )
        nobody = f"no scheduler answers at {address}; start one: dask scheduler"
        if self._local is None:
            try:  # first: a client that fails at it is left half made, or waits without end for a port that is silent
                asyncio.run(asyncio.wait_for(_greet(address), ANSWER_TIMEOUT))
            except (OSError, asyncio.TimeoutError) as error:  # of Python 3.10, a timeout is no OSError
                raise FacesError(nobody) from error
            except (ValueError, TypeError, FutureWarning) as error:  # unreadable, or TLS that is not set up
                reason, remedy = str(error).splitlines()[0], "give one such as tcp://host:8786"
                raise FacesError(
                    f"{address}: not an address of a scheduler that Dask can use ({reason}); {remedy}"
                ) from error
        try:
            self._client = Client(self._local or address, timeout=ANSWER_TIMEOUT, name="extract_embeddings")
        except (OSError, asyncio.TimeoutError) as error:
            raise FacesError(nobody) from error
        except (ImportError, ValueError, TypeError, AttributeError, KeyError) as error:  # it knows other messages
            reason, remedy = str(error).splitlines()[0], "install the same version of distributed in both places"
            raise FacesError(
                f"{address}: a scheduler of a Dask that does not fit distributed {__version__} here"
                f" ({reason}); {remedy}"
            ) from error
        self._executor = self._client.get_executor(pure=False)
        self._slots, self._looked, self._seen = 2, -float("inf"), time.monotonic()

    @property
    def slots(self) -> int:
        """See ``Workers.slots``."""
        now = time.monotonic()
        if now > self._looked + COUNT_INTERVAL:  # workers come and go
            with self._explained():
                threads = sum(self._client.nthreads(callback_timeout=ANSWER_TIMEOUT).values())
            if threads:
                self._slots, self._seen = 2 * threads, now
            elif now > self._seen + ABSENCE_LIMIT:
                raise FacesError(f"{self._address} has no workers; start some {self._start}; {KEPT}")
            self._looked = now
        return self._slots

    def submit(self, paths: Sequence[str]) -> Future[Result]:
        """Let a worker run the task."""
        with self._explained():
            future: Future[Result] = self._executor.submit(pickle.loads, pickle.dumps(_Call(self._task, paths)))
        return future

    def result(self, future: Future[Result]) -> Result:
        """Return the result of a future that is done, as ``Workers.result``."""
        with self._explained():
            return future.result()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from distributed import TimeoutError as TooLate
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker

        try:
            yield
        except (KilledWorker, MemoryError) as error:
            raise WorkerDiedError from error
        except FacesError as error:
            raise FacesError(f"a worker reports: {error}; {KEPT}") from error
        except (ImportError, AttributeError) as error:
            raise FacesError(
                f"a worker of {self._address} lacks a part of this project or a package ({error});"
                f" start it {self._start}; {KEPT}"
            ) from error
        except Exception as error:
            if self._client.status == "running" and not isinstance(error, (CancelledError, CommClosedError, TooLate)):
                raise
            raise FacesError(f"the scheduler at {self._address} went away; {KEPT}") from error

    def close(self) -> None:
        """Stop all work."""
        self._client.close(timeout=ANSWER_TIMEOUT)
        if self._local is not None:
            self._local.close(timeout=ANSWER_TIMEOUT)


async def _greet(address: str) -> None:
    """Exchange greetings with a scheduler. Raises OSError if nothing answers, ValueError for an unreadable address."""
    from distributed.comm import connect
    from distributed.security import Security

    comm = await connect(address, timeout=ANSWER_TIMEOUT, **Security().get_connection_args("client"))
    comm.abort()


@dataclass(frozen=True)
class _Call:
    """A call of the task, made where it is unpickled: only workers need this package, and a missing one is reported."""

    task: Task
    paths: Sequence[str]

    def __reduce__(self) -> tuple[Task, tuple[Sequence[str]]]:
        return self.task, (self.paths,)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Let processes that start meanwhile ignore Ctrl-C: this process handles it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
