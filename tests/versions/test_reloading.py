"""A recognizer that follows its files."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from faces.errors import PickleError
from faces.files import pickles
from faces.recognition import recognizer_files
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint, ModelId
from faces.versions import reloading
from faces.versions.reloading import ReloadingRecognizer
from faces.versions.versions import LE, RECOGNIZER, Versions

MODELS = Fingerprint(ModelId("det", "1" * 64), ModelId("ali", "2" * 64), ModelId("dlib-resnet", "3" * 64))
PROBE = np.eye(128, dtype=np.float32)[:1]


def save(folder: Path, name: str, models: Fingerprint = MODELS) -> None:
    """A recognizer that takes the probe for somebody of this name."""
    people = Gallery(np.eye(128, dtype=np.float32)[:2], (name, "somebody else"), fingerprint=models)
    recognizer_files.save(FaceRecognizer(threshold=1).fit(people), folder / RECOGNIZER, folder / LE)


def serve(versions: Versions, name: str) -> None:
    number = versions.candidate().number
    save(versions.path(number, ""), name)
    versions.put_in_service(number)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def recognizer(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> ReloadingRecognizer:
    monkeypatch.setattr(reloading, "CHECK_INTERVAL", 0)
    save(tmp_path, "Ada")
    return ReloadingRecognizer(tmp_path / RECOGNIZER, tmp_path / LE, MODELS, said.append)


def names(recognizer: ReloadingRecognizer, looks: int = 3) -> list[str | None]:
    return [recognizer.identify(PROBE).names[0] for _ in range(looks)]


def test_a_new_version_is_taken_up(tmp_path: Path, recognizer: ReloadingRecognizer, said: list[str]) -> None:
    versions = Versions(tmp_path / RECOGNIZER, tmp_path / LE)
    versions.settle()  # the files become links; what they hold stays
    assert names(recognizer) == ["Ada"] * 3
    serve(versions, "Grace")
    assert names(recognizer) == ["Ada", "Grace", "Grace"]  # one look to see that it has settled
    versions.put_in_service(1)
    assert names(recognizer)[-1] == "Ada"
    assert said == ["now using version 1", "now using version 2", "now using version 1"]


def test_training_by_hand_is_taken_up(tmp_path: Path, recognizer: ReloadingRecognizer, said: list[str]) -> None:
    save(tmp_path, "Grace")
    assert names(recognizer)[-1] == "Grace"
    assert said == [f"now using {tmp_path / RECOGNIZER}"]


@pytest.mark.parametrize("damage", ["cut off", "gone", "other models", "other parts"])
def test_what_cannot_be_loaded_is_said_once_and_the_old_one_stays(
    tmp_path: Path, recognizer: ReloadingRecognizer, said: list[str], damage: str
) -> None:
    if damage == "cut off":
        (tmp_path / RECOGNIZER).write_bytes((tmp_path / RECOGNIZER).read_bytes()[:100])
    elif damage == "gone":
        (tmp_path / RECOGNIZER).unlink()
    elif damage == "other parts":
        damaged, _ = recognizer_files.load(tmp_path / RECOGNIZER, tmp_path / LE, MODELS)
        vars(damaged)["threshold_"] = None
        pickles.dump(tmp_path / RECOGNIZER, damaged)
    else:
        save(tmp_path, "Grace", Fingerprint(MODELS.detector, MODELS.aligner, ModelId("sface", "4" * 64)))
    assert names(recognizer, 6) == ["Ada"] * 6
    (line,) = said
    assert line.startswith("warning: ")
    assert line.endswith(f"; {tmp_path / RECOGNIZER} stays in use")
    save(tmp_path, "Grace")
    assert names(recognizer)[-1] == "Grace"


def test_files_that_are_being_written_are_let_be(
    tmp_path: Path, recognizer: ReloadingRecognizer, said: list[str]
) -> None:
    for size in (50, 100, 150):
        (tmp_path / RECOGNIZER).write_bytes(b"x" * size)
        assert names(recognizer, 1) == ["Ada"]
    assert said == []


def test_the_files_are_looked_at_once_a_second(
    tmp_path: Path, recognizer: ReloadingRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(reloading, "CHECK_INTERVAL", 1.0)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    names(recognizer, 1)
    save(tmp_path, "Grace")
    assert names(recognizer, 5) == ["Ada"] * 5
    for _ in range(2):
        now += 1
        found = names(recognizer, 1)
    assert found == ["Grace"]


def test_nothing_to_begin_with(tmp_path: Path, said: list[str]) -> None:
    with pytest.raises(PickleError, match=r"no such file; run: faces train"):
        ReloadingRecognizer(tmp_path / RECOGNIZER, tmp_path / LE, MODELS, said.append)
