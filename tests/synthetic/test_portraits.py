"""Synthetic people: the same from the same seed, unlike each other, and detectable."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faces.synthetic.people import CAST, STRANGERS, Look, random_person
from faces.synthetic.portraits import draw_person
from faces.synthetic.scenes import Pose, face_box, film, group, known_name, place, portrait
from faces.synthetic.sheet import BOTTOM, LEFT, RIGHT, TOP, Sheet, colour, curve, ellipse

EVERYBODY = (*CAST, *STRANGERS)
YUNET = Path(__file__).parents[3] / "shared" / "models" / "face_detection_yunet_2026may.onnx"


def test_colour_is_bgr_and_bounded() -> None:
    assert colour("#ff8000").tolist() == [0, 128, 255]
    assert colour("#ff8000", 2).tolist() == [0, 255, 255]


def test_curve_goes_through_its_points() -> None:
    points = [(0.0, 0.0), (1.0, 2.0), (3.0, 1.0)]
    np.testing.assert_allclose(curve(points)[::8], points, atol=1e-6)
    np.testing.assert_allclose(curve(points, closed=True)[::8], points, atol=1e-6)


def test_ellipse_touches_its_box() -> None:
    xy = ellipse(1, 2, 0.5, 0.25)
    np.testing.assert_allclose([xy.min(0), xy.max(0)], [[0.5, 1.75], [1.5, 2.25]], atol=1e-6)


def test_paint_covers_the_shape_and_nothing_else() -> None:
    sheet = Sheet(20)
    sheet.paint(ellipse(0, 0, 1, 1), colour("#102030"), solid=True)
    x, y = round(-LEFT * 20), round(-TOP * 20)
    assert sheet.bgr[:, y, x].tolist() == [0x30, 0x20, 0x10]
    assert sheet.alpha[y, x] == 1
    assert sheet.alpha[y, x + 22] == 0
    assert sheet.alpha.sum() == pytest.approx(np.pi * 20**2, rel=0.08)  # OpenCV counts the edge in


def test_paint_off_the_sheet_is_no_error() -> None:
    sheet = Sheet(20)
    sheet.paint(ellipse(9, 9, 1, 1), colour("#ffffff"), blur=0.1, solid=True)
    assert sheet.alpha.sum() == 0


@pytest.mark.parametrize("person", EVERYBODY, ids=lambda p: p.name)
def test_drawing_is_premultiplied_bgra(person: Any) -> None:
    drawing = draw_person(person, Look(), 24)
    assert drawing.dtype == np.uint8
    assert drawing.shape == (round((BOTTOM - TOP) * 24), round((RIGHT - LEFT) * 24), 4)
    assert (drawing[..., :3] <= drawing[..., 3:]).all()
    assert drawing[round(-TOP * 24), round(-LEFT * 24), 3] == 255
    assert drawing[0, 0, 3] == 0


def test_every_expression_changes_the_drawing() -> None:
    usual = draw_person(CAST[0], Look(), 24)
    for look in (Look(smile=1), Look(mouth=1), Look(eyes=0.2), Look(brows=0.1), Look(gaze=(1, 0)), Look(ambient=0.9)):
        assert (draw_person(CAST[0], look, 24) != usual).any(), look


def test_portrait_depends_on_its_key_alone() -> None:
    first, again, other = portrait(CAST[0], 7, 1), portrait(CAST[0], 7, 1), portrait(CAST[0], 7, 2)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.xyxy, again.xyxy)
    assert first.image.shape != other.image.shape or (first.image != other.image).any()


def test_portraits_have_the_sizes_that_were_asked_for() -> None:
    for n in range(6):
        picture = portrait(CAST[n], 7, n)
        side = len(picture.image)
        assert picture.image.shape == (side, side, 3)
        assert 400 <= side <= 480
        assert picture.names == (CAST[n].name,)
        x1, y1, x2, y2 = picture.xyxy[0]
        assert x2 - x1 >= 110
        assert 0 <= x1 < x2 <= side
        assert 0 <= y1 < y2 <= side


def test_group_names_only_the_enrolled() -> None:
    picture = group([CAST[0], STRANGERS[0], CAST[1]], 1)
    assert picture.image.shape == (640, 960, 3)
    assert picture.names == (CAST[0].name, None, CAST[1].name)
    assert picture.xyxy.shape == (3, 4)
    assert (picture.xyxy[:, 2] - picture.xyxy[:, 0] >= 90).all()
    assert (np.diff(picture.xyxy[:, 0]) > 0).all()


def test_film_moves_and_ends() -> None:
    frames = list(film([CAST[0], STRANGERS[0]], 1, frames=3, wh=(320, 240)))
    assert len(frames) == 3
    assert {frame.image.shape for frame in frames} == {(240, 320, 3)}
    assert (frames[0].xyxy != frames[2].xyxy).any()


def test_face_box_by_hand() -> None:
    person = replace(CAST[0], width=1.0, length=1.0)
    np.testing.assert_allclose(face_box(person, Pose(100, 50, 10)), [90, 42.5, 110, 64.8], rtol=1e-6)


def test_place_outside_the_scene_leaves_it_alone() -> None:
    scene = np.full((40, 60, 3), 9, np.uint8)
    drawing = draw_person(CAST[0], Look(), 24)
    place(scene, drawing, 24, Pose(500, 20, 10))
    place(scene, drawing, 24, Pose(-500, 20, 10))
    place(scene, drawing, 24, Pose(30, 500, 10))
    assert (scene == 9).all()


def test_people_differ() -> None:
    drawings = [draw_person(replace(p, shirt="#000000"), Look(), 24).astype(int) for p in EVERYBODY]
    for i, drawing in enumerate(drawings):
        for other in drawings[:i]:
            assert abs(drawing - other).mean() > 1


def test_the_cast_has_difficult_names_and_no_doubles() -> None:
    names = [p.name for p in EVERYBODY]
    assert len(set(names)) == len(names)
    assert any(" " in p.name for p in CAST)
    assert any(not p.name.isascii() for p in CAST)
    assert known_name(CAST[0]) == CAST[0].name
    assert known_name(STRANGERS[0]) is None


def test_random_person_depends_on_the_key() -> None:
    assert random_person("x", 1) == random_person("x", 1)
    assert random_person("x", 1) != random_person("x", 2)


@pytest.mark.skipif(not YUNET.is_file(), reason=f"no {YUNET}")
def test_yunet_finds_everybody() -> None:
    detector = cv2.FaceDetectorYN.create(str(YUNET), "", (320, 320), 0.7)
    for person in EVERYBODY:
        picture = portrait(person, 7, 1)
        detector.setInputSize(picture.image.shape[1::-1])
        _, detected = detector.detect(picture.image)
        assert detected is not None
        assert len(detected) == 1
        x, y = detected[0, :2] + detected[0, 2:4] / 2
        x1, y1, x2, y2 = picture.xyxy[0]
        assert x1 < x < x2
        assert y1 < y < y2


@pytest.mark.dlib
def test_dlib_tells_two_people_apart() -> None:
    dlib = pytest.importorskip("dlib")
    package = importlib.util.find_spec("face_recognition_models")
    if package is None or package.origin is None:
        pytest.skip("no face_recognition_models")
    models = Path(package.origin).parent / "models"
    points = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))
    embeddings = []
    for person, n in ((CAST[0], 1), (CAST[0], 2), (CAST[3], 1), (STRANGERS[0], 1)):
        picture = portrait(person, 7, n)
        x1, y1, x2, y2 = picture.xyxy[0].tolist()
        x, y, r = (x1 + x2) / 2, y1 + 0.56 * (y2 - y1), (x2 - x1) / 2
        rgb = np.ascontiguousarray(picture.image[..., ::-1])
        box = dlib.rectangle(int(x - r), int(y - r), int(x + r), int(y + r))
        embeddings.append(np.array(network.compute_face_descriptor(rgb, points(rgb, box))))
    distances = np.linalg.norm(np.array(embeddings)[1:] - embeddings[0], axis=1)
    assert distances[0] < 0.33
    assert (distances[1:] > 0.45).all()
