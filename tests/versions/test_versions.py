"""Versions and their swap: whatever happens, the files in service belong together."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from faces.errors import FacesError
from faces.files.writing import write_bytes
from faces.versions.swap import OWNERS
from faces.versions.versions import LE, RECOGNIZER, REPORT, Versions, label
from tests.conftest import contents

pytestmark = pytest.mark.slow

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="dies in a forked process")

CHANGES = {"open", "os.rename", "os.symlink", "os.mkdir", "os.remove", "os.rmdir"}  # of the file system
NEED_ROOM = {"open", "os.symlink", "os.mkdir"}


def store(folder: Path) -> Versions:
    return Versions(folder / RECOGNIZER, folder / LE)


def fill(folder: Path, content: str) -> None:
    """Files as a training writes them: they belong together when their content is the same."""
    for name in (RECOGNIZER, LE):
        write_bytes(folder / name, content.encode())
    write_bytes(folder / REPORT, json.dumps({"people": 3, "photographs": 9, "content": content}).encode())


def made(versions: Versions, content: str) -> int:
    number = versions.candidate().number
    fill(versions.path(number, ""), content)
    return number


def serve(versions: Versions, content: str) -> int:
    number = made(versions, content)
    versions.put_in_service(number)
    return number


def in_service(folder: Path) -> str | None:
    """The content of the files in service, which must belong together; None when there is no recognizer."""
    files = [folder / name for name in (RECOGNIZER, LE, REPORT)]
    if not files[0].exists():
        return None
    report = json.loads(files[2].read_text())["content"]
    assert files[0].read_text() == files[1].read_text() == report
    return str(report)


def stages(folder: Path) -> list[str]:
    return [f"{version.number} {version.stage}" for version in store(folder).all()]


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture(params=[True, False], ids=["links", "copies"])
def links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both with a file system that takes links and one that does not."""
    if not request.param:
        refuse_links(monkeypatch)
    return bool(request.param)


def refuse_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)


def test_a_version_after_the_other(tmp_path: Path, links: bool) -> None:
    versions = store(tmp_path)
    assert (versions.all(), versions.in_service()) == ([], None)
    for number, content in enumerate("abc", start=1):
        versions.settle()
        assert serve(versions, content) == number
        assert in_service(tmp_path) == content
    assert stages(tmp_path) == ["1 retired", "2 retired", "3 in service"]
    assert (tmp_path / RECOGNIZER).is_symlink() == links
    assert [version.replaces for version in versions.all()] == [None, 1, 2]


def test_returning_to_the_one_before_and_again(tmp_path: Path, links: bool) -> None:
    versions = store(tmp_path)
    for content in "abc":
        serve(versions, content)
    for expected in "ba":
        versions.put_in_service(versions.before())
        assert in_service(tmp_path) == expected
    with pytest.raises(FacesError, match="no version to return to"):
        versions.before()
    versions.put_in_service(3)
    assert in_service(tmp_path) == "c"
    assert versions.before() == 2


def test_returning_to_none_that_there_is(tmp_path: Path) -> None:
    versions = store(tmp_path)
    with pytest.raises(FacesError, match="no version to return to"):
        versions.before()
    serve(versions, "a")
    with pytest.raises(FacesError, match=r"version 7 has no recognizer\.pickle; --list shows which there are"):
        versions.put_in_service(7)
    assert in_service(tmp_path) == "a"


def test_numbers_tell_the_order_whatever_the_clock_says(tmp_path: Path) -> None:
    versions = store(tmp_path)
    for content in "ab":
        serve(versions, content)
    for version, time in zip(versions.all(), ("2099-01-01T00:00:00+00:00", "1970-01-01T00:00:00+00:00"), strict=True):
        versions.record(replace(version, time=time))
    assert serve(versions, "c") == 3
    assert [version.number for version in versions.all()] == [1, 2, 3]
    assert versions.before() == 2
    versions.prune(2)
    assert [version.number for version in versions.all()] == [2, 3]


