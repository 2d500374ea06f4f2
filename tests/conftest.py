"""What the tests of the scripts share: a sample data set, what the scripts make of it, and a way to run them."""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PEOPLE, PHOTOS = 4, 3

Result = subprocess.CompletedProcess[str]
RunScript = Callable[..., Result]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count tests on photographs, those beside dlib, and exhaustive ones as slow."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("accuracy", "dlib", "exhaustive")):
            item.add_marker(pytest.mark.slow)


def patience(seconds: float) -> float:
    """Return how long to wait for what takes an idle machine less than ``seconds``: longer on a busy machine."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return seconds * max(1.0, 2 * load / (os.cpu_count() or 1))


def environment(**changes: str) -> dict[str, str]:
    """This process's, without a display and with output that arrives as it is printed."""
    plain = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return {**plain, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", **changes}


def command(script: str, *args: object) -> list[str]:
    """Return a script of the top folder, or a command such as ``evaluate``, with its arguments, for this Python."""
    start = [str(ROOT / script)] if script.endswith(".py") else ["-m", "faces", script]
    return [sys.executable, *start, *(str(arg) for arg in args)]


def open_terminal() -> tuple[int, int]:
    """The two ends of a terminal of 80 columns: one to read from, one to give to a process. POSIX only."""
    import fcntl
    import termios

    reader, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return reader, terminal


def terminal_output(reader: int, terminal: int) -> str:
    """What processes print on a terminal of ``open_terminal`` until they all have ended; close it."""
    os.close(terminal)
    shown = b""
    try:
        while data := os.read(reader, 4096):
            shown += data
    except OSError:  # how Linux ends a terminal whose last writer has gone
        pass
    os.close(reader)
    return shown.decode()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too: what must be the same before and after a failure.

    But for the records of runs, which a failure adds to.
    """
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if "runs" not in path.relative_to(folder).parts
    }


@contextmanager
def disk(folder: Path, size: str) -> Iterator[Path]:
    """A folder that is a disk of a size such as ``64k``; the test is skipped where none may be mounted."""
    folder.mkdir()
    if shutil.which("mount") is None or os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    options = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(options, capture_output=True, check=False).returncode:
        pytest.skip("no disk may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class Running:
    """A script that stays, and what it has said so far: stdout and stderr."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the output of a script that has ended."""
        self._thread.join(patience(5))  # a worker process may outlive a killed script
        if not self._thread.is_alive() and self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def wait_for(self, words: str, seconds: float = 40) -> None:
        """For a line with these words, after those that were waited for before."""
        start = time.monotonic()
        while time.monotonic() < start + patience(seconds):
            for number, line in enumerate(self.lines):
                if words in line:
                    del self.lines[: number + 1]
                    return
            time.sleep(0.05)
        raise AssertionError(f"{words!r} was not said: {self.lines}")


@contextmanager
def running(*args: object, cwd: Path, env: dict[str, str] | None = None) -> Iterator[Running]:
    """Starts a script and, in the end, kills it."""
    process = subprocess.Popen(
        command(*map(str, args)),
        cwd=cwd,
        env=environment(**(env or {})),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    script = Running(process)
    try:
        yield script
    finally:
        process.kill()
        process.wait()
        script.close()


@pytest.fixture(scope="session")
def run_script() -> RunScript:
    """Runs a script in a folder, in a process of its own: ``run_script("train_model.py", "-e", path, cwd=folder)``."""

    def run(script: str, *args: object, cwd: Path, env: dict[str, str] | None = None, **more: Any) -> Result:
        return subprocess.run(
            command(script, *args),
            cwd=cwd,
            env=environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=patience(120),
            check=False,
            **more,
        )

    return run


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[RunScript]:
    """Runs a script in a folder as ``run_script``, but in this process, which has imported everything.

    Not for what ends a process, starts some, or depends on the environment.
    """
    from faces.cli import running as runs

    numbers = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]
    handlers = {number: signal.getsignal(number) for number in numbers}
    log = logging.getLogger("faces.models")
    logged = log.handlers, log.propagate, log.level

    def run(script: str, *args: object, cwd: Path) -> Result:
        words = [str(ROOT / script), *map(str, args)]
        with monkeypatch.context() as patched, pytest.raises(SystemExit) as stop:
            patched.chdir(cwd)
            patched.setattr(sys, "argv", words)
            capfd.readouterr()
            runs.run(importlib.import_module(script.removesuffix(".py")).main)
        assert isinstance(stop.value.code, int)
        return Result(words, stop.value.code, *capfd.readouterr())

    yield run
    log.handlers, log.propagate, _ = logged
    log.setLevel(logged[2])
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, run_script: RunScript) -> Path:
    """A folder with drawn people in ``dataset/``, and group pictures, a film and the truth in ``sample/``."""
    folder = tmp_path_factory.mktemp("sample")
    result = run_script("sample", "--people", PEOPLE, "--photos", PHOTOS, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="session")
def extraction(sample: Path, run_script: RunScript) -> Result:
    """What ``extract_embeddings.py`` says, run without options beside the sample data."""
    result = run_script("extract_embeddings.py", cwd=sample)
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="session")
def training(sample: Path, extraction: Result, run_script: RunScript) -> Result:
    """What ``train_model.py`` says, run without options after it."""
    result = run_script("train_model.py", cwd=sample)
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="session")
def trained(sample: Path, training: Result) -> Path:
    """The sample folder, with the three pickles in ``output/``: to read from, not to write into."""
    return sample


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    """A folder of the test's own, as after training: links to ``dataset`` and ``sample``, a copy of ``output``."""
    folder = tmp_path / "my project"  # spaces are ordinary
    folder.mkdir()
    for name in ("dataset", "sample"):
        (folder / name).symlink_to(trained / name, target_is_directory=True)
    shutil.copytree(trained / "output", folder / "output")
    return folder
