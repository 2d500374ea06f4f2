"""A Dask cluster of real processes: a scheduler and workers that come, go and die, and what is said of it."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from faces.commands import extract
from faces.datasets import Dataset, Folder, RemoteDataset
from faces.enrolment import Enrolment
from faces.errors import FacesError, FingerprintError
from faces.extraction import dask as extraction_dask
from faces.extraction import workers
from faces.extraction.workers import Models, Task
from faces.pipeline import Pipeline
from faces.recognition.gallery import Gallery
from faces.types import Fingerprint, ModelId
from tests.conftest import ROOT, RunScript, command, environment, patience
from tests.extraction.test_workers import DEADLY, MODELS, Dangerous, many, results, same

pytestmark = pytest.mark.slow

pytest.importorskip("distributed")
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

Process = subprocess.Popen[str]
PHOTOGRAPHS = 128  # four calls
PATIENCE = 60  # seconds until what is waited for must have happened


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def running(log: Path, cwd: Path, *words: object, **env: str) -> Iterator[Process]:
    """A process of Dask's, ended at the latest when the block is."""
    line = [sys.executable, "-m", *map(str, words), "--no-dashboard"]
    with log.open("a") as output:
        process = subprocess.Popen(line, cwd=cwd, env=environment(**env), stdout=output, stderr=output, text=True)
    try:
        yield process
    finally:
        process.terminate()  # a worker's nanny takes the worker with it
        try:
            process.wait(patience(10))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Dask:
    """A scheduler that knows nothing of this project, and the workers that a test adds."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        folder.mkdir()
        self.folder = folder
        self.log = folder / "dask.log"
        self._stack = stack
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        words = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", port)
        once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}  # not three times, for the tests' time
        self.scheduler = stack.enter_context(running(self.log, folder, *words, **once))
        wait_until(lambda: "Scheduler at:" in self.log.read_text())

    def worker(self, *options: str, cwd: Path = ROOT, **env: str) -> Process:
        """One of one thread, which registers soon."""
        words = ("distributed.cli.dask_worker", self.address, "--nthreads", "1", "--local-directory", self.folder)
        before = self.log.read_text().count("Register worker")
        process = self._stack.enter_context(running(self.log, cwd, *words, *options, **env))
        wait_until(lambda: self.log.read_text().count("Register worker") > before)
        return process


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    """A scheduler of the test's own, to which anything may be done."""
    with ExitStack() as stack:
        yield Dask(tmp_path / "dask", stack)


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    """A cluster that stays as it is: two workers, of one thread and of two."""
    with ExitStack() as stack:
        one = Dask(tmp_path_factory.mktemp("steady") / "dask", stack)
        one.worker()
        one.worker("--nthreads", "2")
        yield one


@pytest.fixture(scope="module")
def fingerprint() -> Fingerprint:
    return Pipeline.load(*MODELS).fingerprint