def test_training_by_hand_is_honoured_and_kept(tmp_path: Path, links: bool) -> None:
    fill(tmp_path, "by hand")
    versions = store(tmp_path)
    versions.settle()
    assert in_service(tmp_path) == "by hand"
    (first,) = versions.all()
    assert (first.stage, first.why, first.people, first.photographs) == ("in service", "trained by hand", 3, 9)
    serve(versions, "b")
    fill(tmp_path, "again")
    versions.settle()
    versions.settle()  # once is enough
    assert in_service(tmp_path) == "again"
    assert stages(tmp_path) == ["1 retired", "2 retired", "3 in service"]
    versions.put_in_service(versions.before())
    assert in_service(tmp_path) == "b"


def test_training_by_hand_that_comes_out_as_a_candidate(tmp_path: Path, links: bool) -> None:
    versions = store(tmp_path)
    serve(versions, "a")
    versions.record(replace(versions.get(made(versions, "b")), waits=True))
    assert not versions.trained_by_hand()
    fill(tmp_path, "b")
    assert versions.trained_by_hand()
    versions.settle()
    assert stages(tmp_path) == ["1 retired", "2 in service"] and versions.before() == 1
    assert not versions.trained_by_hand() and in_service(tmp_path) == "b"


def test_training_by_hand_in_the_middle_of_a_run(tmp_path: Path, links: bool) -> None:
    versions = store(tmp_path)
    serve(versions, "a")
    number = made(versions, "b")
    fill(tmp_path, "by hand")
    versions.put_in_service(number)
    assert in_service(tmp_path) == "b"
    assert versions.before() == 3
    versions.put_in_service(3)
    assert in_service(tmp_path) == "by hand"


def test_training_by_hand_that_has_not_ended(tmp_path: Path) -> None:
    versions = store(tmp_path)
    serve(versions, "a")
    write_bytes(tmp_path / RECOGNIZER, b"by hand")
    versions.settle()
    assert ((tmp_path / RECOGNIZER).read_text(), (tmp_path / LE).read_text()) == ("by hand", "a")  # as it was
    fill(tmp_path, "by hand")
    versions.settle()
    assert in_service(tmp_path) == "by hand"


def test_files_in_other_places(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    recognizer, le = tmp_path / "link" / "who.pickle", tmp_path / "names" / "labels.pickle"
    versions = Versions(recognizer, le)
    serve(versions, "a")
    assert recognizer.read_text() == le.read_text() == "a"
    assert label(recognizer) == "version 1"


def test_a_second_recognizer_needs_a_folder_of_its_own(tmp_path: Path, links: bool) -> None:
    versions = store(tmp_path)
    versions.settle()
    serve(versions, "a")
    before = contents(tmp_path)
    office = Versions(tmp_path / "office.pickle", tmp_path / "office_le.pickle")
    own = f"--recognizer {tmp_path / 'office' / RECOGNIZER} --le {tmp_path / 'office' / LE}"
    owners = f"{tmp_path / RECOGNIZER} and {tmp_path / LE}: name both"
    for there in (False, True):  # not trained yet, and by hand
        for refused in (office.settle, lambda: office.put_in_service(1)):
            with pytest.raises(FacesError, match=f"{re.escape(owners)}, .*{re.escape(own)}$"):
                refused()
        assert contents(tmp_path) == before
        if not there:
            for path in (office.recognizer, tmp_path / "office_le.pickle"):
                write_bytes(path, b"office")
            before = contents(tmp_path)
    for recognizer, le in ((RECOGNIZER, "office_le.pickle"), ("office.pickle", LE), ("office/recognizer.pickle", LE)):
        with pytest.raises(FacesError, match=re.escape(own) if "/" in recognizer else "name both"):
            Versions(tmp_path / recognizer, tmp_path / le).settle()
    assert contents(tmp_path) == before
    office = Versions(tmp_path / "office" / RECOGNIZER, tmp_path / "office" / LE)
    office.settle()
    assert serve(office, "office") == 1 and in_service(tmp_path) == "a"


def test_whose_versions_those_are_that_were_made_before_it_was_noted(tmp_path: Path) -> None:
    versions = store(tmp_path)
    versions.settle()
    serve(versions, "a")
    (versions.folder / OWNERS).unlink()
    with pytest.raises(FacesError, match="name both"):
        Versions(tmp_path / "office.pickle", tmp_path / "office_le.pickle").settle()
    fill(tmp_path, "by hand")  # which replaces the links
    versions.settle()
    assert in_service(tmp_path) == "by hand" and versions.in_service() == versions.get(2)


@pytest.mark.parametrize("copies", [False, True])
def test_the_same_recognizer_by_other_paths(tmp_path: Path, copies: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    if copies:
        refuse_links(monkeypatch)
    versions = store(tmp_path / "real")
    versions.settle()
    serve(versions, "a")
    monkeypatch.chdir(tmp_path)
    for folder in ("real", "real/../link", "link"):
        store(Path(folder)).settle()
    (tmp_path / "real").rename(tmp_path / "moved")
    (tmp_path / "link").unlink()
    for name in (RECOGNIZER, LE):
        (tmp_path / "moved" / name).rename(tmp_path / "moved" / f"our_{name}")
    renamed = Versions(Path("moved", f"our_{RECOGNIZER}"), Path("moved", f"our_{LE}"))
    renamed.settle()
    assert serve(renamed, "b") == 2
    assert renamed.recognizer.read_text() == (tmp_path / "moved" / f"our_{LE}").read_text() == "b"


def test_a_file_in_service_that_somebody_deleted_comes_back(tmp_path: Path, links: bool) -> None:
    versions = store(tmp_path)
    serve(versions, "a")
    (tmp_path / LE).unlink()
    versions.settle()
    assert in_service(tmp_path) == "a"
    shutil.rmtree(versions.path(1, ""))
    versions.settle()
    assert in_service(tmp_path) in (None, "a")  # copies are still there
    assert serve(versions, "b") in (1, 2)
    assert in_service(tmp_path) == "b"


GOOD = {"number": 1, "time": "2026-01-31T12:00:00+00:00", "stage": "retired"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"number": 1}',
        *(
            json.dumps({**GOOD, name: value})
            for name, value in {
                "time": 5,
                "stage": "lost",
                "why": None,
                "people": "many",
                "photographs": 1.5,
                "source": [],
                "replaces": "/",
                "check": [],
                "run": None,
                "waits": 1,
            }.items()
        ),
    ],
)
def test_a_damaged_version_json_costs_no_version(tmp_path: Path, content: str) -> None:
    versions = store(tmp_path)
    for text in "ab":
        serve(versions, text)
    for number in (1, 2):
        versions.path(number, "version.json").write_text(content)
    versions.settle()
    assert stages(tmp_path) == ["1 retired", "2 in service"]
    versions.put_in_service(1)
    assert in_service(tmp_path) == "a"


