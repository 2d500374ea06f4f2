"""Work on many photographs with all cores, and give the results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

from faces.cli.progress import progress_bar

CORES = os.cpu_count() or 1

Job = TypeVar("Job")
Done = TypeVar("Done")


def threads_of_model(jobs: int) -> int | None:
    """Return how many threads a model is to use for one of several jobs; None: as many as there are cores."""
    return 1 if jobs > 1 else None


def in_order(work: Callable[[Job], Done], jobs: Iterable[Job]) -> Generator[tuple[Job, Done], None, None]:
    """Run ``work`` on each job, as many at a time as there are cores; yield jobs and results in the order of the jobs.

    Threads are enough: decoding and models leave Python's lock to others. No more jobs are begun than can be worked on
    while the caller uses a result. Raises what ``work`` raises, when it is that job's turn.
    """
    ahead: deque[tuple[Job, Future[Done]]] = deque()
    with ThreadPoolExecutor(CORES) as pool:
        try:
            for job in jobs:
                ahead.append((job, pool.submit(work, job)))
                if len(ahead) > CORES:
                    done, future = ahead.popleft()
                    yield done, future.result()
            while ahead:
                done, future = ahead.popleft()
                yield done, future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def in_order_with_bar(
    work: Callable[[Job], Done], jobs: Sequence[Job], unit: str = "photo"
) -> Generator[tuple[Job, Done], None, None]:
    """Do the work of ``in_order`` with a progress bar, where there are several jobs; unit: as for ``progress_bar``."""
    with progress_bar(unit) as progress, closing(in_order(work, jobs)) as results:
        for number, result in enumerate(results):
            if len(jobs) > 1:
                progress(number, len(jobs))
            yield result
        if len(jobs) > 1:
            progress(len(jobs), len(jobs))
