"""The 68 and the 27 landmarks that are taken from the mesh: their number, their order, their sides."""

from __future__ import annotations

from itertools import chain

import numpy as np

from faces.landmarks.mesh import POINTS, Meshes
from faces.landmarks.schemes import FACE_API, IBUG68, face_api, ibug68
from faces.server.api import landmark_points

IBUG_MIRROR = [
    *(range(16, -1, -1)),
    *(range(26, 16, -1)),
    *(27, 28, 29, 30, 35, 34, 33, 32, 31),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
]


def meshes(count: int = 2) -> Meshes:
    points = np.random.default_rng(1).uniform(0, 300, (count, POINTS, 3)).astype(np.float32)
    return Meshes(points, np.ones(count, np.float32))


def test_a_landmark_is_the_mean_of_its_vertices() -> None:
    each = meshes()
    points = ibug68(each)
    assert points.shape == (2, 68, 2) and points.dtype == np.float32
    np.testing.assert_array_equal(points[:, 30], each.points[:, 4, :2])  # the tip of the nose
    np.testing.assert_allclose(points[:, 17], each.points[:, [46, 70], :2].mean(axis=1), rtol=1e-6)
    assert face_api(each).shape == (2, 27, 2) and face_api(each).dtype == np.float32


def test_both_halves_have_the_same_number_of_vertices() -> None:
    assert len(IBUG68) == 68 and sorted(IBUG_MIRROR) == list(range(68))
    for one, other in enumerate(IBUG_MIRROR):
        assert len(IBUG68[one]) == len(IBUG68[other]), (one, other)
    assert all(0 <= vertex < POINTS for vertex in chain(*IBUG68, *FACE_API.values()))


def test_names_and_order_are_those_of_the_face_api() -> None:
    assert tuple(FACE_API) == landmark_points.NAMES


def test_what_both_sets_name_is_the_same_vertex() -> None:
    same = {"noseTip": 30, "mouthLeft": 48, "mouthRight": 54, "eyebrowLeftOuter": 17, "eyebrowLeftInner": 21}
    same |= {"eyeLeftOuter": 36, "eyeLeftInner": 39, "eyeRightInner": 42, "eyeRightOuter": 45, "eyebrowRightInner": 22}
    same |= {"eyebrowRightOuter": 26, "upperLipTop": 51, "upperLipBottom": 62, "underLipTop": 66, "underLipBottom": 57}
    for name, number in same.items():
        assert FACE_API[name] == IBUG68[number], name
