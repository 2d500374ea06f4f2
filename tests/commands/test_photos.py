"""``faces photos``, from an unsorted folder to names, on drawn people."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from faces.cli import signals
from faces.commands.photos import page
from faces.commands.photos import scan as scan_command
from faces.commands.photos.command import build_parser, main
from faces.errors import UsageError
from tests.conftest import RunScript, patience, running
from tests.photos.libraries import library_of, person
from tests.test_documents import parsers


@pytest.fixture(autouse=True)
def unchanged_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process keeps its handlers."""
    monkeypatch.setattr(signals, "stop_on_signals", lambda: None)


def test_the_help_of_every_command_has_two_examples() -> None:
    for parser in parsers(build_parser()):
        title, *examples = str(parser.epilog).splitlines()
        assert (title, len(examples)) == ("examples:", 2), parser.prog


@pytest.mark.parametrize(
    ("words", "terminal", "installed", "wanted"),
    [
        ([], True, True, True),
        ([], True, False, False),
        ([], False, True, False),
        (["--list"], True, True, False),
        (["--page"], False, False, True),
    ],
)
def test_the_page_opens_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, words: list[str], terminal: bool, installed: bool, wanted: bool
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    monkeypatch.setattr(page, "find_spec", lambda name: object() if installed else None)
    assert page.is_wanted(build_parser().parse_args(["name", *words])) is wanted


@pytest.fixture(scope="module")
def album(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn people's photographs in one folder, in no order, a group picture, and files that are none."""
    folder = tmp_path_factory.mktemp("photos") / "album"
    folder.mkdir()
    for number, path in enumerate(sorted(sample.glob("dataset/*/*.*"), key=lambda path: (path.stem, path.parent))):
        shutil.copy(path, folder / f"IMG_{number:03}{path.suffix}")
    shutil.copy(sample / "sample" / "photo.jpg", folder)
    (folder / "broken.jpg").write_bytes((folder / "photo.jpg").read_bytes()[:200])
    (folder / "IMG_000.NEF").write_bytes(b"MM\0*raw")
    return folder


@pytest.mark.slow
def test_from_an_unsorted_folder_to_names(album: Path, run_script: RunScript) -> None:
    place = album.parent

    def photos(*args: object, status: int = 0) -> str:
        result = run_script("photos", *args, cwd=place)
        assert result.returncode == status, result.stderr
        return str(result.stdout + result.stderr)

    said = photos("scan", "album", "--workers", 1)
    assert "broken.jpg: cannot be read: damaged or cut off" in said
    assert "1 file is a raw photograph, which is not read" in said
    faces = [json.loads(line) for line in photos("list", "--json").splitlines()]
    assert {*faces[0]} >= {"path", "box", "person", "group", "status", "score"}
    rows = list(csv.DictReader(photos("list", "--csv").splitlines()))
    assert [row["path"] for row in rows] == [face["path"] for face in faces]
    states = {
        Path(row["path"]).name: row["state"]
        for row in map(json.loads, photos("list", "--files", "--json").splitlines())
    }
    assert (states["broken.jpg"], states["IMG_000.NEF"], states["photo.jpg"]) == ("unreadable", "raw", "read")

    group = next(face["group"] for face in faces if face["path"].endswith("IMG_000.png") or face["group"])
    assert "has no name" in photos("name") or "have no name" in photos("name")
    photos("name", "--group", group, "--as", "Ada Lovelace")
    found = photos("find", "Ada Lovelace").splitlines()
    assert found == sorted({face["path"] for face in faces if face["group"] == group})
    assert "Ada Lovelace" in (place / "output" / "corrections.csv").read_text(encoding="utf-8-sig")
    assert " known" in photos("scan", "album")
    assert photos("find", "Ada Lovelace").splitlines() == found
    assert "1 person" in photos("export") and list((place / "dataset" / "Ada Lovelace").iterdir())
    assert "taken back: name Ada Lovelace" in photos("name", "--undo")
    assert "nobody in output/photos.sqlite has the name" in photos("find", "Ada Lovelace", status=2)


@pytest.mark.slow
def test_a_scan_that_is_killed_continues(album: Path, tmp_path: Path, run_script: RunScript) -> None:
    library = tmp_path / "output" / "photos.sqlite"
    with running("photos", "scan", album, "--workers", 1, cwd=tmp_path) as scan:
        end = time.monotonic() + patience(30)
        while time.monotonic() < end and not library.exists():
            time.sleep(0.05)
        time.sleep(0.5)
        scan.process.send_signal(signal.SIGKILL)
    result = run_script("photos", "scan", album, "--workers", 1, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    with closing(sqlite3.connect(library)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM files WHERE state = 'waiting'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("scan nowhere", "nowhere: no such folder"),
        ("list", "output/photos.sqlite: no library of photographs; run: faces photos scan FOLDER"),
        ("find", "who is to be found"),
        ("name", "no library of photographs"),
        ("export", "no library of photographs"),
    ],
)
def test_bad_input_is_one_line_and_makes_no_file(
    arguments: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        main(arguments.split())
    assert list(tmp_path.iterdir()) == []


def test_an_empty_name_finds_nobody_instead_of_everything(tmp_path: Path) -> None:
    with library_of(tmp_path, person(0, 2)) as library:
        pass
    with pytest.raises(UsageError, match="has the name ''"):
        main(["find", "", "--library", str(library.path)])


def test_a_date_that_is_none_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["find", "Ada", "--since", "May"])
    assert "'May' is not a date such as 2019 or 2019-05-20" in capsys.readouterr().err


def test_a_scan_that_is_stopped_says_that_its_work_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(scan_command, "scan", stop)
    with pytest.raises(KeyboardInterrupt, match="stopped; what was done is kept: run it again"):
        main(["scan", str(tmp_path)])
