"""Many photographs at once: each is done once, whoever dies, and with the same result whoever does it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest

from faces.datasets import Dataset, Folder
from faces.enrolment import Enrolment
from faces.errors import FacesError, FingerprintError
from faces.extraction import workers
from faces.extraction.workers import BATCH_SIZE, Result, Task, WorkerDiedError
from faces.pipeline import Pipeline
from faces.types import Fingerprint, ModelId

MODELS = ("built-in", "built-in", 0.5, "fast")
DEADLY, GREEDY = "deadly.jpg", "greedy.jpg"
FINGERPRINT = Fingerprint(*(ModelId(part, part * 10) for part in "dae"))


@dataclass(frozen=True)
class Dangerous(Folder):
    """A data set with photographs that end whoever reads them, or ask for more memory than there is."""

    def read(self, path: str) -> bytes:
        if path.endswith(DEADLY):
            os._exit(1)
        if path.endswith(GREEDY):
            raise MemoryError
        return super().read(path)


def many(sample: Path, folder: Path, number: int) -> list[str]:
    """The paths, sorted, of photographs in a folder, each with a content of its own."""
    drawn = sorted((sample / "dataset").rglob("*.jpg"))
    for at in range(number):
        source = drawn[at % len(drawn)]
        path = folder / source.parent.name / f"{at:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes() + b"%d" % at)  # after the picture's end
        os.utime(path, (1e9, 1e9))  # long ago: what is newer than a few seconds has no stamp yet
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))


def results(some: workers.Workers[Enrolment], paths: Sequence[str], fingerprint: Fingerprint) -> dict[str, Enrolment]:
    """What became of each path, which must be one of those asked for, and come once."""
    found: dict[str, Enrolment] = {}
    for path, enrolment in workers.enrol(some, paths, fingerprint):
        assert path not in found
        found[path] = enrolment
    assert sorted(found) == sorted(paths)
    return found


def same(first: dict[str, Enrolment], second: dict[str, Enrolment]) -> bool:
    """Bit for bit."""
    return first.keys() == second.keys() and all(content(first[path]) == content(second[path]) for path in first)


def content(one: Enrolment) -> tuple[object, ...]:
    face = () if one.face is None else (one.face.xyxy.tobytes(), one.face.score.tobytes())
    return one.sha256, one.reason, face, None if one.embedding is None else one.embedding.tobytes()


@pytest.fixture(scope="module")
def fingerprint() -> Fingerprint:
    return Pipeline.load(*MODELS).fingerprint


@pytest.fixture(scope="module")
def folder(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """21 photographs: two full batches and a part of one."""
    folder = tmp_path_factory.mktemp("photographs")
    many(sample, folder, 21)
    return folder


def paths_in(folder: Path) -> list[str]:
    return [one.path for one in Folder(folder).listing()[1]]


# What a worker does


def test_a_task_gives_what_the_pipeline_gives_one_photograph_at_a_time(folder: Path) -> None:
    paths = paths_in(folder)
    pipeline = Pipeline.load(*MODELS)
    fingerprint, enrolments = Task(Folder(folder), MODELS)(paths)
    assert fingerprint == pipeline.fingerprint
    assert all(one.embedding is not None for one in enrolments)
    for path, one in zip(paths, enrolments, strict=True):
        assert content(one) == content(pipeline.enrol([(folder / path).read_bytes()])[0])  # whatever is beside it


def test_what_cannot_be_read_has_the_reason(folder: Path) -> None:
    _, enrolments = Task(Folder(folder), MODELS)(["nobody/1.jpg", paths_in(folder)[0]])
    assert enrolments[0] == Enrolment(reason="unreadable: no such file or directory")
    assert enrolments[1].embedding is not None


def test_a_data_set_that_a_worker_does_not_see_is_no_reason_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(FacesError, match="elsewhere: no such folder on "):
        Task(Folder(tmp_path / "elsewhere"), MODELS)(["Ada/1.jpg"])


def test_a_task_for_other_folders_has_only_absolute_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    task = Task(Folder(Path("dataset")), ("face_detection_model", "built-in", 0.5, "fast")).absolute()
    assert task == Task(Folder(tmp_path / "dataset"), (str(tmp_path / "face_detection_model"), "built-in", 0.5, "fast"))


# Who does what, and again


class Here:
    """Workers that are functions of this process: each call is done as soon as ``result`` asks for it."""

    together = 4

    def __init__(self, slots: int = 3, deadly: Sequence[str] = (), die_with: int = 0) -> None:
        self.slots = slots
        self.deadly = deadly
        self.die_with = die_with  # calls that go down with one that is deadly
        self.calls: list[list[str]] = []
        self.waiting: list[Future[Result]] = []

    def submit(self, paths: Sequence[str]) -> Future[Result]:
        future: Future[Result] = Future()
        self.calls.append(list(paths))
        self.waiting.append(future)
        assert len(self.waiting) <= self.slots
        future.set_result((FINGERPRINT, [Enrolment(sha256=path) for path in paths]))
        if any(path in self.deadly for path in paths):
            self.die_with = len(self.waiting)
        return future

    def result(self, future: Future[Result]) -> Result:
        self.waiting.remove(future)
        theirs, enrolments = future.result()
        if self.die_with or any(one.sha256 in self.deadly for one in enrolments):
            self.die_with = max(self.die_with - 1, 0)
            raise WorkerDiedError
        return theirs, enrolments

    def close(self) -> None:
        pass


@pytest.mark.parametrize("number", [0, 1, 3, 4, 5, 100])
@pytest.mark.parametrize("slots", [1, 3])
def test_each_photograph_is_done_once(number: int, slots: int) -> None:
    here = Here(slots)
    paths = [f"{at}.jpg" for at in range(number)]
    assert {path: one.sha256 for path, one in results(here, paths, FINGERPRINT).items()} == {p: p for p in paths}
    assert sum(map(len, here.calls)) == number


@pytest.mark.parametrize("deadly", [["0"], ["24"], ["3", "4", "5"], ["0", "1", "2", "3", "20"]])
def test_a_photograph_costs_itself_and_not_those_that_wait_beside_it(deadly: list[str]) -> None:
    paths = [str(at) for at in range(25)]  # the last call is of one photograph, and still not its own trial
    found = results(Here(deadly=deadly), paths, FINGERPRINT)
    assert [path for path, one in found.items() if not one.sha256] == deadly
    assert {found[path].reason for path in deadly} == {"its worker died of it"}


def test_workers_that_only_die_end_the_run() -> None:
    paths = [str(at) for at in range(1000)]
    here = Here(deadly=paths)
    with pytest.raises(FacesError, match="one worker after another dies; is there enough memory"):
        results(here, paths, FINGERPRINT)
    assert len(here.calls) < 2 * workers.MAX_DEATHS


def test_a_worker_with_other_models_ends_the_run() -> None:
    other = Fingerprint(FINGERPRINT.detector, FINGERPRINT.aligner, ModelId("sface", "5" * 64))
    with pytest.raises(FingerprintError, match=r"a worker has the embedder e .*, but this run uses sface \(55555555\)"):
        results(Here(), ["1"], other)


def test_what_was_done_before_workers_failed_is_not_lost() -> None:
    class Leaving(Here):
        def result(self, future: Future[Result]) -> Result:
            if len(self.calls) > 3:
                raise FacesError("gone")
            return super().result(future)

    found = workers.enrol(Leaving(slots=1), [str(at) for at in range(100)], FINGERPRINT)
    assert [next(found)[0] for _ in range(12)] == [str(at) for at in range(12)]
    with pytest.raises(FacesError, match="gone"):
        next(found)


# Processes of this machine


def by_processes(dataset: Dataset, count: int, paths: list[str], fingerprint: Fingerprint) -> dict[str, Enrolment]:
    some = workers.Processes(Task(dataset, MODELS), count)
    try:
        return results(some, paths, fingerprint)
    finally:
        some.close()


def test_one_process_or_two_give_the_same_bits(folder: Path, fingerprint: Fingerprint) -> None:
    paths = paths_in(folder)
    _, enrolments = Task(Folder(folder), MODELS)(paths)
    here = dict(zip(paths, enrolments, strict=True))
    assert len(paths) > 2 * BATCH_SIZE
    for count in (1, 2):
        assert same(by_processes(Folder(folder), count, paths, fingerprint), here)


def test_a_deadly_photograph_costs_a_process_but_not_the_run(folder: Path, fingerprint: Fingerprint) -> None:
    paths = paths_in(folder)
    asked = [*paths[:5], f"Ada/{DEADLY}", *paths[5:11], f"Ada/{GREEDY}", *paths[11:]]
    found = by_processes(Dangerous(folder), 2, asked, fingerprint)
    died = {path for path, one in found.items() if one.reason}
    assert died == {f"Ada/{DEADLY}", f"Ada/{GREEDY}"}
    assert {found[path].reason for path in died} == {"its worker died of it"}
    _, enrolments = Task(Folder(folder), MODELS)(paths)
    assert same({path: found[path] for path in paths}, dict(zip(paths, enrolments, strict=True)))
