"""``faces photos write-xmp``, and metadata in ``faces photos scan``."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.commands.photos import write_xmp
from faces.commands.photos.command import main
from faces.errors import FacesError, UsageError
from faces.files.locks import only_one
from faces.photos.library import Library
from faces.photos.regions.sharing import JOURNAL
from tests.conftest import contents
from tests.photos.libraries import MODELS
from tests.photos.regions.pictures import picture
from tests.photos.regions.test_library import LEFT, RIGHT, add, enrol, two_regions

Output = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a library of two photographs with a face each, of Ada and of Bob, and no metadata."""
    monkeypatch.chdir(tmp_path)
    with Library("output/photos.sqlite", create=True) as library:
        library.set_models(MODELS, "")
        for number, name in enumerate(("a.jpg", "b.png"), 1):
            add(library, picture(tmp_path / name, number), LEFT)
        enrol(library, "Ada", "Bob")
    return tmp_path


def pictures(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(folder).items() if not name.startswith("output")}


def test_a_dry_run_prints_what_a_run_then_writes_and_undo_takes_back(folder: Path, capsys: Output) -> None:
    before = pictures(folder)
    assert main(["write-xmp", "--dry-run"]) == 0
    assert capsys.readouterr().out == f"{folder}/a.jpg.xmp\n{folder}/b.png.xmp\n2 files would be written; nothing was\n"
    assert pictures(folder) == before
    assert main(["write-xmp"]) == 0
    assert capsys.readouterr().out == "2 files written; undo: faces photos write-xmp --undo\n"
    assert set(pictures(folder)) - set(before) == {"a.jpg.xmp", "b.png.xmp"}
    assert main(["write-xmp"]) == 0
    assert capsys.readouterr().out == "0 files written: all names are there\n"
    assert main(["write-xmp", "--undo"]) == 0
    assert capsys.readouterr().out == "2 files as before\n"
    assert pictures(folder) == before
    assert main(["write-xmp", "--undo"]) == 0
    assert capsys.readouterr().out == "nothing was written\n"


def test_what_cannot_be_embedded_or_written_is_told(folder: Path, capsys: Output) -> None:
    assert main(["write-xmp", "Bob", "--into", "embed"]) == 0
    assert capsys.readouterr().err == (
        f"warning: {folder}/b.png: only JPEG files are written into; a sidecar is used instead\n"
    )
    (folder / "a.jpg.xmp").write_text("<x")
    assert main(["write-xmp"]) == 1
    reason = "unclosed token, line 1; it stays as it is: mend it, or move it away"
    assert capsys.readouterr().err == f"warning: {folder}/a.jpg.xmp: {reason}\n"


def test_undo_says_which_file_was_changed_since(folder: Path, capsys: Output) -> None:
    main(["write-xmp"])
    (folder / "a.jpg.xmp").write_text("mine")
    capsys.readouterr()
    assert main(["write-xmp", "--undo"]) == 1
    said = capsys.readouterr()
    assert said.err == f"warning: {folder}/a.jpg.xmp: it was changed since; it stays as it is\n"
    assert said.out == "1 file as before\n"
    assert (folder / "a.jpg.xmp").read_text() == "mine"


def test_undo_takes_no_other_options_and_two_runs_do_not_mix(folder: Path) -> None:
    with pytest.raises(UsageError, match="--undo puts back the whole last run"):
        main(["write-xmp", "--undo", "--replace"])
    with only_one(Path("output", JOURNAL)), pytest.raises(FacesError, match="in use by"):
        main(["write-xmp"])


def test_a_scan_says_which_names_it_took(folder: Path, capsys: Output) -> None:
    with Library() as library:
        path = add(library, picture(folder / "c.jpg"), LEFT, RIGHT)
        two_regions(path, "Eve", "Zoë")
        path.with_name("a.jpg.xmp").write_text("<x")
        write_xmp.take_names(library, None)
    said = capsys.readouterr()
    assert said.out == "2 names taken from metadata that other programs wrote\n"
    note = "a.jpg.xmp: damaged XMP (unclosed token, line 1); not used"
    assert said.err == f"warning: {folder}/a.jpg: its metadata: {note}\n"
