"""Retraining as one step: what is in service afterwards, and what is said."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from faces import records
from faces.cli import text
from faces.commands import retrain, train
from faces.errors import FacesError, UsageError
from faces.files import locks
from faces.recognition import leave_one_out, recognizer_files
from faces.recognition.gallery import SERVER_PATH, Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.versions import retraining
from faces.versions.judging import Verdict
from faces.versions.retraining import RejectedError
from faces.versions.versions import LE, RECOGNIZER, REPORT, Version, Versions
from tests.conftest import PEOPLE, PHOTOS, RunScript, contents, patience, running
from tests.versions.test_versions import CHANGES, NEED_ROOM, die, in_a_fork, no_room

pytestmark = pytest.mark.slow

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
FILES = (RECOGNIZER, LE, REPORT)


@pytest.fixture
def own(project: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, which this process is in, with a data set of its own, to be changed."""
    (project / "dataset").unlink()
    shutil.copytree(trained / "dataset", project / "dataset")
    monkeypatch.chdir(project)
    return project


def gallery_in_service(folder: Path) -> FaceRecognizer:
    """The recognizer, loaded as the scripts do: it must belong to the label encoder."""
    output = folder / "output"
    models = Gallery.load(output / "embeddings.pickle").fingerprint
    assert models is not None
    recognizer, _ = recognizer_files.load(output / RECOGNIZER, output / LE, models)
    assert isinstance(recognizer, FaceRecognizer)
    return recognizer


def photographs_in_service(folder: Path) -> int:
    number = len(gallery_in_service(folder).people_.embeddings)
    report = folder / "output" / REPORT
    assert not report.exists() or json.loads(report.read_bytes())["photographs"] == number
    return number


def store(folder: Path) -> Versions:
    return Versions(folder / "output" / RECOGNIZER, folder / "output" / LE)


def now(folder: Path) -> Version:
    version = store(folder).in_service()
    assert version is not None
    return version


def somebody(folder: Path) -> Path:
    """The folder of one of the people."""
    return next(path for path in sorted((folder / "dataset").iterdir()) if path.is_dir())


def one_photograph_less(folder: Path) -> None:
    (somebody(folder) / "01.jpg").unlink()


# One round


