"""The script that says what pictures are of."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from faces.commands import classify
from faces.errors import ModelError, UsageError
from tests.test_image_classifier import grey, write_classifier


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A classifier of dark and light in output/, and pictures in pictures/."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "output").mkdir()
    (tmp_path / "pictures").mkdir()
    write_classifier(tmp_path / "output" / "classifier.onnx")
    for name, value in (("dark", 10), ("light", 245), ("so-so", 100)):
        cv2.imwrite(str(tmp_path / "pictures" / f"{name}.png"), grey(value))
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.replace("\\", "/").splitlines()


def test_labels_of_the_sure_and_values_of_the_rest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert classify.main(["-i", "pictures"]) == 0
    assert lines(capsys) == [
        "pictures/dark.png: dark  probability 0.96",
        "pictures/light.png: light  probability 0.96",
        "pictures/so-so.png: undecided  dark 0.61  light 0.39",
    ]


def test_another_threshold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert classify.main(["-i", "pictures/so-so.png", "pictures/light.png", "--threshold", "0.6"]) == 0
    assert [line.split()[1] for line in lines(capsys)] == ["dark", "light"]


def test_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "output" / "classes.json").write_text('["Nacht", "Tag"]')
    assert classify.main(["-i", "pictures/so-so.png", "pictures/light.png", "--json"]) == 0
    unsure, sure = map(json.loads, lines(capsys))
    assert unsure["label"] is None
    assert sure == {"file": sure["file"], "label": "Tag", "probabilities": {"Nacht": 0.0392, "Tag": 0.9608}}


def test_an_unreadable_picture_does_not_stop_the_rest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pictures" / "bad.jpg").write_bytes(b"no picture")
    assert classify.main(["-i", "pictures"]) == 1
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 3
    assert output.err.replace("\\", "/") == "error: pictures/bad.jpg: not an image\n"


def test_what_is_no_picture_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        (folder / "pictures" / name).touch()
    (folder / "pictures" / "dark.png").rename(folder / "pictures" / "dark")
    assert classify.main(["-i", "pictures"]) == 0
    output = capsys.readouterr()
    assert output.out.replace("\\", "/").splitlines()[0] == "pictures/dark: dark  probability 0.96"
    named = "pictures/a.txt, pictures/b.txt, pictures/c.txt and 1 more"
    assert output.err.replace("\\", "/") == f"warning: 4 files are not photographs that can be read: {named}\n"


def test_pictures_that_are_not_there(folder: Path) -> None:
    (folder / "empty").mkdir()
    for path, message in (("other.png", "no such file or folder"), ("empty", "no photographs in this folder")):
        with pytest.raises(UsageError, match=message):
            classify.main(["-i", "pictures", path])


def test_classes_that_do_not_fit(folder: Path) -> None:
    (folder / "output" / "classes.json").write_text('["a", "b", "c"]')
    with pytest.raises(ModelError, match="2 outputs do not fit the 3 classes of"):
        classify.main(["-i", "pictures"])
