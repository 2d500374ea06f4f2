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


START = """
import faces.extraction.workers as workers, faces.processes as processes, os, resource, sys, tests.test_processes
from pathlib import Path
from faces.cli.running import run
from faces.datasets import Folder

def start_mapped():
    return list(processes.mapped(tests.test_processes.work, range(4), 2))

def start_workers():
    import pebble
    task = workers.Task(Folder(Path("none")), ("built-in", "built-in", None, "default"))
    return workers.Processes(task, 2).submit(["1.jpg"]).result()

def main():
    if sys.argv[2] == "no files":
        import concurrent.futures.process, multiprocessing.synchronize, pebble, multiprocessing.popen_spawn_posix
        free = os.open(os.devnull, os.O_RDONLY)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + int(sys.argv[3]), free + int(sys.argv[3])))
    else:
        import multiprocessing.context, errno
        def refused(*_):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        for name in ("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event"):
            setattr(multiprocessing.context.BaseContext, name, refused)
    globals()[sys.argv[1]]()
    return 0

if __name__ == "__main__":
    run(main)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits and semaphores of POSIX")
@pytest.mark.parametrize("start", ["start_mapped", "start_workers"])
@pytest.mark.parametrize(
    ("trouble", "files", "words"),
    [
        *(("no files", str(files), "too many open files; allow more: ulimit -n 1024") for files in (0, 4, 8)),
        ("no semaphores", "", "read-only file system; are semaphores possible here, as with a writable /dev/shm?"),
    ],
)
def test_processes_that_cannot_be_started_are_one_clear_line(
    tmp_path: Path, start: str, trouble: str, files: str, words: str
) -> None:
    (tmp_path / "start.py").write_text(START)
    line = [sys.executable, str(tmp_path / "start.py"), start, trouble, files]
    env = environment(PYTHONPATH=str(ROOT))
    result = subprocess.run(line, env=env, capture_output=True, text=True, check=False, timeout=patience(60))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"error: worker processes cannot be started: {words}\n"


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


def is_blocked(_: object) -> bool:
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, set())


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be blocked")
def test_the_first_workers_of_a_program_are_born_with_ctrl_c_blocked() -> None:
    code = (
        "from tests.test_processes import is_blocked; from faces.extraction.workers import Processes;"
        "workers = Processes(is_blocked, 2);"
        "print([workers.submit([]).result() for _ in range(2)]); workers.close()"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, check=True)
    assert shown.stdout.split() == [b"[True,", b"True]"]
