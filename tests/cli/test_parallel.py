"""Work on several cores at a time: results in order, no more work than is asked for."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from faces.cli.parallel import CORES, in_order


def test_results_come_in_order_however_long_each_takes() -> None:
    done = [threading.Event() for _ in range(CORES + 2)]

    def work(job: int) -> int:
        if job == 0:  # the first waits for the others that are at work
            assert done[CORES - 1].wait(20) or CORES == 1
        done[job].set()
        return job * job

    assert list(in_order(work, range(len(done)))) == [(job, job * job) for job in range(len(done))]


def test_no_more_is_begun_than_there_are_cores_before_a_result_is_used() -> None:
    begun: list[int] = []
    with closing(in_order(begun.append, range(1000))) as results:
        next(results)
    assert len(begun) <= CORES + 1


def test_an_error_comes_when_it_is_its_turn() -> None:
    results = in_order(lambda job: 1 // job, [1, 1, 0, 1])
    assert [next(results), next(results)] == [(1, 1), (1, 1)]
    with pytest.raises(ZeroDivisionError):
        next(results)