@pytest.fixture(scope="module")
def place(sample: Path, run_script: RunScript, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``dataset/``, and in ``local/`` what two processes of this machine make of it."""
    folder = tmp_path_factory.mktemp("place")
    many(sample, folder / "dataset", PHOTOGRAPHS)
    result = run_script("extract_embeddings.py", "-e", "local/embeddings.pickle", "--workers", 2, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


def as_locally(place: Path, embeddings: Path) -> bool:
    return embeddings.read_bytes() == (place / "local" / "embeddings.pickle").read_bytes()


def paths_in(place: Path) -> list[str]:
    return sorted(path.relative_to(place / "dataset").as_posix() for path in (place / "dataset").rglob("*.jpg"))


@contextmanager
def at_work(dataset: Dataset, dask: Dask | None, models: Models = MODELS) -> Iterator[workers.Workers[Enrolment]]:
    """The workers of a cluster, or of a local one of two."""
    some = extraction_dask.Cluster(Task(dataset, models), 2, dask.address if dask else "local")
    try:
        yield some
    finally:
        some.close()


# The same as here


def test_two_workers_give_the_same_file(steady: Dask, place: Path, run_script: RunScript, tmp_path: Path) -> None:
    output = tmp_path / "embeddings.pickle"
    result = run_script("extract_embeddings.py", "-e", output, "--scheduler", steady.address, cwd=place)
    assert (result.returncode, result.stdout.splitlines()[-1][:14]) == (0, f"{PHOTOGRAPHS} embeddings"), result.stderr
    assert as_locally(place, output)
    assert "Traceback" not in steady.log.read_text()
    again = run_script("extract_embeddings.py", "-e", output, "--scheduler", "tcp://127.0.0.1:1", cwd=place)
    assert (again.returncode, again.stderr) == (0, "")  # nothing is new, so nobody is asked
    assert as_locally(place, output)


def test_a_local_cluster_gives_the_same_file(place: Path, run_script: RunScript, tmp_path: Path) -> None:
    output = tmp_path / "embeddings.pickle"
    result = run_script("extract_embeddings.py", "-e", output, "--scheduler", "local", "--workers", 2, cwd=place)
    assert (result.returncode, "distributed" in result.stderr) == (0, False), result.stderr
    assert as_locally(place, output)


def test_photographs_at_an_address_give_the_same_bits(steady: Dask, place: Path, fingerprint: Fingerprint) -> None:
    paths = paths_in(place)[:40]
    here = Task(Folder(place / "dataset"), MODELS)
    with at_work(RemoteDataset(f"file://{place}/dataset"), steady) as some:
        assert same(results(some, paths, fingerprint), dict(zip(paths, here(paths)[1], strict=True)))


# Somebody goes


def test_a_killed_worker_costs_nothing(dask: Dask, place: Path, fingerprint: Fingerprint) -> None:
    first, _ = dask.worker("--no-nanny"), dask.worker("--no-nanny")
    paths = paths_in(place)
    with at_work(Folder(place / "dataset"), dask) as some:
        found = workers.enrol(some, paths, fingerprint)
        done = [next(found)]
        first.send_signal(signal.SIGKILL)
        done += found
    assert "Remove worker" in dask.log.read_text()
    assert sorted(path for path, _ in done) == paths  # each once
    here = Gallery.load(place / "local" / "embeddings.pickle")
    rows = dict(zip(here.paths, here.embeddings, strict=True))
    assert all(one.embedding is not None and one.embedding.tobytes() == rows[path].tobytes() for path, one in done)


def test_a_scheduler_that_goes_away_costs_nothing_that_was_done(
    dask: Dask, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dask.worker("--no-nanny")
    output = tmp_path / "embeddings.pickle"
    completed = workers.completed

    def and_kill(*args: Any) -> Iterator[Any]:
        found = completed(*args)
        yield next(found)
        dask.scheduler.kill()
        yield from found

    monkeypatch.setattr(extraction_dask, "ANSWER_TIMEOUT", 3)
    monkeypatch.chdir(place)
    with monkeypatch.context() as patch, pytest.raises(FacesError) as error:
        patch.setattr(workers, "completed", and_kill)
        extract.main(["-e", str(output), "--scheduler", dask.address])
    assert str(error.value) == f"the scheduler at {dask.address} went away; what was done is kept: run it again"
    assert not output.exists()
    left: list[str] = []

    def and_count(some: workers.Workers[Any], paths: Sequence[str], *args: Any) -> Iterator[Any]:
        left.extend(paths)
        return completed(some, paths, *args)

    monkeypatch.setattr(workers, "completed", and_count)
    assert extract.main(["-e", str(output), "--workers", "2"]) == 0
    assert 0 < len(left) <= PHOTOGRAPHS - extraction_dask.Cluster.together
    assert as_locally(place, output)


@posix
def test_ctrl_c_stops_a_local_cluster_without_a_word_of_its_own(place: Path, tmp_path: Path) -> None:
    words = command("extract_embeddings.py", "-e", tmp_path / "e.pickle", "--scheduler", "local", "--workers", 2)
    with subprocess.Popen(
        words, cwd=place, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        wait_until(lambda: len(at_work_for(run)) == 2)
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does it: everybody
        _, errors = run.communicate(timeout=PATIENCE)
    assert (run.returncode, errors) == (130, "stopped; what was there before is unchanged\n")
    assert not (tmp_path / "e.pickle").exists()


def at_work_for(run: Process) -> list[int]:
    """A script's processes that have models."""
    found = []
    for one in psutil.Process(run.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if any("onnxruntime" in file.path for file in one.memory_maps()):
                found.append(one.pid)
    return found


@posix
def test_a_scheduler_that_does_not_answer_any_more(
    dask: Dask, place: Path, fingerprint: Fingerprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction_dask, "ANSWER_TIMEOUT", 2)
    dask.worker()
    with at_work(Folder(place / "dataset"), dask) as some:
        found = workers.enrol(some, paths_in(place), fingerprint)
        next(found)
        dask.scheduler.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(FacesError, match=f"the scheduler at {dask.address} went away; what was done is kept"):
                list(found)
            some.close()
        finally:
            dask.scheduler.send_signal(signal.SIGCONT)


def test_a_scheduler_of_another_dask(steady: Dask, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of distributed 2024.8 answers one of 2026.8: its methods have other parameters."""

    async def identity(client: object, n_workers: int = 0) -> None:
        raise TypeError("Scheduler.identity() got an unexpected keyword argument 'n_workers'")

    monkeypatch.setattr("distributed.Client._update_scheduler_info", identity)
    with pytest.raises(FacesError, match=r"a scheduler of a Dask that does not fit distributed .* install the same"):
        extraction_dask.Cluster(Task(Folder(place / "dataset"), MODELS), 1, steady.address)


def test_a_port_that_accepts_and_says_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction_dask, "ANSWER_TIMEOUT", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(FacesError) as error:
            extraction_dask.Cluster(Task(Folder(place / "dataset"), MODELS), 1, address)
    assert str(error.value) == f"no scheduler answers at {address}; start one: dask scheduler"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tcp://no-such-host.invalid:8786"])
def test_no_scheduler(address: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction_dask, "ANSWER_TIMEOUT", 1)
    with pytest.raises(FacesError) as error:
        extraction_dask.Cluster(Task(Folder(place / "dataset"), MODELS), 1, address)
    assert str(error.value) == f"no scheduler answers at {address}; start one: dask scheduler"


@pytest.mark.parametrize("address", ["nowhere", "foo://127.0.0.1:8786", "tcp://", "tcp://[::1", "tcp://host:port"])
def test_no_address(address: str, place: Path) -> None:
    with pytest.raises(FacesError) as error:
        extraction_dask.Cluster(Task(Folder(place / "dataset"), MODELS), 1, address)
    says = rf"{re.escape(address)}: not an address of a scheduler that Dask can use \(.+\); give one such as tcp://host:8786"
    assert re.fullmatch(says, str(error.value))
    from distributed import Client

    # Collected while the next one starts, in its thread, it would wait for that one, which waits for the thread.
    assert not any(type(one) is Client and one.status == "connecting" for one in gc.get_objects())


@pytest.mark.parametrize("address", ["tls://127.0.0.1:1", "ucx://127.0.0.1:1"])
def test_an_address_that_needs_more_than_dask(address: str, run_script: RunScript, place: Path, tmp_path: Path) -> None:
    result = run_script("extract_embeddings.py", "-e", tmp_path / "e.pickle", "--scheduler", address, cwd=place)
    assert (result.returncode, "Traceback" in result.stderr) == (1, False), result.stderr
    assert f"error: {address}: not an address of a scheduler that Dask can use (" in result.stderr


def test_no_dask(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(FacesError, match=r"--scheduler needs Dask .*; run: pip install 'recognize-faces\[cluster\]'"):
        extraction_dask.Cluster(Task(Folder(place / "dataset"), MODELS), 1, "local")


def test_nobody_at_work_ends_the_run(
    dask: Dask, place: Path, fingerprint: Fingerprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction_dask, "ABSENCE_LIMIT", 3)
    monkeypatch.setattr(extraction_dask, "COUNT_INTERVAL", 0.5)
    says = f"{dask.address} has no workers; start some in the project's folder: python -m distributed.cli.dask_worker"
    paths = paths_in(place)
    with at_work(Folder(place / "dataset"), dask) as some, pytest.raises(FacesError, match=says):
        next(workers.enrol(some, paths, fingerprint))  # nobody ever came
    worker = dask.worker("--no-nanny")
    with at_work(Folder(place / "dataset"), dask) as some:
        found = workers.enrol(some, paths, fingerprint)
        next(found)
        worker.send_signal(signal.SIGKILL)
        with pytest.raises(FacesError, match=says):
            list(found)


def test_workers_that_come_later_are_waited_for(dask: Dask, place: Path, fingerprint: Fingerprint) -> None:
    paths = paths_in(place)[:8]
    with at_work(Folder(place / "dataset"), dask) as some, ThreadPoolExecutor(1) as pool:
        found = pool.submit(results, some, paths, fingerprint)
        dask.worker()
        assert all(one.embedding is not None for one in found.result().values())


# A photograph that kills


@pytest.mark.parametrize("local", [True, False])
def test_a_deadly_photograph_costs_itself(local: bool, dask: Dask, place: Path, fingerprint: Fingerprint) -> None:
    paths = paths_in(place)[:6]
    if not local:
        dask.worker("--nanny")
    with at_work(Dangerous(place / "dataset"), None if local else dask) as some:
        found = results(some, [*paths[:3], f"Ada/{DEADLY}", *paths[3:]], fingerprint)
    assert found.pop(f"Ada/{DEADLY}").reason == "its worker died of it"
    assert {one.reason for one in found.values()} == {""}


# Workers that are not as they should be


def test_a_worker_with_other_models(steady: Dask, place: Path, fingerprint: Fingerprint) -> None:
    other = Fingerprint(fingerprint.detector, fingerprint.aligner, ModelId("other", "5" * 64))
    says = rf"a worker has the embedder {fingerprint.embedder.name} .*, but this run uses other "
    with at_work(Folder(place / "dataset"), steady) as some, pytest.raises(FingerprintError, match=says):
        results(some, paths_in(place)[:1], other)


def test_a_worker_without_a_model(steady: Dask, place: Path, fingerprint: Fingerprint) -> None:
    says = r"a worker reports: .*sface.onnx: no such embedding model; .* run it again"
    models = ("built-in", "sface.onnx", 0.5, "fast")
    with at_work(Folder(place / "dataset"), steady, models) as some, pytest.raises(FacesError, match=says):
        results(some, paths_in(place)[:1], fingerprint)


def test_a_worker_that_does_not_see_the_data_set(steady: Dask, fingerprint: Fingerprint, tmp_path: Path) -> None:
    says = r"a worker reports: .*elsewhere: no such folder on "
    with at_work(Folder(tmp_path / "elsewhere"), steady) as some, pytest.raises(FacesError, match=says):
        results(some, ["Ada/1.jpg"], fingerprint)


def test_a_worker_without_this_project(dask: Dask, place: Path, run_script: RunScript, tmp_path: Path) -> None:
    (tmp_path / "faces.py").write_text("raise ModuleNotFoundError(\"No module named 'faces'\")")  # also if installed
    dask.worker(cwd=tmp_path, PYTHONPATH=str(tmp_path))
    output = tmp_path / "embeddings.pickle"
    result = run_script("extract_embeddings.py", "-e", output, "--scheduler", dask.address, cwd=place)
    assert (result.returncode, result.stderr.splitlines()[-1]) == (
        1,
        (
            f"error: a worker of {dask.address} lacks a part of this project or a package (No module named"
            f" 'faces'); start it in the project's folder: python -m distributed.cli.dask_worker {dask.address}"
            " --nworkers -1; what was done is kept: run it again"
        ),
    )


def test_the_command_that_the_errors_recommend_starts_a_worker_per_core(dask: Dask) -> None:
    words = extraction_dask.START.format(dask.address).partition("python -m ")[2].split()
    with running(dask.log, ROOT, *words, "--local-directory", dask.folder):
        wait_until(lambda: dask.log.read_text().count("Register worker") == os.cpu_count())
        assert dask.log.read_text().count("Threads:                          1") == os.cpu_count()
