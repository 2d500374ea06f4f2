"""``faces train-classifier --liveness``: its options, its files, and who uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.photographs import DATA
from faces.commands import train_classifier
from faces.errors import FacesError, ModelError, UsageError
from faces.liveness.trained import TrainedLiveness
from faces.models import cache
from tests.training.liveness.test_training import folders, write

NUAA = DATA / "liveness" / "nuaa"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), r"^--liveness: give --dataset, a folder with real and a folder for each kind of attack in it$"),
        (("--dataset", "x", "--epochs", "3"), r"^--liveness takes --dataset, --output and --track, not --epochs$"),
        (("--dataset", "x", "--from-keras", "k.h5"), r"not --from-keras$"),
        (("--dataset", "none"), r"^none: no such folder"),
    ],
)
def test_options(options: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        train_classifier.main(["--liveness", *options])


def test_an_older_network_stays(tmp_path: Path) -> None:
    write(tmp_path / "data" / "print" / "a" / "1.jpg")
    output = tmp_path / "output"
    output.mkdir()
    (output / "liveness.onnx").write_bytes(b"older")
    with pytest.raises(FacesError, match="no folder 'real' in it"):
        train_classifier.main(["--liveness", "--dataset", str(tmp_path / "data"), "-o", str(output)])
    assert (output / "liveness.onnx").read_bytes() == b"older"


def test_the_files_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "home"))
    folders(tmp_path / "data", 3)
    with pytest.raises(ModelError, match=r"MiniFASNetV2\.pth is not there; run: faces download-models liveness$"):
        train_classifier.main(["--liveness", "--dataset", str(tmp_path / "data"), "-o", str(tmp_path / "output")])


@pytest.mark.accuracy
@pytest.mark.slow
@pytest.mark.skipif(not NUAA.is_dir(), reason="no photographs in ../shared/data/liveness")
def test_ten_people_one_left_out_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All photographs; docs/liveness.md has the figures."""
    if not (cache.home() / "originals" / "2.7_80x80_MiniFASNetV2.pth").is_file():
        pytest.skip("Silent-Face's files were not fetched: faces download-models liveness")
    assert train_classifier.main(["--liveness", "--dataset", str(NUAA), "-o", str(tmp_path)]) == 0
    assert "BPCER, people left out: " in capsys.readouterr().out
    report = json.loads((tmp_path / "liveness_report.json").read_text(encoding="utf-8"))
    real = report["people_left_out"]["real"]
    assert real["wrong"] <= 0.1 * real["count"]
    assert len(report["by_person"]) == 10
    assert TrainedLiveness(tmp_path / "liveness.onnx").threshold == report["threshold"]
    assert "| 0001 | BPCER |" in (tmp_path / "liveness.md").read_text(encoding="utf-8")