@pytest.mark.parametrize("number", ["absolute", "../../victim", 7, "1", None, 1.5])
def test_the_folder_says_which_version_it_is(tmp_path: Path, number: object) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").write_text("precious")
    own = tmp_path / "own"
    own.mkdir()
    versions = store(own)
    for text in "ab":
        serve(versions, text)
    shutil.copytree(versions.path(2, ""), versions.path(3, ""))
    said = {**json.loads(versions.path(3, "version.json").read_bytes()), "stage": "candidate"}
    said["number"] = str(victim) if number == "absolute" else number
    versions.path(3, "version.json").write_text(json.dumps(said))
    versions.settle()  # deletes candidates that an unfinished run left
    assert stages(own) == ["1 retired", "2 in service"]
    assert (victim / "precious").read_text() == "precious"


def test_a_version_that_was_copied_is_another_one(tmp_path: Path) -> None:
    versions = store(tmp_path)
    for text in "ab":
        serve(versions, text)
    shutil.copytree(versions.path(1, ""), versions.path(5, ""))
    for name in ("07", "٣", "0", "1e9", "9" * 400):
        versions.path(1, "").with_name(name[:200]).mkdir()
    versions.settle()
    assert stages(tmp_path) == ["1 retired", "2 in service", "5 retired"]
    versions.put_in_service(5)
    assert (in_service(tmp_path), versions.in_service()) == ("a", versions.get(5))
    assert versions.candidate().number == 6
    versions.prune(1)
    assert [version.number for version in versions.all()] == [5, 6]


def test_the_last_ones_are_kept_and_what_serves(tmp_path: Path) -> None:
    versions = store(tmp_path)
    for content in "abcde":
        serve(versions, content)
    for _ in range(3):
        versions.record(replace(versions.candidate(), stage="rejected"))
    versions.put_in_service(1)
    versions.prune(2)
    assert stages(tmp_path) == ["1 in service", "4 retired", "5 retired", "7 rejected", "8 rejected"]
    assert in_service(tmp_path) == "a"


