"""The recipe's commands, called one after another from one Python process: each ``main`` with its own options."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import faces
from faces.commands import evaluate, extract, recognize, retrain, train, video


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers of signals that the commands set are this process's own again afterwards."""
    stopping = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.getsignal(number) for number in stopping}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def place(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with links to the sample's photographs."""
    for name in ("dataset", "sample"):
        (tmp_path / name).symlink_to(sample / name, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_extract_train_recognize_and_retrain(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert extract.main(["--workers", "1"]) == 0
    assert train.main([]) == 0
    capsys.readouterr()
    assert recognize.main(["--image", "sample/group_1.jpg", "--json", "--attributes", "age"]) == 0
    answer = json.loads(capsys.readouterr().out)
    named = [face["name"] for face in answer["faces"]]
    people = {path.name for path in (place / "dataset").iterdir()}
    assert len(set(named) & people) > 1 and set(named) <= people | {None}

    assert retrain.main(["--workers", "1"]) == 0
    assert retrain.main(["--workers", "1", "--force"]) == 0
    capsys.readouterr()
    assert retrain.main(["--list"]) == 0
    assert capsys.readouterr().out.count("in service") == 1
    assert retrain.main(["--rollback"]) == 0


def test_a_film(trained: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [film] = (trained / "sample").glob("*.mp4")
    options = ["-r", str(trained / "output" / "recognizer.pickle"), "-l", str(trained / "output" / "le.pickle")]
    words = ["--source", str(film), *options, "-o", "named.mp4", "--attendance", "who.csv", "--no-display"]
    assert video.main(words) == 0
    assert (place / "named.mp4").stat().st_size > 0
    with (place / "who.csv").open(encoding="utf-8-sig") as lines:
        assert list(csv.DictReader(lines))


def test_how_good_it_is(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["identification", "--images", "dataset", "--enrol", "2", "--splits", "2"]) == 0
    assert "strangers" in capsys.readouterr().out


def test_the_interface_does_the_same(trained: Path, place: Path) -> None:
    output = trained / "output"
    models = faces.load_models(gallery=output / "embeddings.pickle")
    recognizer = faces.load_recognizer(models, output / "recognizer.pickle", output / "le.pickle")
    photograph = faces.read_image(place / "sample" / "group_1.jpg")
    recognition = faces.recognize(photograph, models, recognizer)
    assert len(recognition) > 1 and any(recognition.names)
    faces.write_image(place / "drawn.jpg", faces.annotate(photograph, recognition))
    assert faces.read_image(place / "drawn.jpg").shape == photograph.shape
