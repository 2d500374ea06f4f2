"""The results of recognize_image.py: which faces, in which order, and what is said of each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import faces
from faces.commands.recognize import as_json, as_text, with_threshold
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Faces, Matches
from tests.fakes import faces_at

WH = 640, 480
PATH = Path("group.jpg")


def recognition(found: Faces, names: tuple[str | None, ...], candidates: tuple[str, ...]) -> faces.Recognition:
    values = np.linspace(0.5, 0.9, len(found), dtype=np.float32)
    matches = Matches(names, candidates, values, values)
    return faces.Recognition(found, np.zeros((len(found), 4), np.float32), matches, values)


def test_faces_are_listed_from_left_to_right() -> None:
    """Whatever their order of detection; the one above comes first where two are above each other."""
    found = faces_at((300, 10, 340, 60), (20, 200, 80, 280), (20, 50, 80, 130), (200, 5, 500, 300))
    names = ("Cyd", "Bob", "Ada", "Dan")
    result = recognition(found, names, names)
    order = ["Ada", "Bob", "Cyd", "Dan"]
    assert [line.split()[1] for line in as_text(PATH, result, WH).splitlines()] == order
    assert [face["name"] for face in json.loads(as_json(PATH, result, WH))["faces"]] == order


def test_a_box_ends_with_the_picture_and_the_whole_box_is_there_too() -> None:
    result = recognition(faces_at((-86, 20, 50, 500), (600.4, -3, 700, 40)), ("Ada", "Bob"), ("Ada", "Bob"))
    shown = json.loads(as_json(PATH, result, WH))["faces"]
    assert [face["box"] for face in shown] == [[0, 20, 50, 480], [600, 0, 640, 40]]
    assert [face["box_full"] for face in shown] == [[-86, 20, 50, 500], [600, -3, 700, 40]]
    assert [line.rpartition("  box ")[2] for line in as_text(PATH, result, WH).splitlines()] == [
        "0,20,50,480",
        "600,0,640,40",
    ]


def test_of_an_unknown_face_the_nearest_person_is_named_as_such() -> None:
    result = recognition(faces_at((0, 0, 9, 9), (20, 0, 29, 9)), (None, "Bob"), ("Ada", "Bob"))
    unknown, known = as_text(PATH, result, WH).splitlines()
    assert unknown == "group.jpg: unknown  nearest Ada  probability 0.50  match 0.50  distance 0.500  box 0,0,9,9"
    assert known == "group.jpg: Bob  probability 0.90  match 0.90  distance 0.900  box 20,0,29,9"


def test_no_face_is_a_line_and_an_empty_list() -> None:
    result = recognition(Faces.empty(), (), ())
    assert as_text(PATH, result, WH) == "group.jpg: no face"
    assert json.loads(as_json(PATH, result, WH)) == {"file": "group.jpg", "faces": []}


def test_a_threshold_leaves_the_recognizer_as_it_was() -> None:
    class Recipes:
        """What has no distances."""

    gallery = faces.Gallery.load(Path(__file__).parent.parent / "data" / "embeddings_0.0.pickle")
    recognizer = FaceRecognizer(threshold=0.7).fit(gallery)
    stricter = with_threshold(recognizer, 0.2)
    assert isinstance(stricter, FaceRecognizer)
    assert (recognizer.threshold_.distance, stricter.threshold_.distance) == (0.7, 0.2)
    far = gallery.embeddings[:1] + np.float32(0.05)
    far /= np.linalg.norm(far)
    distance = float(recognizer.identify(far).distance[0])
    assert recognizer.identify(far).names != (None,)
    assert with_threshold(recognizer, distance / 2).identify(far).names == (None,)
    with pytest.raises(faces.UsageError, match="--threshold: the recipe's recognizer has no distances"):
        with_threshold(Recipes(), 0.5)  # type: ignore[arg-type]
