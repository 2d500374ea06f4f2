"""Encodings pickled with face_recognition are a gallery of dlib's embedder."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import faces
from faces.embedding import encodings
from faces.errors import PickleError
from faces.recognition import recognizer_files
from faces.recognition.gallery import Gallery
from tests.dlib_models import needs_dlib_models

NAMES = ["Ada", "Ada", "Grace", "Grace"]


def rows() -> list[Any]:
    """Four encodings, float64 (128,), of about the length that dlib's have."""
    random = np.random.default_rng(0)
    people = random.normal(size=(2, 128)).repeat(2, axis=0) + random.normal(size=(4, 128)) / 10
    return list(1.4 * people / np.linalg.norm(people, axis=1, keepdims=True))


def pickled(path: Path, content: object) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.mark.parametrize(
    "content",
    [
        {"encodings": rows(), "names": NAMES},
        {"encodings": [row.tolist() for row in rows()], "names": NAMES},
        (rows(), NAMES),
        [np.stack(rows()), NAMES],
    ],
    ids=["tutorial", "lists", "pair", "array"],
)
def test_encodings_are_a_gallery(content: object, tmp_path: Path) -> None:
    gallery = Gallery.load(pickled(tmp_path / "encodings.pickle", content))
    assert gallery.names == tuple(NAMES)
    assert gallery.embeddings.dtype == np.float32
    np.testing.assert_allclose(gallery.embeddings, np.stack(rows()) / 1.4, atol=1e-6)
    assert gallery.fingerprint == encodings.dlib_fingerprint()
    assert recognizer_files.models_of(tmp_path / "encodings.pickle") == gallery.fingerprint


@needs_dlib_models
def test_the_models_are_those_of_dlibs_pipeline() -> None:
    assert faces.load_models("dlib", "dlib").fingerprint == encodings.dlib_fingerprint()


def test_a_recognizer_is_trained_on_them(tmp_path: Path) -> None:
    path = pickled(tmp_path / "encodings.pickle", {"encodings": rows(), "names": NAMES})
    trained = faces.train(path, tmp_path / "recognizer.pickle", tmp_path / "le.pickle").recognizer
    assert trained.fingerprint_ == encodings.dlib_fingerprint()
    probes = np.stack(rows()).astype(np.float32) / np.float32(1.4)
    assert trained.identify(probes).names == tuple(NAMES)
    assert recognizer_files.models_of(tmp_path / "le.pickle") == encodings.dlib_fingerprint()


class Command:
    def __reduce__(self) -> Any:
        return print, ("run",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"encodings": [np.ones(64)], "names": ["Ada"]}, "not (N, 128)"),
        ({"encodings": [np.zeros(128)], "names": ["Ada"]}, "zero"),
        ({"encodings": rows(), "names": ["Ada"]}, "4, 128"),
        ({"encodings": rows()}, "not embeddings"),
        (({}, 3), "not embeddings"),
        ({"encodings": [Command()], "names": ["Ada"]}, "asks for builtins.print"),
    ],
    ids=["dimension", "zero", "too few names", "no names", "nonsense", "code"],
)
def test_other_files_are_refused(
    content: object, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = pickled(tmp_path / "encodings.pickle", content)
    with pytest.raises(PickleError, match=r"encodings\.pickle") as error:
        Gallery.load(path)
    assert reason in str(error.value)
    assert capsys.readouterr().out == ""
