"""Who is in a data set, in a folder or at an address."""

from __future__ import annotations

import os
import pickle
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec import AbstractFileSystem

from faces.datasets import Folder, Photograph, RemoteDataset, open_dataset
from faces.datasets.listing import ASIDE, NO_PERSON
from faces.errors import FacesError, UsageError
from faces.files.finding import NO_PHOTOGRAPH

LONG_AGO = 1_000_000_000  # seconds


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"four")
        os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture
def memory() -> Iterator[AbstractFileSystem]:
    """fsspec's files in memory, of this process alone, none at the start."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_people_one_folder_each_sorted_and_composed(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Zoë Lind")
    touch(tmp_path, "Bob/album/2.jpg", "Bob/1.jpg", "Ada/x.png", f"{decomposed}/1.jpg", "李/1.jpg")
    touch(tmp_path, "loose.jpg", ".x/1.jpg", "Ada/.hidden.jpg", "Ada/notes.txt")
    (tmp_path / "Empty").mkdir()
    people, photographs, left_out = Folder(tmp_path).listing()
    assert people == ["Ada", "Bob", "Empty", "Zoë Lind", "李"]
    assert left_out == [("Ada/notes.txt", NO_PHOTOGRAPH), ("loose.jpg", ASIDE)]
    assert [(one.person, one.path) for one in photographs] == [
        ("Ada", "Ada/x.png"),
        ("Bob", "Bob/1.jpg"),
        ("Bob", "Bob/album/2.jpg"),
        ("Zoë Lind", f"{decomposed}/1.jpg"),
        ("李", "李/1.jpg"),
    ]


def test_size_and_stamp(tmp_path: Path) -> None:
    touch(tmp_path, "Ada/1.jpg")
    dataset = open_dataset(str(tmp_path))
    assert dataset == Folder(tmp_path)
    assert dataset.listing()[1] == [Photograph("Ada/1.jpg", "Ada", 4, str(LONG_AGO * 10**9))]
    assert dataset.read("Ada/1.jpg") == b"four"


@pytest.mark.parametrize("ahead", [-0.5, 3600], ids=["a moment ago", "in the future"])
def test_a_time_that_says_nothing(tmp_path: Path, ahead: float) -> None:
    touch(tmp_path, "Ada/1.jpg")
    (tmp_path / "now").touch()
    when = (tmp_path / "now").stat().st_mtime + ahead
    os.utime(tmp_path / "Ada" / "1.jpg", (when, when))
    assert Folder(tmp_path).listing()[1][0].stamp == ""


def test_links(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/1.jpg", "data/Ada/1.jpg")
    (tmp_path / "data" / "Bob").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "data" / "Nobody").symlink_to(tmp_path / "nowhere", target_is_directory=True)
    (tmp_path / "data" / "Ada" / "2.jpg").symlink_to("1.jpg")
    (tmp_path / "data" / "Ada" / "3.jpg").symlink_to("nowhere.jpg")
    dataset = Folder(tmp_path / "data")
    people, photographs, _ = dataset.listing()
    assert people == ["Ada", "Bob"]
    assert [(one.path, one.size) for one in photographs] == [
        ("Ada/1.jpg", 4),
        ("Ada/2.jpg", 4),
        ("Ada/3.jpg", 0),
        ("Bob/1.jpg", 4),
    ]
    assert photographs[2].stamp == ""
    with pytest.raises(FileNotFoundError):
        dataset.read("Ada/3.jpg")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes in folders are POSIX")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    touch(tmp_path, "Ada/1.jpg")
    os.mkfifo(tmp_path / "Ada" / "2.jpg")
    dataset = Folder(tmp_path)
    assert len(dataset.listing()[1]) == 2
    with pytest.raises(OSError, match="not a file"):
        dataset.read("Ada/2.jpg")


def test_names_of_any_bytes(tmp_path: Path) -> None:
    try:
        touch(tmp_path, os.fsdecode(b"Zo\xeb/caf\xe9.jpg"))
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    dataset = Folder(tmp_path)
    people, photographs, _ = dataset.listing()
    assert (os.fsencode(people[0]), os.fsencode(photographs[0].path)) == (b"Zo\xeb", b"Zo\xeb/caf\xe9.jpg")
    assert dataset.read(photographs[0].path) == b"four"


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "Ada/1.jpg", "Bob/1.jpg")
    scandir = os.scandir

    def refused(path: str) -> object:
        if Path(path).name == "Bob":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(PermissionError):
        Folder(tmp_path).listing()


@pytest.mark.parametrize(
    "pair", [("Ada", "ada"), ("Zoë", unicodedata.normalize("NFD", "Zoë")), ("Straße", "STRASSE"), ("Ada", "Ａda")]
)
def test_two_folders_of_one_name(tmp_path: Path, pair: tuple[str, str]) -> None:
    touch(tmp_path, *(f"{name}/1.jpg" for name in pair))
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system does not tell the two names apart")
    with pytest.raises(UsageError, match="differ only in case or Unicode form"):
        Folder(tmp_path).listing()


def test_folders_of_systems_are_nobody(tmp_path: Path) -> None:
    folders = ["#recycle", "$RECYCLE.BIN", "@eaDir", "__MACOSX", "lost+found"]
    touch(tmp_path, "Ada/1.jpg", "Ada/@eaDir/2.jpg", ".git/1.jpg", *(f"{folder}/1.jpg" for folder in folders))
    people, photographs, left_out = Folder(tmp_path).listing()
    assert (people, [photograph.path for photograph in photographs]) == (["Ada"], ["Ada/1.jpg"])
    assert left_out == [(folder, NO_PERSON) for folder in folders]


@pytest.mark.parametrize("folders", [["train", "test"], ["Training"], ["train", "Ada"]])
def test_parts_of_a_data_set_are_not_made_people(
    tmp_path: Path, memory: AbstractFileSystem, folders: list[str]
) -> None:
    paths = [f"{folder}/Bob/1.jpg" if folder != "Ada" else "Ada/1.jpg" for folder in folders]
    paths += ["train/loose.jpg", "train/Cleo/1.jpg"] if "train" in folders else []
    touch(tmp_path, *paths)
    memory.pipe({f"/people/{path}": b"1" for path in paths})
    for place in (str(tmp_path), "memory://people"):
        with pytest.raises(
            UsageError, match=rf"^{place}: .* of people, .* no (person|people); give {place}/\w+( or {place}/\w+)?$"
        ):
            open_dataset(place).listing()


def test_a_person_may_be_called_test(tmp_path: Path) -> None:
    touch(tmp_path, "Test/1.jpg", "Test/album/2.jpg", "Test/album/3.jpg", "Test/4.jpg")
    assert Folder(tmp_path).listing().people == ["Test"]
    touch(tmp_path, "Test/album/5.jpg")
    assert Folder(tmp_path).listing().people == ["Test"]


def test_a_flat_folder_is_told_from_an_empty_one(tmp_path: Path, memory: AbstractFileSystem) -> None:
    touch(tmp_path, "ada_1.jpg", "ada_2.jpg", "notes.txt")
    memory.pipe({"/people/ada_1.jpg": b"1", "/people/ada_2.jpg": b"1"})
    for place in (str(tmp_path), "memory://people"):
        with pytest.raises(UsageError, match="no folders of people in it, but 2 photographs beside each other"):
            open_dataset(place).listing()


@pytest.mark.parametrize(
    ("name", "why"), [("none", "no such folder"), ("file.jpg", "a file, not a folder"), ("empty", "no photographs")]
)
def test_no_data_set(tmp_path: Path, name: str, why: str) -> None:
    touch(tmp_path, "file.jpg", "empty/Ada/notes.txt")
    with pytest.raises(UsageError, match=why) as caught:
        Folder(tmp_path / name).listing()
    assert caught.value.status == 2


# At an address of fsspec's


def test_an_address_shows_what_a_folder_does(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Zoë Lind")
    touch(tmp_path, "Bob/album/2.jpg", "Bob/1.JPG", "Ada 1/x y%20#?.png", f"{decomposed}/1.jpg", "loose.jpg")
    touch(tmp_path, ".x/1.jpg", "Bob/.hidden.jpg", "Bob/.album/1.jpg", "Bob/notes.txt", "README.md")
    touch(tmp_path, "#recycle/1.jpg", "Bob/@eaDir/1.jpg")
    for name in ("Bob/scan", "Ada 1/photo.jpg_large"):
        (tmp_path / name).write_bytes(b"\xff\xd8\xff\xe0")
    here, there = Folder(tmp_path).listing(), open_dataset(f"file://{tmp_path}/").listing()
    assert (there.people, there.left_out) == (here.people, here.left_out)
    assert [path for path, _ in there.left_out] == ["#recycle", "Bob/notes.txt", "loose.jpg"]
    assert len(here.photographs) == 6
    for one, same in zip(there.photographs, here.photographs, strict=True):
        assert (one.person, one.path, one.size) == (same.person, same.path, 4)
        assert RemoteDataset(f"file://{tmp_path}").read(one.path) == Folder(tmp_path).read(one.path)


def test_an_address_sees_what_is_new_and_what_is_written_again(memory: AbstractFileSystem, tmp_path: Path) -> None:
    touch(tmp_path, "Ada/1.jpg")
    dataset = open_dataset(f"file://{tmp_path}")
    (first,) = dataset.listing()[1]
    assert first.stamp
    os.utime(tmp_path / "Ada" / "1.jpg", (LONG_AGO + 1, LONG_AGO + 1))
    touch(tmp_path, "Bob/1.jpg")
    changed, new = dataset.listing()[1]
    assert (changed.path, changed.stamp != first.stamp) == ("Ada/1.jpg", True)
    (tmp_path / "Bob" / "1.jpg").write_bytes(b"just")
    assert dataset.listing()[1][1] == Photograph("Bob/1.jpg", "Bob", 4, "")  # may change again within its time
    assert new.stamp

    memory.pipe_file("/people/Ada/1.jpg", b"1")  # a file system that knows when a file was made, as a datetime
    assert open_dataset("memory://people").listing()[1] == [Photograph("Ada/1.jpg", "Ada", 1, "")]


def test_an_address_goes_to_workers(tmp_path: Path) -> None:
    touch(tmp_path, "Ada/1.jpg")
    dataset = open_dataset(f"file://{tmp_path}")
    dataset.listing()
    assert pickle.loads(pickle.dumps(dataset)) == dataset
    assert pickle.loads(pickle.dumps(dataset)).read("Ada/1.jpg") == b"four"


def test_what_cannot_be_read_at_an_address(memory: AbstractFileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset("memory://people")
    with pytest.raises(FileNotFoundError) as missing:
        dataset.read("Ada/1.jpg")
    assert missing.value.strerror == "No such file or directory"

    def broken(path: str) -> bytes:
        raise RuntimeError("the line is cut\nwhile reading")

    monkeypatch.setattr(memory, "cat_file", broken)
    with pytest.raises(OSError, match="the line is cut"):
        dataset.read("Ada/1.jpg")
    monkeypatch.setattr(memory, "find", lambda *args, **more: broken(""))
    with pytest.raises(FacesError, match=r"^memory://people: cannot be listed: the line is cut$"):
        dataset.listing()


@pytest.mark.parametrize(
    ("address", "error", "says"),
    [
        ("file:///nowhere/at/all", UsageError, "nothing there; put one folder of photographs per person below it"),
        ("no-such://place", UsageError, "Protocol not known: no-such"),
        ("memory://empty", UsageError, "no photographs in it; expected one folder per person"),
    ],
)
def test_no_data_set_at_an_address(
    memory: AbstractFileSystem, address: str, error: type[FacesError], says: str
) -> None:
    memory.pipe_file("/empty/Ada/notes.txt", b"")
    with pytest.raises(error) as raised:
        open_dataset(address).listing()
    assert str(raised.value).startswith(f"{address}: {says}")
    assert "\n" not in str(raised.value)


def test_an_address_that_needs_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(FacesError, match=r"^s3://bucket/people: install s3fs to access s3$"):
        open_dataset("s3://bucket/people").listing()
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(FacesError, match=r"^file:///people: .*; run: pip install 'recognize-faces\[cluster\]'$"):
        open_dataset("file:///people").listing()


def test_two_folders_of_one_name_at_an_address(memory: AbstractFileSystem) -> None:
    memory.pipe({"/people/ada/1.jpg": b"1", "/people/Ada/2.jpg": b"2"})
    with pytest.raises(UsageError, match="differ only in case or Unicode form"):
        open_dataset("memory://people").listing()
