"""Crops: a face drawn at the template's points is cut out as it is, however it is moved, turned and scaled."""

from __future__ import annotations

import numpy as np
import pytest

from faces.embedding.aligners import TEMPLATES, Aligner
from faces.geometry import transform
from faces.types import Faces, Floats, Image, LandmarkScheme
from tests.fakes import faces_at, noise, smooth

EVERY = [(template.name, scheme) for template in TEMPLATES.values() for scheme in template.points]
every_template = pytest.mark.parametrize(("name", "scheme"), EVERY)


def face_at(points: np.ndarray, scheme: LandmarkScheme) -> Faces:
    return Faces(np.zeros((1, 4), np.float32), np.ones(1, np.float32), points[None].astype(np.float32), scheme)


def template_points(name: str, scheme: LandmarkScheme) -> Floats:
    """(5, 2): the template's points; those that it does not use are far off."""
    used, points = TEMPLATES[name].points[scheme]
    five = np.full((5, 2), 1e6)
    five[used] = points
    return five


def drawn(side: int, to_image: np.ndarray | None = None, wh: tuple[int, int] | None = None) -> Image:
    """The endless smooth picture as a crop of a side has it, or carried by ``to_image`` into an image of a size."""
    x, y = np.meshgrid(*(np.arange(size, dtype=float) for size in wh or (side, side)))
    if to_image is not None:
        turn = np.linalg.inv(to_image[:, :2])
        x, y = np.moveaxis((np.stack([x, y], -1) - to_image[:, 2]) @ turn.T, -1, 0)
    return smooth(x, y).round().astype(np.uint8)


@every_template
def test_a_face_at_the_templates_points_stays_as_it_is(name: str, scheme: LandmarkScheme) -> None:
    aligner = Aligner(TEMPLATES[name])
    image = noise(aligner.template.side, aligner.template.side)
    crops = aligner.crop(image, face_at(template_points(name, scheme), scheme))
    away = np.abs(crops[0].astype(int) - image)
    if aligner.template.as_dlib:  # which cuts fractions off, and leaves pixels out that lie 1e-6 px outside
        assert away[1:-1, 1:-1].max() <= 1
    else:
        assert away.max() == 0


@every_template
@pytest.mark.parametrize("scale", [0.5, 1.7, 5])
@pytest.mark.parametrize("angle", [0, -155])
def test_a_face_moved_turned_and_scaled_gives_the_same_crop(
    name: str, scheme: LandmarkScheme, scale: float, angle: float
) -> None:
    aligner = Aligner(TEMPLATES[name])
    side = aligner.template.side
    cos, sin = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    to_image = np.array([[cos, -sin, 0], [sin, cos, 0]])
    corners = transform(to_image, np.array([[0, 0], [side, 0], [0, side], [side, side]]))
    to_image[:, 2] = 60 - corners.min(axis=0)  # room on every side
    width, height = np.ceil(np.ptp(corners, axis=0)).astype(int) + 120
    image = drawn(side, to_image, (width, height))
    used, points = TEMPLATES[name].points[scheme]
    landmarks = np.zeros((5, 2))
    landmarks[used] = transform(to_image, points)
    crop = aligner.crop(image, face_at(landmarks, scheme))[0]
    cut_off = 2 if aligner.template.as_dlib else 0  # fractions, at each halving and at the end
    assert np.abs(crop.astype(int) - drawn(side)).max() <= 4 + cut_off


def test_several_faces_keep_their_order() -> None:
    aligner, image = Aligner(TEMPLATES["arcface"]), noise(300, 400)
    points = template_points("arcface", "five-points")
    shifts = [(0, 0), (200, 100), (50, 30)]
    faces = Faces(
        np.zeros((3, 4), np.float32),
        np.ones(3, np.float32),
        np.stack([points + shift for shift in shifts]).astype(np.float32),
        "five-points",
    )
    crops = aligner.crop(image, faces)
    for crop, (x, y) in zip(crops, shifts, strict=True):
        assert np.array_equal(crop, image[y : y + 112, x : x + 112])


@pytest.mark.parametrize("shift", [(40, 0), (-40, 0), (0, 40), (0, -40), (30, -50)])
def test_outside_the_image_is_black(shift: tuple[int, int]) -> None:
    aligner, image = Aligner(TEMPLATES["arcface"]), noise(112, 112)
    crop = aligner.crop(image, face_at(template_points("arcface", "five-points") + shift, "five-points"))[0]
    padded = np.pad(image, ((112, 112), (112, 112), (0, 0)))
    assert np.array_equal(crop, padded[112 + shift[1] : 224 + shift[1], 112 + shift[0] : 224 + shift[0]])


@pytest.mark.parametrize("shift", [(1000, 0), (-1000, 0), (0, 1000), (0, -1000), (-1000, -1000)])
def test_a_face_wholly_outside_is_all_black(shift: tuple[int, int]) -> None:
    crop = Aligner(TEMPLATES["dlib-chip"]).crop(
        noise(50, 50), face_at(template_points("dlib-chip", "eye-corners") + shift, "eye-corners")
    )
    assert crop.shape == (1, 150, 150, 3)
    assert not crop.any()


def test_no_pixel_of_a_large_face_is_skipped() -> None:
    """Black and white by turns become grey, not one of the two."""
    image = np.zeros((1000, 1000, 3), np.uint8)
    image[:, ::2] = 255
    points = template_points("arcface", "five-points") * 8 + 20
    crop = Aligner(TEMPLATES["arcface"]).crop(image, face_at(points, "five-points"))[0]
    assert np.abs(crop.astype(int) - 127.5).max() < 10


@every_template
def test_points_that_coincide_are_no_error(name: str, scheme: LandmarkScheme) -> None:
    for place in (0.0, 7.0, -3.0):
        faces = face_at(np.full((5, 2), place), scheme)
        assert len(Aligner(TEMPLATES[name]).crop(noise(20, 20), faces)) == 1


@every_template
def test_no_faces(name: str, scheme: LandmarkScheme) -> None:
    aligner = Aligner(TEMPLATES[name])
    side = aligner.template.side
    assert aligner.crop(noise(20, 20), Faces.empty()).shape == (0, side, side, 3)
    none = Faces(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32), scheme)
    assert aligner.crop(noise(20, 20), none).shape == (0, side, side, 3)


def test_landmarks_that_the_template_does_not_know_are_refused() -> None:
    aligner = Aligner(TEMPLATES["dlib-chip"])
    assert [aligner.accepts(scheme) for scheme in ("eye-corners", "five-points", None)] == [True, False, False]
    for faces, scheme in ((face_at(np.zeros((5, 2)), "five-points"), "five-points"), (faces_at((0, 0, 9, 9)), "None")):
        with pytest.raises(ValueError, match=f"landmarks {scheme} cannot be aligned to dlib-chip"):
            aligner.crop(noise(20, 20), faces)


def test_every_template_has_its_own_fingerprint_and_an_upright_face() -> None:
    models = [Aligner(template).model for template in TEMPLATES.values()]
    assert len({model.sha256 for model in models}) == len(models)
    assert models == [Aligner(template).model for template in TEMPLATES.values()]
    for name, scheme in EVERY:
        used, points = TEMPLATES[name].points[scheme]
        x, y = dict(zip(used, points[:, 0], strict=True)), dict(zip(used, points[:, 1], strict=True))
        right, left, nose = (0, 3, 4) if scheme == "eye-corners" else (0, 1, 2)
        assert 0 < x[right] < x[nose] < x[left] < TEMPLATES[name].side
        assert max(y[right], y[left]) < y[nose] < TEMPLATES[name].side
