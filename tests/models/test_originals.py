"""Files that are kept in the cache: downloaded, taken from a folder, and by the command."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from faces.commands import download_models
from faces.errors import CacheError, ModelError
from faces.models import conversion, originals
from faces.models.spec import ModelFile, ModelSpec
from tests.pytorch_files import minifasnet, older, zipped

CONTENT = {"a.pth": older(minifasnet(False)), "b.pth": zipped(minifasnet(True))}
NAMES = ("minifasnet-v2", "minifasnet-v1se")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files come from."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for name, data in CONTENT.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def files(folder: Path) -> list[ModelFile]:
    """The files, as the table has them."""
    return [
        ModelFile(
            name, (folder / name).as_uri(), f"sha256:{hashlib.sha256(data).hexdigest()}", len(data), models="liveness"
        )
        for name, data in CONTENT.items()
    ]


def kept(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "originals").iterdir()}


def test_a_file_is_downloaded_once(home: Path, folder: Path, files: list[ModelFile]) -> None:
    path = originals.fetch_original(files[0])
    assert (path, path.read_bytes()) == (home / "originals" / "a.pth", CONTENT["a.pth"])
    (folder / "a.pth").unlink()
    assert originals.fetch_original(files[0]) == path


def test_a_damaged_file_is_downloaded_again(home: Path, files: list[ModelFile]) -> None:
    originals.fetch_original(files[0]).write_bytes(b"damaged")
    originals.fetch_original(files[0])
    assert kept(home) == {"a.pth": CONTENT["a.pth"]}


@pytest.mark.parametrize("data", [b"", b"<!doctype html>", CONTENT["b.pth"][: len(CONTENT["a.pth"])]])
def test_something_else_is_downloaded(home: Path, folder: Path, files: list[ModelFile], data: bytes) -> None:
    (folder / "a.pth").write_bytes(data)
    with pytest.raises(ModelError, match=r"a\.pth is not the file with sha256.*; by hand: save file.* as .*a\.pth"):
        originals.fetch_original(files[0])
    assert kept(home) == {}


def test_files_are_taken_from_a_folder(home: Path, folder: Path, files: list[ModelFile]) -> None:
    assert [path.name for path in originals.take_originals(files, folder)] == list(CONTENT)
    assert kept(home) == CONTENT
    assert sorted(path.name for path in folder.iterdir()) == list(CONTENT)


def test_one_file_under_another_name(home: Path, folder: Path, files: list[ModelFile]) -> None:
    (folder / "b.pth").rename(folder / "download (1)")
    assert originals.take_originals(files, folder / "download (1)") == [home / "originals" / "b.pth"]
    assert kept(home) == {"b.pth": CONTENT["b.pth"]}


def spoil(path: Path) -> None:
    path.write_bytes(b"something else")


@pytest.mark.parametrize(("change", "words"), [(Path.unlink, "no such file"), (spoil, "has the wrong hash")])
def test_files_that_are_not_right(
    home: Path, folder: Path, files: list[ModelFile], change: Callable[[Path], None], words: str
) -> None:
    change(folder / "b.pth")
    with pytest.raises(ModelError, match=rf"b\.pth:? {words}; fetch it from file://"):
        originals.take_originals(files, folder)
    with pytest.raises(ModelError, match=r"b\.pth is not a\.pth or b\.pth: no such file, or the wrong hash"):
        originals.take_originals(files, folder / "b.pth")
    assert not home.exists()


def test_a_cache_that_cannot_be_written(
    folder: Path, files: list[ModelFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(CacheError, match="set FACES_HOME to a folder you can write to"):
        originals.take_originals(files, folder)
    with pytest.raises(ModelError, match="could not be fetched"):
        originals.fetch_original(files[0])


# The command


@pytest.fixture
def table(files: list[ModelFile], monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks in place of Silent-Face's."""
    rows = {name: ModelSpec(name, "liveness", "", "", files=(file,)) for name, file in zip(NAMES, files, strict=True)}
    monkeypatch.setattr(download_models, "MODELS", rows)


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("given", [(), ("--from", "elsewhere")])
def test_the_command_fetches_and_converts(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert download_models.main(["liveness", *given]) == 0
    assert capsys.readouterr().out.splitlines() == [str(home / "originals" / name) for name in CONTENT]
    assert {path.stem for path in home.glob("*.onnx")} == {f"{name}-{conversion.FORMAT}" for name in NAMES}


@pytest.mark.usefixtures("table")
def test_the_command_takes_one_file(home: Path, folder: Path) -> None:
    assert download_models.main(["liveness", "--from", str(folder / "b.pth")]) == 0
    assert kept(home) == {"b.pth": CONTENT["b.pth"]}
    assert [path.stem for path in home.glob("*.onnx")] == [f"{NAMES[1]}-{conversion.FORMAT}"]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("given", ["elsewhere/c.pth", "elsewhere"])
def test_the_command_reports_what_is_wrong_in_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "home"))
    spoil(folder / "a.pth")
    assert download_models.main(["liveness", "--from", given]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: {given}")
