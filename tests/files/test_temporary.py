"""What a process that was killed had begun to write does not stay, and what a living one writes does."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from faces.files import locks, temporary
from faces.files.temporary import CUT_SHORT, LEFT_OVER, sweep
from faces.files.writing import check_writable, put_in_place, write_bytes
from faces.records import recording
from faces.records.forgetting import forget
from faces.server.people.recognizer_erasure import erase_recognizers
from faces.versions.versions import LE, RECOGNIZER, Versions
from faces.video.sink import VideoSink
from tests.conftest import ROOT, RunScript, command, environment
from tests.recognition.test_recognizers import DLIB
from tests.video.test_sink import ENDLESS

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

KILLED_AT_A_RENAME = """
import os, runpy, signal, sys
from pathlib import Path

renames, replace = iter(range(int(sys.argv[1]))), Path.replace

def killed(path, target):
    if next(renames, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, target)

Path.replace = killed
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
WRITES = """
import sys, time
from pathlib import Path
from faces.files.temporary import create
files = [create(Path(sys.argv[1], "a.pickle")), create(Path(sys.argv[1], "film.mp4"), keep=True)]
for file in files:
    file.write(b"content")
    file.flush()
print("written", flush=True)
time.sleep(600)
"""


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*") if path.suffix != ".lock" and path.is_file())


def left_over(folder: Path, mark: str = LEFT_OVER, name: str = "k3xr0q7_") -> Path:
    """A file that a process left which is gone."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}{mark}"
    path.write_bytes(b"somebody's embedding")
    return path


@posix
def test_what_a_living_process_writes_stays_until_it_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITES, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "written\n"
        sweep(tmp_path)
        assert len(hidden(tmp_path)) == len(list(tmp_path.iterdir())) == 2
        process.kill()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
    assert (tmp_path / "film.mp4").read_bytes() == b"content"


def test_a_recording_that_was_cut_short_takes_no_other_files_name(tmp_path: Path) -> None:
    names = ("film.one", "film.two", "film.three")
    for name, seen in zip(names, ("film.mp4", "film-2.mp4", "film-3.mp4"), strict=True):
        left_over(tmp_path, f"{CUT_SHORT}.mp4", name)
        sweep(tmp_path)
        assert seen in {path.name for path in tmp_path.iterdir()} and not hidden(tmp_path)
    (tmp_path / f".film.four{CUT_SHORT}.mp4").touch()  # nothing was recorded
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_files_of_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (".a.lock", ".embeddings.pickle.checkpoint", "a.unfinished", ".bashrc.original", ".unfinishe"):
        (tmp_path / name).touch()
    (tmp_path / f".folder{LEFT_OVER}").mkdir()
    (tmp_path / f".link{LEFT_OVER}").symlink_to("a.unfinished")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / f".pipe{LEFT_OVER}")
    before = sorted(tmp_path.iterdir())
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == before
    path = left_over(tmp_path)
    if hasattr(os, "geteuid"):
        user = os.geteuid()
        with monkeypatch.context() as patched:
            patched.setattr(os, "geteuid", lambda: user + 1)
            sweep(tmp_path)
            assert path.exists()
    sweep(tmp_path)
    assert not path.exists()
    sweep(tmp_path / "gone")


@posix
def test_without_locks_the_age_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(temporary, "flock", refuse)
    write_bytes(tmp_path / "a", b"written")
    path = left_over(tmp_path)
    sweep(tmp_path)
    assert path.exists()
    status = path.stat()
    os.utime(path, (status.st_atime, status.st_mtime - 2 * temporary.LOCKLESS_AGE))
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_writing_and_sweeping_at_once(tmp_path: Path) -> None:
    def write(number: int) -> None:
        write_bytes(tmp_path / str(number % 8), b"%d" % number)
        sweep(tmp_path)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(800)))
    assert sorted(path.name for path in tmp_path.iterdir()) == [str(number) for number in range(8)]


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), temporary.temporary(tmp_path / "a") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    with temporary.temporary(tmp_path / "b", suffix=".keras") as file:
        assert file.name.endswith(f"{LEFT_OVER}.keras")
        put_in_place(file, tmp_path / "b")
    check_writable(tmp_path / "c")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_every_folder_that_a_run_writes_into_is_swept(tmp_path: Path) -> None:
    """Whoever holds the lock of a file, records a run, settles the versions or erases somebody."""
    runs, versions = tmp_path / "runs", tmp_path / "versions"
    with locks.only_one(tmp_path / "embeddings.pickle"):
        places = [left_over(place) for place in (tmp_path, runs, runs / "manifests", versions, versions / "1")]
    (versions / "1" / RECOGNIZER).touch()
    with locks.only_one(tmp_path / "embeddings.pickle"):
        assert [path.exists() for path in places] == [False, True, True, True, True]
    temporary._sweep_once.cache_clear()
    with recording(runs, "train", {}):
        assert [path.exists() for path in places] == [False, False, False, True, True]
    Versions(tmp_path / RECOGNIZER, tmp_path / LE).settle()
    assert hidden(tmp_path) == []

    places = [left_over(place) for place in (tmp_path, runs, runs / "manifests", versions / "1")]
    forget(runs, lambda sha256: False, {})
    erase_recognizers(tmp_path, np.ones((1, 2), np.float32), DLIB)
    assert hidden(tmp_path) == []


@posix
@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_kill_at_any_rename(project: Path, run_script: RunScript) -> None:
    """Of the tables, the gallery, the records, the recognizer, its label encoder, its report and the version."""
    lines = ("extract_embeddings.py", "--rebuild"), ("retrain.py", "--force")
    killed, left = 0, 0
    for line in lines:
        for rename in range(0, 20, 3):
            words = [sys.executable, "-c", KILLED_AT_A_RENAME, str(rename), *command(*line)[1:]]
            process = subprocess.run(words, cwd=project, env=environment(), capture_output=True, check=False)
            killed += process.returncode == -signal.SIGKILL
            if process.returncode != -signal.SIGKILL:
                break
            left += any(LEFT_OVER in name for name in hidden(project))
        assert run_script(*line, cwd=project).returncode == 0
        assert not [name for name in hidden(project) if LEFT_OVER in name]
    assert killed >= 4
    assert left >= 2  # at some renames nothing is open


@posix
@pytest.mark.slow
def test_the_next_run_names_a_recording_whose_process_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)], cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.kill()
    with VideoSink(tmp_path / "another.mp4", 25):
        pass
    assert not [name for name in hidden(tmp_path) if CUT_SHORT in name]
    assert {path.name for path in path.parent.glob("*.mp4")} == {"film.mp4", "film-2.mp4"}
