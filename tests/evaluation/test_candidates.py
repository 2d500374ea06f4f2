"""The values of --compare."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.errors import FacesError, FingerprintError, UsageError
from faces.evaluation import candidates
from faces.evaluation.candidates import Candidate
from faces.extraction.workers import Models
from faces.recognition.recognizer_files import save
from faces.recognition.recognizers import FaceRecognizer
from tests.recognition.test_recognizers import DLIB, fingerprint, gallery

MODELS: Models = ("a detector", "an embedder", 0.7, "fast")


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("built-in", ("built-in", "built-in", 0.7, "fast")),
        ("best", ("built-in", "built-in", 0.7, "best")),
        ("yunet.onnx+sface.onnx", ("yunet.onnx", "sface.onnx", 0.7, "fast")),
        ("yunet.onnx + built-in", ("yunet.onnx", "built-in", 0.7, "fast")),
        ("yunet.onnx+", ("yunet.onnx", "built-in", 0.7, "fast")),
        ("sface.onnx", ("a detector", "sface.onnx", 0.7, "fast")),
    ],
)
def test_models(text: str, models: Models) -> None:
    assert candidates.parse(text, MODELS) == Candidate(text, models)


def test_a_file_with_a_plus_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a+b.onnx"
    path.touch()
    assert candidates.parse(str(path), MODELS).models == ("a detector", str(path), 0.7, "fast")


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "output" / "versions" / "3"
    folder.mkdir(parents=True)
    save(FaceRecognizer().fit(gallery(3, 2, DLIB)), folder / "recognizer.pickle", folder / "le.pickle")
    return folder


def test_a_version_and_a_folder(trained: Path) -> None:
    version = candidates.parse("version:3", MODELS)
    assert version == Candidate("version:3", MODELS, Path("output/versions/3"))
    assert candidates.parse(str(trained), MODELS).recognizer == trained
    assert version.recognizer is not None
    assert len(candidates.load_recognizer(version.recognizer, DLIB).names_) == 3


def test_a_recognizer_of_other_models(trained: Path) -> None:
    with pytest.raises(FingerprintError, match="embedder"):
        candidates.load_recognizer(trained, fingerprint("sface"))


def test_missing_versions_and_files(trained: Path) -> None:
    with pytest.raises(UsageError, match=r"version:4: there is no output.versions.4; retrain.py --list"):
        candidates.parse("version:4", MODELS)
    with pytest.raises(UsageError, match=r"a folder without recognizer.pickle"):
        candidates.parse(str(trained.parent), MODELS)
    (trained / "le.pickle").unlink()
    with pytest.raises(FacesError):
        candidates.load_recognizer(trained, DLIB)