def test_whole_candidates_wait_and_as_many_are_kept(tmp_path: Path) -> None:
    versions = store(tmp_path)
    serve(versions, "a")
    with pytest.raises(FacesError, match="there is no candidate"):
        versions.waiting()
    for content in "bcd":
        versions.record(replace(versions.get(made(versions, content)), waits=True))
    left = made(versions, "of a run that was killed")
    versions.settle()
    assert stages(tmp_path) == ["1 in service", "2 candidate", "3 candidate", "4 candidate"]
    versions.prune(2)
    assert versions.waiting().number == 4 and stages(tmp_path) == ["1 in service", "3 candidate", "4 candidate"]
    with pytest.raises(FacesError, match=f"there is no version {left}; --list shows which there are"):
        versions.get(left)
    versions.put_in_service(3)
    assert in_service(tmp_path) == "c" and versions.before() == 1 and not versions.get(3).waits


# Kills and full disks


def first(folder: Path) -> None:
    store(folder).settle()
    serve(store(folder), "new")


def another(folder: Path) -> None:
    first(folder)
    store(folder).prune(1)


def return_to_the_first(folder: Path) -> None:
    store(folder).settle()
    store(folder).put_in_service(1)


def nothing(folder: Path) -> None:
    pass


def two(folder: Path) -> None:
    for content in ("new", "old"):
        serve(store(folder), content)


def by_hand(folder: Path) -> None:
    fill(folder, "old")


def by_hand_after_two(folder: Path) -> None:
    two(folder)
    by_hand(folder)


every_case = pytest.mark.parametrize(
    ("links", "before", "run"),
    [
        (True, nothing, first),
        (True, two, another),
        (True, by_hand, another),
        (True, by_hand_after_two, another),
        (True, two, return_to_the_first),
        (False, nothing, first),
        (False, by_hand_after_two, another),
    ],
    ids=["first", "another", "by hand", "by hand again", "rollback", "first copies", "copies by hand again"],
    indirect=["links"],
)


def in_a_fork(run: Callable[[], None], step: int, events: set[str], then: Callable[[], None]) -> int:
    """The status of a process in which ``then`` happens instead of its ``step``-th such event, and all later ones.

    0: it came to the end before; 3: it raised FacesError; negative: it was killed.
    """
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = step

    def audit(event: str, args: tuple[Any, ...]) -> None:
        nonlocal left
        if event in events and (event != "open" or args[2] & (os.O_WRONLY | os.O_RDWR)):
            left -= 1
            if left <= 0:
                then()

    status = 1
    try:
        sys.addaudithook(audit)
        run()
        status = 0
    except FacesError as error:
        status = 3 if "\n" not in str(error) else 1
    finally:
        os._exit(status)
    raise AssertionError


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def no_room() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@posix
@every_case
@pytest.mark.exhaustive
def test_a_kill_at_every_step(
    tmp_path: Path, links: bool, before: Callable[[Path], None], run: Callable[[Path], None]
) -> None:
    status, step = -9, 0
    while status:
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        before(folder)
        was = in_service(folder)
        status = in_a_fork(partial(run, folder), step, CHANGES, die)
        assert status in (0, -signal.SIGKILL)
        if links:
            assert in_service(folder) in (was, "new")
        store(folder).settle()
        assert in_service(folder) in (was, "new")
        assert "candidate" not in " ".join(stages(folder))
        assert not list((folder / "versions").glob(".*.gone"))
        if step % 3 == 0:  # and the next run works
            first(folder)
            assert in_service(folder) == "new"
    assert step > 5


@posix
@every_case
@pytest.mark.exhaustive
def test_a_disk_that_is_full_from_any_step_on(
    tmp_path: Path, links: bool, before: Callable[[Path], None], run: Callable[[Path], None]
) -> None:
    status, step = 3, 0
    while status:
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        before(folder)
        was = in_service(folder)
        status = in_a_fork(partial(run, folder), step, NEED_ROOM, no_room)
        assert status in (0, 3)
        if links:
            assert in_service(folder) in (was, "new")
        store(folder).settle()
        assert in_service(folder) in (was, "new")
        if step % 3 == 0:
            first(folder)
            assert in_service(folder) == "new"
    assert step > 5
