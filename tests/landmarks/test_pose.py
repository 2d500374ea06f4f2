"""Head pose from the mesh: known turns of the mean head, and its signs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from faces.landmarks.mesh import Meshes
from faces.landmarks.pose import HEAD, head_pose, seen_from_the_front
from tests.landmarks.heads import mesh_of


@pytest.mark.parametrize("roll", [-120, -15, 0, 30])
@pytest.mark.parametrize("yaw", [-50, 0, 25])
@pytest.mark.parametrize("pitch", [-40, 0, 20])
def test_known_turns(roll: float, yaw: float, pitch: float) -> None:
    np.testing.assert_allclose(head_pose(mesh_of(roll, yaw, pitch)), [[roll, yaw, pitch]], atol=0.01)


def test_signs() -> None:
    nose = 4
    straight = mesh_of().points[0, nose]
    assert mesh_of(yaw=20).points[0, nose, 0] > straight[0]  # to the picture's right
    assert mesh_of(pitch=20).points[0, nose, 1] < straight[1]  # upwards
    corners = mesh_of(roll=20).points[0, [33, 263]]
    assert corners[1, 1] > corners[0, 1]  # clockwise: the right end of the line goes down


def test_a_mirrored_face_turns_the_other_way() -> None:
    turned = mesh_of(10, 20, 15)
    mirrored = turned.points * np.array([-1, 1, 1], np.float32)
    pairs = {33: 263, 133: 362, 127: 356, 234: 454, 98: 327}
    for right, left in pairs.items():
        mirrored[0, [right, left]] = mirrored[0, [left, right]]
    np.testing.assert_allclose(head_pose(replace(turned, points=mirrored)), [[-10, -20, 15]], atol=0.01)


def test_scale_and_place_do_not_matter() -> None:
    moved = mesh_of(5, 10, 15, scale=0.2)
    np.testing.assert_allclose(head_pose(replace(moved, points=moved.points + 1000)), [[5, 10, 15]], atol=0.1)


def test_several_faces_of_which_one_is_unknown() -> None:
    each = [mesh_of(yaw=10), mesh_of(), mesh_of(pitch=10)]
    points = np.concatenate([one.points for one in each])
    points[1] = np.nan
    angles = head_pose(Meshes(points, np.array([1, 0.1, 1], np.float32)))
    assert angles.dtype == np.float32 and np.isnan(angles[1]).all()
    np.testing.assert_allclose(angles[[0, 2]], [[0, 10, 0], [0, 0, 10]], atol=0.01)


def test_seen_from_the_front() -> None:
    straight, turned = mesh_of().points[0], seen_from_the_front(mesh_of(20, 30, 10))[0]
    stable = list(HEAD)
    np.testing.assert_allclose(
        turned[stable] - turned[stable].mean(axis=0), straight[stable] - straight[stable].mean(axis=0), atol=0.01
    )


def test_the_mean_head_is_symmetric() -> None:
    for right, left in {33: 263, 133: 362, 127: 356, 234: 454, 98: 327}.items():
        np.testing.assert_allclose(np.array(HEAD[right]) * [-1, 1, 1], HEAD[left])
    assert HEAD[263][0] - HEAD[33][0] == 90
