"""Both ways between this project and the recipe that it follows: its code on our pickles, our scripts on its pickles.

The recipe's code is written here as its many readers know it, in our own words: an ``SVC`` on ``data["embeddings"]``, a
``LabelEncoder`` of ``data["names"]``, ``predict_proba(...)[0]``, and the largest of it looked up in ``le.classes_``.
"""

from __future__ import annotations

import json
import pickle
import warnings
from inspect import signature
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sklearn.preprocessing import LabelEncoder
from sklearn.svm import SVC

from faces.pipeline import Pipeline
from tests.conftest import PEOPLE, PHOTOS, ROOT, RunScript

HAS_PROBABILITY = "probability" in signature(SVC).parameters


def read(path: Path) -> Any:
    """As the recipe reads its pickles, without a care."""
    return pickle.loads(path.read_bytes())


def recipe_classifier(data: dict[str, Any]) -> tuple[SVC, LabelEncoder]:
    """What the recipe's training script pickles."""
    if not HAS_PROBABILITY:
        pytest.skip("this scikit-learn has no SVC(probability=True), and so no recipe's pickle, any more")
    le = LabelEncoder()
    labels = le.fit_transform(5 * data["names"])  # of fewer than some ten photographs a person libsvm's say nothing
    recognizer = SVC(C=1.0, kernel="linear", probability=True)
    with warnings.catch_warnings():  # of its end, in some versions
        warnings.simplefilter("ignore", FutureWarning)
        recognizer.fit(5 * data["embeddings"], labels)
    return recognizer, le


@pytest.fixture
def recipe_embeddings(project: Path) -> Path:
    """A file as the recipe's first script writes it, of the same faces: two keys, lists."""
    ours = read(project / "output" / "embeddings.pickle")
    data = {"embeddings": [row.flatten() for row in ours["embeddings"]], "names": list(ours["names"])}
    path = project / "recipe.pickle"
    path.write_bytes(pickle.dumps(data))
    return path


@pytest.fixture(scope="module")
def probe(trained: Path) -> tuple[np.ndarray[Any, Any], str]:
    """The embedding (1, 128) of a photograph that nobody trained on, and whose it is."""
    pipeline = Pipeline.load()
    image = np.asarray(cv2.imread(str(trained / "sample" / "photo.jpg")), np.uint8)
    truth = json.loads((trained / "sample" / "truth.json").read_text(encoding="utf-8"))
    return pipeline.embed(image, pipeline.detect(image).largest()), truth["pictures"]["photo.jpg"][0]["name"]


def test_the_recipes_training_on_our_embeddings(trained: Path, probe: tuple[np.ndarray[Any, Any], str]) -> None:
    data = read(trained / "output" / "embeddings.pickle")
    le = LabelEncoder()
    labels = le.fit_transform(data["names"])
    assert len(labels) == len(data["embeddings"]) == PEOPLE * PHOTOS
    recognizer = SVC(C=1.0, kernel="linear").fit(data["embeddings"], labels)
    assert le.classes_[recognizer.predict(probe[0])[0]] == probe[1]


def test_the_recipes_recognition_with_our_pickles(trained: Path, probe: tuple[np.ndarray[Any, Any], str]) -> None:
    recognizer = read(trained / "output" / "recognizer.pickle")
    le = read(trained / "output" / "le.pickle")
    assert isinstance(le, LabelEncoder)
    vec, name = probe
    preds = recognizer.predict_proba(vec)[0]
    j = np.argmax(preds)
    proba = preds[j]
    assert le.classes_[j] == name
    assert proba > 0.5
    assert preds.shape == (PEOPLE,) == le.classes_.shape
    assert preds.sum() == pytest.approx(1)
    assert f"{le.classes_[j]}: {proba * 100:.2f}%".startswith(name)  # what it writes on the picture