def test_the_first_version(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("embeddings.pickle", *FILES):
        (own / "output" / name).unlink(missing_ok=True)
    assert retrain.main([]) == 0
    said = capsys.readouterr().out
    assert f"{PEOPLE * PHOTOS} embeddings of {PEOPLE} people" in said
    assert said.splitlines()[-1] == "version 1 is in service: the first version"
    assert photographs_in_service(own) == PEOPLE * PHOTOS
    version = now(own)
    assert (version.number, version.people, version.photographs) == (1, PEOPLE, PEOPLE * PHOTOS)
    assert all((own / "output" / name).resolve().parent == store(own).path(1, "").resolve() for name in FILES)


def test_training_by_hand_counts_and_nothing_changed_since(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (own / "output" / RECOGNIZER).read_bytes()
    assert retrain.main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing changed since version 1"
    assert (own / "output" / RECOGNIZER).read_bytes() == before
    assert now(own).why == "trained by hand"


def test_change_list_return_and_force(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def last_line() -> str:
        return capsys.readouterr().out.splitlines()[-1]

    one_photograph_less(own)
    assert retrain.main([]) == 0
    held = PEOPLE  # a photograph of everybody
    assert last_line() == f"version 2 is in service: {held} of {held} held-out photographs right, before {held}"
    assert photographs_in_service(own) == PEOPLE * PHOTOS - 1

    assert retrain.main(["--rollback"]) == 0
    assert last_line() == "version 1 is in service"
    assert photographs_in_service(own) == PEOPLE * PHOTOS
    assert retrain.main([]) == 0  # what was rolled back stays so
    assert last_line() == "nothing changed since version 2, which was rolled back; version 1 stays in service"
    assert retrain.main(["--force"]) == 0
    assert last_line().startswith("version 3 is in service")
    assert retrain.main(["--rollback", "2"]) == 0
    assert now(own).number == 2

    assert retrain.main(["--list"]) == 0
    table = [re.split(r" {2,}", line.strip()) for line in capsys.readouterr().out.splitlines()[1:]]
    assert table[0] == ["version", "time", "stage", "people", "photographs", "run", "why"]
    assert [[row[0], row[2]] for row in table[1:]] == [["1", "retired"], ["2", "in service"], ["3", "retired"]]


def test_only_the_last_are_kept(own: Path) -> None:
    for _ in range(4):
        retrain.main(["--force", "--keep", "2"])
    assert [version.number for version in store(own).all()] == [4, 5]


def test_list_and_return_where_there_is_nothing(tmp_path: Path, run_script: RunScript) -> None:
    result = run_script("retrain.py", "--list", cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "no versions yet\n", "")
    result = run_script("retrain.py", "--rollback", cwd=tmp_path)
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "no version to return to" in result.stderr


def test_a_candidate_waits_until_it_is_promoted(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def last_line() -> str:
        return capsys.readouterr().out.splitlines()[-1]

    one_photograph_less(own)
    assert retrain.main(["--candidate"]) == 0
    held = f"{PEOPLE} of {PEOPLE} held-out photographs right, before {PEOPLE}"
    assert last_line() == f"version 2 is a candidate, its figures hold: {held}"
    assert photographs_in_service(own) == PEOPLE * PHOTOS
    assert retrain.main([]) == 0  # it is not taken for a leftover, and not trained again
    assert last_line() == "nothing changed since version 2, a candidate: --promote puts it in service"
    worse = pytest.raises(FacesError, match=r"version 2 is rejected .*; version 1 stays in service")
    with worse, pytest.MonkeyPatch.context() as patch:
        patch.setattr(retraining, "judge", lambda *_: Verdict(False, "worse"))
        retrain.main(["--promote"])
    with pytest.raises(FacesError, match=r"there is no candidate to promote; python retrain\.py --candidate makes one"):
        retrain.main(["--promote"])
    assert retrain.main(["--promote", "2"]) == 0  # now it is better
    assert last_line() == f"version 2 is in service: {held}"
    assert photographs_in_service(own) == PEOPLE * PHOTOS - 1
    assert [(one.stage, one.replaces) for one in store(own).all()] == [("retired", None), ("in service", 1)]
    assert retrain.main(["--promote", "2"]) == 0 and last_line() == "version 2 is in service already"
    with pytest.raises(FacesError, match="version 1 was in service before: --rollback 1 returns to it"):
        retrain.main(["--promote", "1"])
    with pytest.raises(FacesError, match="there is no version 9"):
        retrain.main(["--promote", "9"])
    trained = records.maker(own / "output" / RECOGNIZER)
    assert trained is not None and now(own).run == trained.id


def test_a_second_recognizer_in_the_folder_is_refused_before_the_work(own: Path, run_script: RunScript) -> None:
    assert retrain.main([]) == 0
    before = contents(own)
    office = ("--dataset", "dataset", "--recognizer", "output/office.pickle", "--le", "output/office_le.pickle")
    for more in ((), ("--list",), ("--rollback",), ("--promote",), ("--watch",)):
        result = run_script("retrain.py", *office, "--embeddings", "output/office_embeddings.pickle", *more, cwd=own)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == (
            "error: output/versions keeps the versions of output/recognizer.pickle and output/le.pickle: name both, or"
            " give this recognizer a folder of its own: --recognizer output/office/recognizer.pickle"
            " --le output/office/le.pickle\n"
        )
    assert contents(own) == before


def test_another_recognizer_trained_into_the_folder_leaves_only_its_report(own: Path) -> None:
    by_hand = ["-r", "output/office.pickle", "-l", "output/office_le.pickle", "-e", "output/office_embeddings.pickle"]
    people = Gallery.load(own / "output" / "embeddings.pickle")
    Gallery(people.embeddings[PHOTOS:], people.names[PHOTOS:], fingerprint=people.fingerprint).save(own / by_hand[-1])
    assert retrain.main([]) == 0
    assert train.main(by_hand) == 0
    assert retrain.main([]) == 0
    assert (now(own).number, photographs_in_service(own)) == (1, PEOPLE * PHOTOS)

    assert train.main(["--fpir", "0.02"]) == 0
    assert train.main(by_hand) == 0
    assert retrain.main(["--fpir", "0.02"]) == 0
    assert (now(own).number, now(own).why, now(own).people) == (2, "trained by hand", None)


# What stays in service


def test_one_that_does_worse_is_rejected(own: Path, run_script: RunScript) -> None:
    strict = ("--threshold", "0.01")  # everybody is unknown
    result = run_script("retrain.py", *strict, cwd=own)
    assert result.returncode == 1
    assert result.stderr == (
        f"error: version 2 is rejected (--force takes it): 0 of {PEOPLE} held-out photographs right, before {PEOPLE};"
        " version 1 stays in service\n"
    )
    with pytest.raises(FacesError, match=r"nothing changed since version 2, which is rejected \(.*; version 1 stays"):
        retrain.main([*strict])
    assert gallery_in_service(own).threshold is None
    (rejected,) = (version for version in store(own).all() if version.stage == "rejected")
    assert rejected.check["now"] == {"right": 0, "wrong": 0, "unknown": PEOPLE}
    assert store(own).path(2, REPORT).is_file()
    assert retrain.main([*strict, "--force"]) == 0
    assert gallery_in_service(own).threshold == 0.01


def test_most_photographs_gone(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for person in [path for path in sorted((own / "dataset").iterdir()) if path.is_dir()][1:]:
        shutil.rmtree(person)
    gone = (PEOPLE - 1) * PHOTOS
    why = rf"{gone} of {PEOPLE * PHOTOS} photographs known before are gone: is a disk not mounted\?; version 1 stays"
    remedy = r"\(--accept-losses takes it if the others are named as well as before\)"
    with pytest.raises(FacesError, match=rf"^version 2 is rejected {remedy}: {why}"):
        retrain.main([])
    with pytest.raises(FacesError, match=rf"^nothing changed since version 2, which is rejected {remedy}: {why}"):
        retrain.main([])
    with pytest.raises(FacesError, match=rf"^version 2 is rejected {remedy}"):
        retrain.main(["--promote", "2"])
    assert photographs_in_service(own) == PEOPLE * PHOTOS
    assert retrain.main(["--accept-losses"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("version 3 is in service: ")
    assert photographs_in_service(own) == PHOTOS


def test_who_was_enrolled_on_the_page_stays(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their photographs are not in the data set; the server adds them to the embeddings."""
    path = own / "output" / "embeddings.pickle"
    gallery = Gallery.load(path)
    bea = replace(
        gallery._of([row == 0 for row in range(len(gallery))]),
        embeddings=-gallery.embeddings[:1],
        names=("Bea",),
        paths=(f"{SERVER_PATH}1",),
        hashes=("b" * 64,),
    )
    gallery.with_faces(bea).save(path)
    one_photograph_less(own)
    for options in ([], ["--rebuild", "--force"]):
        assert retrain.main(options) == 0
        assert "1 face was enrolled on the page: kept, until erased there" in capsys.readouterr().out
        assert "Bea" in gallery_in_service(own).names_


def test_a_data_set_that_vanished(own: Path) -> None:
    retrain.main([])
    embeddings = (own / "output" / "embeddings.pickle").read_bytes()
    (own / "dataset").rename(own / "unmounted")
    for make in (lambda: None, (own / "dataset").mkdir):  # no folder, and an empty one to mount at
        make()
        with pytest.raises(UsageError, match=r"dataset: no .*; version 1 stays in service"):
            retrain.main([])
        assert photographs_in_service(own) == PEOPLE * PHOTOS
        assert (own / "output" / "embeddings.pickle").read_bytes() == embeddings


def test_nothing_in_service_yet(own: Path) -> None:
    shutil.rmtree(own / "dataset")
    with pytest.raises(UsageError, match="nothing is in service yet"):
        retrain.main(["-e", "new.pickle", "-r", "new/recognizer.pickle", "-l", "new/le.pickle"])


def test_a_damaged_recognizer_in_service_is_replaced(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    retrain.main([])
    store(own).path(1, RECOGNIZER).write_bytes(b"damaged")
    one_photograph_less(own)
    assert retrain.main([]) == 0
    assert photographs_in_service(own) == PEOPLE * PHOTOS - 1


def test_models_that_changed(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The embeddings say that other models made those in service: the reports are compared."""
    retrain.main([])
    people = Gallery.load(own / "output" / "embeddings.pickle")
    recognizer = gallery_in_service(own)
    assert people.fingerprint is not None
    other = people.fingerprint.to_dict()
    other["embedder"]["sha256"] = "0" * 64
    recognizer.fingerprint_ = type(people.fingerprint).from_dict(other)
    recognizer_files.save(recognizer, *(store(own).path(1, name) for name in (RECOGNIZER, LE)))
    one_photograph_less(own)
    assert retrain.main([]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.endswith("by other models; 100.0% right when one photograph is left out, before 100.0%")


@posix
@pytest.mark.parametrize(("events", "then"), [(CHANGES, die), (NEED_ROOM, no_room)], ids=["kill", "full disk"])
@pytest.mark.exhaustive
def test_the_step_from_embeddings_to_service(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, events: set[str], then: Callable[[], None]
) -> None:
    """Killed at every change of the disk, or without room from there on: what is in service belongs together."""
    import sklearn.svm  # noqa: F401  (once, rather than in every process)

    monkeypatch.setattr(os, "fsync", lambda file: None)
    people = Gallery.load(project / "output" / "embeddings.pickle")
    less = Gallery(people.embeddings[1:], people.names[1:], fingerprint=people.fingerprint)
    less.save(project / "output" / "embeddings.pickle")
    status, step = 1, 0
    while status:
        step += 1
        folder = tmp_path / str(step)
        shutil.copytree(project / "output", folder / "output")
        output = folder / "output"
        args = retrain.build_parser().parse_args(
            ["-e", str(output / "embeddings.pickle"), "-r", str(output / RECOGNIZER), "-l", str(output / LE)]
        )

        def run(args: Any = args, folder: Path = folder) -> None:
            store(folder).settle()
            retrain.renew(store(folder), args)

        status = in_a_fork(run, step, events, then)
        assert status in (0, 3, -9)
        assert photographs_in_service(folder) in (len(people), len(less))
        if step % 7 == 0:
            run()
            assert photographs_in_service(folder) == len(less)
    assert step > 10


def test_ctrl_c_says_what_is_in_service(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though files of a version that will never be were written."""

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    retrain.main([])
    one_photograph_less(own)
    monkeypatch.setattr(leave_one_out, "measure", stopped)
    with pytest.raises(KeyboardInterrupt, match=r"^stopped; version 1 stays in service$"):
        retrain.main([])
    assert photographs_in_service(own) == PEOPLE * PHOTOS and [one.number for one in store(own).all()] == [1]


def test_one_at_a_time(own: Path) -> None:
    from faces.files import locks

    with locks.only_one(store(own).folder), pytest.raises(FacesError, match=r"stays in service"):
        retrain.main([])
    assert retrain.main([]) == 0


def test_an_address_cannot_be_watched(tmp_path: Path, run_script: RunScript) -> None:
    result = run_script("retrain.py", "--watch", "-i", "s3://bucket/people", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == "error: s3://bucket/people: only a folder can be watched; use --every\n"


def test_a_disk_that_is_going(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    iterdir = Path.iterdir

    def stale(folder: Path) -> Iterator[Path]:
        if folder.name == "dataset":
            raise OSError(errno.ESTALE, "Stale file handle", "dataset")
        return iterdir(folder)

    monkeypatch.setattr(Path, "iterdir", stale)
    with pytest.raises(FacesError, match="dataset: stale file handle; version 1 stays in service"):
        retrain.main([])


@pytest.mark.parametrize("text", ["", "1", "h", "0s", "1.5h", "-1m", "1w", "1 h"])
def test_times_that_are_none(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        retrain.main([f"--every={text}"])
    assert stop.value.code == 2
    assert "is not a time such as 90s, 15m, 1h or 1d" in capsys.readouterr().err


def test_times() -> None:
    assert [retrain.duration(text) for text in ("90s", "15m", "1h", "2d")] == [90, 900, 3600, 172800]


# Staying


@posix
def test_watching(own: Path) -> None:
    with running("retrain.py", "--watch", "--settle", 0.5, cwd=own) as script:
        script.wait_for("nothing changed since version 1")
        script.wait_for("watching dataset for changes; Ctrl-C stops")
        one_photograph_less(own)
        script.wait_for("version 2 is in service")
        (own / "dataset").rename(own / "unmounted")
        script.wait_for("error: dataset: no such folder")
        (own / "unmounted").rename(own / "dataset")
        script.wait_for("nothing changed since version 2")
        one_photograph_less_of_another(own)
        script.wait_for("version 3 is in service")
        script.process.send_signal(signal.SIGTERM)
        script.wait_for("stopped; version 3 stays in service")
        assert script.process.wait(patience(10)) == 0
    assert photographs_in_service(own) == PEOPLE * PHOTOS - 2


def one_photograph_less_of_another(folder: Path) -> None:
    last = max(path for path in (folder / "dataset").iterdir() if path.is_dir())
    (last / "01.jpg").unlink()


@posix
def test_a_change_is_not_forgotten_when_a_run_fails(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrain, "RETRY", 0.5)
    complaints: list[str] = []
    monkeypatch.setattr(text, "complain", complaints.append)
    retrain.main([])
    watch, real = ["--watch", "--settle", "0.5"], retrain.retrain
    runs = 0
    with ExitStack() as stack:

        def counted(*arguments: Any) -> int:
            nonlocal runs
            runs += 1
            if runs == 1:
                one_photograph_less(own)
                stack.enter_context(locks.only_one(store(own).folder))  # as another run
            if runs == 4:
                stack.close()
            real(*arguments)
            raise KeyboardInterrupt

        monkeypatch.setattr(retrain, "retrain", counted)
        assert retrain.main(watch) == 0
    assert runs == 4
    (complaint,) = complaints
    assert "in use by" in complaint and complaint.endswith("version 1 stays in service; trying again every 0.5 s")
    assert store(own).in_service() == store(own).get(2)


class Changes:
    """Stands in for ``FolderWatch``: the folder has changed when it is asked for the third time."""

    asked = 0

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def settled(self, seconds: float) -> bool:
        Changes.asked += 1
        return Changes.asked == 3


@posix
def test_a_version_that_is_rejected_is_not_tried_again(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rejected(*_: object) -> int:
        if Changes.asked:
            raise KeyboardInterrupt
        raise RejectedError("version 2 is rejected")

    monkeypatch.setattr(retrain, "FolderWatch", Changes)
    monkeypatch.setattr(retrain, "RETRY", 0)
    monkeypatch.setattr(retrain, "retrain", rejected)
    assert retrain.main(["--watch"]) == 0
    assert Changes.asked == 3


@posix
def test_by_the_clock(own: Path) -> None:
    with running("retrain.py", "--watch", "--poll", "--every", "1s", cwd=own) as script:
        for _ in range(2):
            script.wait_for("nothing changed since version 1")
            script.wait_for("watching dataset for changes, a run every 0:00:01; Ctrl-C stops")
        script.process.send_signal(signal.SIGTERM)
        script.wait_for("stopped; version 1 stays in service")
        assert script.process.wait(patience(10)) == 0


@posix
def test_a_video_follows(own: Path) -> None:
    retrain.main([])
    (own / "frames").mkdir()
    for number in range(100):
        (own / "frames" / f"{number}.jpg").symlink_to(own / "sample" / "photo.jpg")
    video = ("recognize_video.py", "-s", "frames", "--rate", 2, "--realtime", "--no-display")
    with running(*video, cwd=own) as script:
        script.wait_for("event,time")
        one_photograph_less(own)
        retrain.main([])
        script.wait_for("now using version 2")


@posix
def test_a_kill_in_the_middle(own: Path) -> None:
    one_photograph_less(own)
    with running("retrain.py", cwd=own) as script:
        script.wait_for("embeddings of")
        script.process.kill()
    assert photographs_in_service(own) in (PEOPLE * PHOTOS, PEOPLE * PHOTOS - 1)
    with FileLock(own / "output" / ".versions.lock", timeout=patience(20)):  # a worker may outlive the script
        pass
    assert retrain.main([]) == 0
    assert photographs_in_service(own) == PEOPLE * PHOTOS - 1
