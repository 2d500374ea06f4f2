"""faces sample: what it draws, what it leaves alone, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from faces.cli.text import complain
from faces.commands import sample
from faces.errors import FacesError
from faces.synthetic.people import CAST
from faces.synthetic.sample_folder import MARKER


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by relative path."""
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


@pytest.fixture
def short_film(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people's data set in a fraction of a second: a film of four frames."""
    monkeypatch.setattr(sample, "FPS", 1)


def run(tmp: Path, *more: str) -> int:
    """Draw two people with two photographs each, as a command; return the exit status."""
    argv = ["-o", str(tmp / "dataset"), "--extras", str(tmp / "sample"), "--people", "2", "--photos", "2", *more]
    try:
        return sample.main(argv)
    except FacesError as error:
        complain(str(error))
        return error.status


@pytest.mark.usefixtures("short_film")
def test_script_draws_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 0
    out, err = capsys.readouterr()
    assert "2 people with 2 pictures each" in out
    assert out.count("\n") == 1
    assert "mp4" in err or not err
    assert sorted(f.parent.name + "/" + f.name for f in (tmp_path / "dataset").glob("*/*")) == [
        f"{person.name}/{n:02}.jpg" for person in CAST[:2] for n in (1, 2)
    ]
    truth = json.loads((tmp_path / "sample" / "truth.json").read_text(encoding="utf-8"))
    for name, faces in truth["pictures"].items():
        image = cv2.imread(str(tmp_path / "sample" / name))
        assert image is not None
        for face in faces:
            x1, y1, x2, y2 = face["box"]
            assert 0 <= x1 < x2 <= image.shape[1]
            assert 0 <= y1 < y2 <= image.shape[0]
    assert None in [face["name"] for face in truth["pictures"]["group_1.jpg"]]
    video = cv2.VideoCapture(str(tmp_path / "sample" / truth["video"]["file"]))
    assert len(truth["video"]["frames"]) == 4
    _, frame = video.read()
    assert frame is not None
    assert frame.shape == (truth["video"]["height"], truth["video"]["width"], 3)
    assert [face["name"] for face in truth["video"]["frames"][0]] == truth["video"]["names"]


@pytest.mark.usefixtures("short_film")
def test_script_is_deterministic_and_idempotent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "a") == run(tmp_path / "b") == 0
    first = files(tmp_path / "a" / "dataset")
    assert first == files(tmp_path / "b" / "dataset")
    kept = {f: f.stat().st_mtime_ns for f in (tmp_path / "a").rglob("*.jpg")}
    capsys.readouterr()
    assert run(tmp_path / "a") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert {f: f.stat().st_mtime_ns for f in (tmp_path / "a").rglob("*.jpg")} == kept
    next(iter(kept)).unlink()
    assert run(tmp_path / "a") == 0
    assert files(tmp_path / "a" / "dataset") == first


@pytest.mark.usefixtures("short_film")
def test_another_run_replaces_its_own_files_only(tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    mine = tmp_path / "dataset" / CAST[0].name / "mine.jpg"
    mine.write_bytes(b"mine")
    before = files(tmp_path / "dataset")
    assert run(tmp_path, "--photos", "1", "--seed", "8") == 0
    after = files(tmp_path / "dataset")
    assert mine.read_bytes() == b"mine"
    assert sum(name.endswith(".jpg") for name in after) == 3
    photograph = str(Path(CAST[0].name) / "01.jpg")
    assert before[photograph] != after[photograph]


@pytest.mark.usefixtures("short_film")
def test_script_refuses_a_folder_of_somebody_elses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "dataset" / "Me" / "me.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"me")
    assert run(tmp_path) == 1
    out, err = capsys.readouterr()
    assert not out
    assert "other files (Me)" in err
    assert err.count("\n") == 1
    assert list(files(tmp_path)) == [str(Path("dataset") / "Me" / "me.jpg")]
    assert run(tmp_path, "--force") == 0
    assert photo.read_bytes() == b"me"


@pytest.mark.usefixtures("short_film")
def test_a_readme_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "README.md").write_text("photographs go here", encoding="utf-8")
    assert run(tmp_path) == 0
    assert (tmp_path / "dataset" / "README.md").exists()


def test_paths_that_cannot_be_written_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dataset").write_text("a file", encoding="utf-8")
    assert run(tmp_path) == 1
    assert run(tmp_path / "dataset") == 1
    same = str(tmp_path / "x")
    assert run(tmp_path, "-o", same, "--extras", same) == 1
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / MARKER).write_text("{", encoding="utf-8")
    assert run(tmp_path, "-o", str(tmp_path / "y"), "--extras", same) == 1
    assert capsys.readouterr().err.count("\n") == 4


@pytest.mark.parametrize("wrong", [["--people", "1"], ["--photos", "0"], ["--people", "many"], ["--nonsense"]])
def test_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        sample.main(wrong)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err