def test_the_columns_of_our_recognizer_are_the_labels(trained: Path) -> None:
    data = read(trained / "output" / "embeddings.pickle")
    recognizer = read(trained / "output" / "recognizer.pickle")
    le = read(trained / "output" / "le.pickle")
    columns = recognizer.predict_proba(data["embeddings"]).argmax(axis=1)
    assert list(le.classes_[columns]) == data["names"]
    assert list(le.inverse_transform(columns)) == data["names"]
    assert list(le.classes_) == sorted(set(data["names"]))


def test_our_training_on_the_recipes_embeddings(project: Path, recipe_embeddings: Path, run_here: RunScript) -> None:
    # Without the models' names no threshold was measured; it is estimated from how far apart the people are.
    estimated = run_here("train_model.py", "-e", recipe_embeddings, cwd=project)
    assert estimated.returncode == 0, estimated.stderr
    assert "estimated from these people alone" in estimated.stdout

    result = run_here("train_model.py", "-e", recipe_embeddings, "--threshold", 0.4, cwd=project)
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("warning: ") and str(recipe_embeddings) in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout.startswith(f"{PEOPLE * PHOTOS} embeddings of {PEOPLE} people")
    found = run_here("recognize_image.py", "-i", "sample/photo.jpg", "--json", cwd=project)
    truth = json.loads((project / "sample" / "truth.json").read_text(encoding="utf-8"))
    assert [face["name"] for face in json.loads(found.stdout)["faces"]] == [
        face["name"] for face in truth["pictures"]["photo.jpg"]
    ]


def test_recognition_with_the_recipes_pickles(project: Path, recipe_embeddings: Path, run_here: RunScript) -> None:
    recognizer, le = recipe_classifier(read(recipe_embeddings))
    (project / "output" / "recognizer.pickle").write_bytes(pickle.dumps(recognizer))
    (project / "output" / "le.pickle").write_bytes(pickle.dumps(le))
    truth = json.loads((project / "sample" / "truth.json").read_text(encoding="utf-8"))

    result = run_here("recognize_image.py", "-i", "sample/photo.jpg", "--json", cwd=project)
    assert result.returncode == 0, result.stderr
    (warning,) = result.stderr.splitlines()
    assert warning.startswith("warning: ") and "names every stranger" in warning and "faces train" in warning
    (face,) = json.loads(result.stdout)["faces"]
    assert face["name"] == truth["pictures"]["photo.jpg"][0]["name"]
    assert face["distance"] is None  # it knows none

    options = ("-s", "sample/video.mp4", "--no-display", "--max-frames", 25, "--json", "--boxes", "boxes.jsonl")
    result = run_here("recognize_video.py", *options, cwd=project)
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("warning: ")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    names = [event["name"] for event in events if event["event"] == "identified"]
    assert names and set(names) <= set(le.classes_)
    boxes = [json.loads(line) for line in (project / "boxes.jsonl").read_text(encoding="utf-8").splitlines()]
    assert boxes and all(box["distance"] is None for box in boxes)


def test_the_recipes_recognizer_and_our_labels_of_others(
    project: Path, recipe_embeddings: Path, run_here: RunScript
) -> None:
    data = read(recipe_embeddings)
    fewer = [i for i, name in enumerate(data["names"]) if name != data["names"][0]]
    recognizer, _ = recipe_classifier({key: [values[i] for i in fewer] for key, values in data.items()})
    (project / "recognizer.pickle").write_bytes(pickle.dumps(recognizer))
    result = run_here("recognize_image.py", "-i", "sample/photo.jpg", "-r", "recognizer.pickle", cwd=project)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and "recognizer.pickle" in line and "le.pickle" in line


def test_nobody_needs_the_deprecated_option() -> None:
    """scikit-learn 1.9 warns of ``probability=True``, and 1.11 has it no more."""
    for path in (*ROOT.glob("*.py"), *(ROOT / "faces").rglob("*.py")):
        assert "probability=True" not in path.read_text(encoding="utf-8"), path
