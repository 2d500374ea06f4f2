"""Head pose: from the face mesh where it was fetched, else, and for faces without one, from five landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from faces.attributes import computed, pose
from faces.attributes.answers import Answers
from faces.landmarks.mesh import FaceMesh, Meshes
from faces.server.api import landmark_points
from faces.types import Faces, Image
from tests.landmarks.heads import mesh_of

PICTURE: Image = np.zeros((200, 200, 3), np.uint8)
FIVE = np.array([[60, 80], [100, 80], [80, 105], [65, 125], [95, 125]], np.float32)
BOXES = np.array([[40, 40, 120, 150]] * 2, np.float32)
TWO = Faces(BOXES, np.ones(2, np.float32), np.stack([FIVE, FIVE]), "five-points")


def with_a_second_face(mesh: Meshes) -> Meshes:
    """Add a face without a mesh."""
    points = np.concatenate([mesh.points, np.full_like(mesh.points, np.nan)])
    return Meshes(points, np.array([1, 0.1], np.float32))


class FakeMesh:
    """The first face looks up by 20 degrees; the second one has no mesh."""

    def of(self, image: Image, faces: Faces) -> Meshes:
        return with_a_second_face(mesh_of(5, -10, 20))


@pytest.fixture
def with_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FaceMesh, "load_if_fetched", lambda threads=None: FakeMesh())


@pytest.mark.usefixtures("with_mesh")
def test_all_three_angles_are_from_the_mesh() -> None:
    head_pose = computed.HeadPose()
    answers = Answers(head_pose.heads, head_pose.of(PICTURE, TWO))
    assert answers.plain(0) == {"roll": 5.0, "yaw": -10.0, "pitch": 20.0}
    roll, yaw = pose.head_pose(TWO)[1].tolist()
    assert answers.plain(1) == {"roll": round(roll, 1), "yaw": round(yaw, 1)}  # and no pitch


def test_without_the_mesh_there_is_no_pitch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FaceMesh, "load_if_fetched", lambda threads=None: None)
    head_pose = computed.HeadPose()
    assert list(head_pose.of(PICTURE, TWO)) == ["roll", "yaw"]


def test_the_apis_landmarks_are_the_meshs_where_there_is_one() -> None:
    meshes = with_a_second_face(mesh_of())
    both, derived = landmark_points.landmarks(TWO, meshes), landmark_points.landmarks(TWO)
    tip = landmark_points.NAMES.index("noseTip")
    assert both[0, tip] == pytest.approx(meshes.points[0, 4, :2], abs=1e-3)
    assert np.array_equal(both[1], derived[1])
