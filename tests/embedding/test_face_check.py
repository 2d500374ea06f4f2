"""The check that tells faces from what a detector took for one, on values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.face_check import SHOW_PEOPLE
from benchmarks.photographs import DATA
from faces.embedding import face_check
from faces.embedding.face_check import FILES, WEIGHTS, FaceCheck, check_of, features
from faces.files.finding import find_images
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.synthetic.people import CAST, STRANGERS
from faces.synthetic.scenes import portrait
from faces.types import Floats

ANIMALS_PASSED = 16  # at most, in the pictures that show nobody


def check() -> FaceCheck:
    """Of two outputs; its value is twice the length, less the score."""
    hidden = np.array([[0, 0], [0, 0], [2, 0], [0, 1]], np.float32)
    none, ones = np.zeros(4, np.float32), np.ones(4, np.float32)
    return FaceCheck(none, ones, hidden, none[:2], np.array([1, -1], np.float32), threshold=9.5)


def outputs(*lengths: float) -> Floats:
    return np.array([[0.6 * length, 0.8 * length] for length in lengths], np.float32)


def test_features_are_the_outputs_their_length_and_the_score() -> None:
    assert features(outputs(5), np.array([0.5], np.float32)).tolist() == [[3, 4, 5, 0.5]]


def test_a_face_reaches_the_threshold() -> None:
    score = np.array([0.5, 0.5, 0.4], np.float32)
    assert check().values(outputs(5, 4, 5), score) == pytest.approx([9.5, 7.5, 9.6])
    assert check().passes(outputs(5, 4, 5), score).tolist() == [True, False, True]


def test_no_detections() -> None:
    assert check().passes(np.zeros((0, 2), np.float32), np.zeros(0, np.float32)).shape == (0,)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    face_check.save(check(), tmp_path / "check.npz")
    loaded = face_check.load(tmp_path / "check.npz")
    assert loaded.threshold == check().threshold
    assert np.array_equal(loaded.hidden, check().hidden)


def test_only_the_built_in_models_have_a_check() -> None:
    assert check_of("yunet-int8", "sface-int8") is not None
    for detector, embedder in (("dlib-mmod", "sface-int8"), ("yunet-int8", "dlib-resnet"), ("yunet", "sface")):
        assert check_of(detector, embedder) is None


@pytest.mark.parametrize("file", sorted(FILES.values()))
def test_the_weights_are_small_and_have_a_card(file: str) -> None:
    assert (WEIGHTS / file).stat().st_size < 40_000
    card = (WEIGHTS / file).with_suffix(".md").read_text(encoding="utf-8")
    assert "## Data and licence" in card
    assert "cats_dogs" in card


@pytest.mark.slow
def test_drawn_people_are_faces() -> None:
    pipeline = Pipeline.load()
    for person in (*CAST, *STRANGERS):
        for number in range(3):
            image = portrait(person, number).image
            assert len(pipeline.candidates(image)) == len(pipeline.detect(image)) == 1, (person.name, number)


@pytest.mark.accuracy
@pytest.mark.skipif(not (DATA / "cats_dogs").is_dir(), reason=f"no animals to test on: {DATA / 'cats_dogs'} is missing")
@pytest.mark.exhaustive
def test_few_animals_are_taken_for_people() -> None:
    pipeline = Pipeline.load()
    pictures = [path for path in find_images(DATA / "cats_dogs") if path.name not in SHOW_PEOPLE]
    passed = sum(len(pipeline.detect(read_image(path))) for path in pictures)
    assert passed <= ANIMALS_PASSED
    shown = [len(pipeline.detect(read_image(path))) for path in find_images(DATA / "cats_dogs") if path not in pictures]
    assert sum(number > 0 for number in shown) >= len(SHOW_PEOPLE) - 3  # some turn away
