"""Files of when the package was flat, whose pickles name ``faces.recognizers``, ``faces.people`` and so on.

``tests/data/*_0.0*.pickle`` were written by that package: three photographs each of A, B and C, who are random vectors.
"""

from __future__ import annotations

import pickletools
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces.errors import FingerprintError, PickleError
from faces.files import pickles
from faces.recognition.gallery import Gallery
from faces.recognition.recognizer_files import load, made_by, save
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint, ModelId
from faces.versions.versions import LE, RECOGNIZER, Versions
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data"
LABELS = DATA / "le_0.0.pickle"
MODELS = Fingerprint(
    ModelId("dlib-mmod", "1" * 64), ModelId("dlib-150", "2" * 64), ModelId("dlib-resnet, mirrored", "3" * 64)
)

every_classifier = pytest.mark.parametrize("classifier", ["svc", "centroid", "knn"])


def recognizer(classifier: str) -> Path:
    return DATA / f"recognizer_0.0_{classifier}.pickle"


def gallery() -> Gallery:
    return Gallery.load(DATA / "embeddings_0.0.pickle")


def modules_in(path: Path) -> set[str]:
    """The modules that a pickle names."""
    texts = [value for _, value, _ in pickletools.genops(path.read_bytes()) if isinstance(value, str)]
    return {word for text in texts for word in text.split() if word.startswith("faces.")}


def test_a_gallery() -> None:
    known = gallery()
    assert (known.people, len(known), known.fingerprint) == (["A", "B", "C"], 9, MODELS)


@every_classifier
def test_a_recognizer(classifier: str) -> None:
    former = {"faces.recognizers", "faces.people", "faces.classifiers", "faces.types"}
    assert modules_in(recognizer(classifier)) == former
    old, warnings = load(recognizer(classifier), LABELS, MODELS)
    (warning,) = warnings  # the models are known
    assert "was trained by an older version" in warning
    assert warning.endswith("; run: faces train")
    assert isinstance(old, FaceRecognizer)
    assert old.classifier_ == classifier
    known = gallery()
    assert old.threshold_.origin == "1.0% of strangers named"
    now = FaceRecognizer(threshold=old.threshold_.distance, classifier=classifier).fit(known)
    then, here = old.identify(known.embeddings), now.identify(known.embeddings)
    assert then.names == here.names == known.names
    assert np.allclose(then.probability, here.probability)
    own = now.people_.distance(known.embeddings, now.people_.owner)
    assert np.allclose(then.distance, own)  # not scaled: the threshold was made for these
    far = old.people_.embeddings + np.float32(1)
    strangers = far / np.linalg.norm(far, axis=1, keepdims=True)
    matches = old.identify(strangers)
    within = matches.distance <= old.threshold_.distance
    assert [name is not None for name in matches.names] == within.tolist()
    assert np.isnan(old.match_probability(strangers, matches.candidates)).all()


@every_classifier
def test_a_recognizer_is_written_again_under_todays_names(tmp_path: Path, classifier: str) -> None:
    old, _ = load(recognizer(classifier), LABELS, MODELS)
    assert isinstance(old, FaceRecognizer)
    paths = tmp_path / RECOGNIZER, tmp_path / LE
    save(old, *paths)
    assert modules_in(paths[0]).isdisjoint({"faces.recognizers", "faces.people", "faces.classifiers"})
    assert isinstance(load(*paths, MODELS)[0], FaceRecognizer)


def test_a_version(tmp_path: Path) -> None:
    """A recognizer that was trained by hand becomes a version, which is put in service."""
    shutil.copy(recognizer("svc"), tmp_path / RECOGNIZER)
    shutil.copy(LABELS, tmp_path / LE)
    versions = Versions(tmp_path / RECOGNIZER, tmp_path / LE)
    versions.settle()
    number = versions.candidate().number
    for name, path in ((RECOGNIZER, recognizer("centroid")), (LE, LABELS)):
        shutil.copy(path, versions.path(number, name))
    versions.put_in_service(number)
    now, _ = load(tmp_path / RECOGNIZER, tmp_path / LE, MODELS)
    assert isinstance(now, FaceRecognizer)
    assert now.classifier_ == "centroid"


def test_other_models_are_refused_as_ever() -> None:
    assert made_by(LABELS) == MODELS
    with pytest.raises(FingerprintError, match="the embedder"):
        load(recognizer("svc"), LABELS, replace(MODELS, embedder=ModelId("sface", "4" * 64)))


def test_other_names_of_the_flat_package_stay_refused(tmp_path: Path) -> None:
    path = tmp_path / RECOGNIZER
    pickles.dump_as(path, "faces.recognizers", "save", {})
    with pytest.raises(PickleError):
        load(path, LABELS, MODELS)
