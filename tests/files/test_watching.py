"""Changes of a folder, and that it has settled: by the system's word and by looking."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faces.files.watching import FolderWatch

SETTLE = 0.3


def soon(happened: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dataset" / "Ada").mkdir(parents=True)
    (tmp_path / "dataset" / "Ada" / "1.jpg").write_text("one")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "dataset" / "Grace").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    return tmp_path / "dataset"


@pytest.fixture(params=[None, 0.1], ids=["told", "polling"])
def watch(folder: Path, request: pytest.FixtureRequest) -> Iterator[FolderWatch]:
    with FolderWatch(folder, request.param) as watch:
        time.sleep(0.2)
        yield watch


def settled(watch: FolderWatch) -> Callable[[], bool]:
    return lambda: watch.settled(SETTLE)


def test_changes_are_noticed_once(watch: FolderWatch, folder: Path) -> None:
    for change in (
        lambda: (folder / "Ada" / "2.jpg").write_text("two"),
        lambda: (folder / "Ada" / "2.jpg").rename(folder / "Ada" / "3.jpg"),
        lambda: (folder / "Ada" / "3.jpg").unlink(),
        lambda: (folder / "Zoë").mkdir(),
        lambda: (folder / "Zoë" / "1.jpg").write_text("new"),
        lambda: shutil.rmtree(folder / "Zoë"),
        lambda: (folder / "Grace" / "1.jpg").write_text("behind a link"),
    ):
        change()
        assert soon(settled(watch))
    assert not soon(settled(watch), 0.6)


def test_reading_is_no_change(watch: FolderWatch, folder: Path) -> None:
    (folder / "Ada" / "1.jpg").read_text()
    list(folder.rglob("*"))
    assert not soon(settled(watch), 0.8)


def test_it_has_settled_when_nothing_changes_any_more(watch: FolderWatch, folder: Path) -> None:
    last = 0.0
    for number in range(8):
        (folder / "Ada" / f"{number}.jpg").write_text("x" * number)
        last = time.monotonic()
        assert not watch.settled(0.5)
        time.sleep(0.15)
    assert soon(lambda: watch.settled(0.5))
    assert time.monotonic() - last >= 0.5


def test_a_folder_that_vanishes_and_comes_back(watch: FolderWatch, folder: Path) -> None:
    folder.rename(folder.with_name("unmounted"))
    assert soon(settled(watch))
    assert not soon(settled(watch), 0.5)
    folder.with_name("unmounted").rename(folder)
    assert soon(settled(watch))
    time.sleep(0.2)
    (folder / "Ada" / "2.jpg").write_text("two")
    assert soon(settled(watch))


def test_links_that_come_and_lead_elsewhere(watch: FolderWatch, folder: Path) -> None:
    for name in ("Lin", "Mei"):
        (folder.parent / name).mkdir()
    (folder / "Lin").symlink_to(folder.parent / "Lin", target_is_directory=True)
    assert soon(settled(watch))
    time.sleep(0.2)
    (folder.parent / "Lin" / "1.jpg").write_text("behind a new link")
    assert soon(settled(watch))
    (folder / "Lin").unlink()
    (folder / "Lin").symlink_to(folder.parent / "Mei", target_is_directory=True)
    assert soon(settled(watch))
    time.sleep(0.2)
    (folder.parent / "Mei" / "1.jpg").write_text("where it leads now")
    assert soon(settled(watch))
    (folder / "Ada" / "2.jpg").write_text("two")
    assert soon(settled(watch))


def test_links_of_a_person(watch: FolderWatch, folder: Path) -> None:
    for name in ("album", "deep"):
        (folder.parent / name).mkdir()
    (folder.parent / "album" / "deep").symlink_to(folder.parent / "deep", target_is_directory=True)
    (folder / "Ada" / "album").symlink_to(folder.parent / "album", target_is_directory=True)
    (folder / "Ada" / "all").symlink_to(folder, target_is_directory=True)
    assert soon(settled(watch))
    time.sleep(0.2)
    for name in ("album", "deep"):
        (folder.parent / name / "1.jpg").write_text("behind a link")
        assert soon(settled(watch))


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    with FolderWatch(tmp_path / "later") as watch:
        assert not watch.settled(0.1)
        (tmp_path / "later").mkdir()
        assert soon(settled(watch))


def test_a_clock_that_goes_backwards_changes_nothing(
    watch: FolderWatch, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600 * time.monotonic())
    (folder / "Ada" / "2.jpg").write_text("two")
    assert soon(settled(watch))
