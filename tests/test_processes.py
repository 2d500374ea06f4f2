"""Processes that end with this one, in whichever way it ends, and of whose death is told in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from faces import processes
from faces.errors import FacesError
from tests.conftest import ROOT, environment, patience

WAITING = "from tests.test_processes import wait; wait({!r})"


def work(job: int) -> int:
    if job < 0:
        os._exit(1)
    return job + 10


def say_and_sleep(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)


def wait(folder: str) -> None:
    list(processes.mapped(say_and_sleep, [folder, folder], 2))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_is_made_comes_in_order() -> None:
    assert list(processes.mapped(work, range(5), 2)) == [10, 11, 12, 13, 14]
    assert list(processes.mapped(work, [], 2)) == []


def test_one_that_dies_is_one_clear_line() -> None:
    with pytest.raises(FacesError, match="a worker process was killed, perhaps because memory ran out; run it again"):
        list(processes.mapped(work, [1, -1, 2], 1))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_none_is_left_when_this_one_is_killed(tmp_path: Path, sent: int) -> None:
    line = [sys.executable, "-c", WAITING.format(str(tmp_path))]
    with subprocess.Popen(line, cwd=ROOT, env=environment(), stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.05)
        process.send_signal(sent)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    assert (process.returncode, len(workers)) == (-sent, 2)
    end = time.monotonic() + patience(10)
    while (left := [pid for pid in workers if alive(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be blocked")
def test_a_signal_that_another_thread_receives_is_deferred_too() -> None:
    ended = threading.Event()
    other = threading.Thread(target=ended.wait)  # starts before the block: it does not block the signal
    other.start()
    before, reached = signal.signal(signal.SIGINT, signal.default_int_handler), False
    try:
        with pytest.raises(KeyboardInterrupt), processes.uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            reached = True
    finally:
        signal.signal(signal.SIGINT, before)
        ended.set()
        other.join()
    assert reached
