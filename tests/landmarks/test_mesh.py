"""The face mesh: where the crops are cut, where the points are placed, and what is said when there is no telling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.photographs import DATA
from faces.errors import ModelError
from faces.geometry import transform
from faces.images import read_image
from faces.landmarks import mesh, openness, pose, schemes
from faces.landmarks.mesh import BATCH_FACES, POINTS, SIDE, FaceMesh, around_boxes, around_points
from faces.pipeline import Pipeline
from faces.types import Faces, Floats, Image
from tests.fakes import FakeEngine, faces_at, noise
from tests.landmarks.heads import mesh_of
from tests.mesh_models import needs_face_mesh

Array = NDArray[Any]
photographs = pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs: {DATA} is not here")


def engine(points: Floats, logit: float = 9.0) -> FakeEngine:
    """An engine that sees the same points, (468, 3), in every crop."""

    def answer(blob: Array) -> list[Array]:
        count = len(blob)
        return [np.tile(points.reshape(1, -1, 1, 1), (count, 1, 1, 1)), np.full((count, 1, 1, 1), logit, np.float32)]

    return FakeEngine(answer)


def picture() -> Image:
    return noise(300, 400)


def with_eyes(right: tuple[float, float], left: tuple[float, float]) -> Faces:
    faces = faces_at((100, 60, 220, 220))
    points = np.array([[right, left, (160, 140), (140, 180), (180, 180)]], np.float32)
    return Faces(faces.xyxy, faces.score, points, "five-points")


def test_the_first_crop_is_a_square_around_the_box() -> None:
    [matrix] = around_boxes(faces_at((100, 60, 220, 220)))
    corners = transform(matrix, np.array([[0, 0], [SIDE, 0], [SIDE, SIDE]]))
    np.testing.assert_allclose(corners, [[48, 28], [272, 28], [272, 252]], atol=1e-9)


@pytest.mark.parametrize("scheme", ["five-points", "eye-corners"])
def test_the_eyes_are_level_in_the_crop(scheme: Any) -> None:
    faces = with_eyes((130, 100), (190, 130))
    if scheme == "eye-corners":
        points = np.array([[(120, 95), (140, 105), (180, 125), (200, 135), (160, 140)]], np.float32)
        faces = Faces(faces.xyxy, faces.score, points, scheme)
    [matrix] = around_boxes(faces)
    across = transform(matrix, np.array([[0, 96], [192, 96]]))
    angle = np.arctan2(*(across[1] - across[0])[::-1])
    assert angle == pytest.approx(np.arctan2(30, 60))
    np.testing.assert_allclose(across.mean(axis=0), [160, 140], atol=1e-9)


def test_the_second_look_is_at_one_and_a_half_times_the_points() -> None:
    points = mesh_of(roll=20).points
    [matrix] = around_points(points)
    inside = (points[0, :, :2] - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T  # in the crop
    low, high = inside.min(axis=0), inside.max(axis=0)
    np.testing.assert_allclose((low + high) / 2, [96, 96], atol=1e-3)
    assert (high - low).max() == pytest.approx(SIDE / 1.5, abs=1e-3)
    assert inside[33, 1] == pytest.approx(inside[263, 1], abs=1e-3)


def test_points_are_placed_in_the_image() -> None:
    image, faces = picture(), with_eyes((130, 100), (190, 130))
    seen = np.random.default_rng(0).uniform(40, 150, (POINTS, 3)).astype(np.float32)
    fake = engine(seen)
    found = FaceMesh(fake).of(image, faces)
    assert found.points.shape == (1, POINTS, 3) and found.points.dtype == np.float32 == found.presence.dtype
    first = around_boxes(faces)
    once, _ = FaceMesh(fake).look(image, first)
    np.testing.assert_allclose(once[0, :, :2], transform(first[0], seen[:, :2]), atol=1e-3)
    second = around_points(once)
    np.testing.assert_allclose(found.points[0, :, :2], transform(second[0], seen[:, :2]), atol=1e-3)
    scale = np.linalg.norm(second[0, :, 0])
    np.testing.assert_allclose(found.points[0, :, 2], seen[:, 2] * scale, atol=1e-3)  # depth in the same scale
    assert found.presence[0] == pytest.approx(1 / (1 + np.exp(-9)), abs=1e-6)


def test_the_network_sees_rgb_from_0_to_1() -> None:
    fake = engine(mesh_of().points[0])
    image = np.zeros((300, 400, 3), np.uint8)
    image[:] = (255, 51, 0)  # BGR
    FaceMesh(fake).of(image, faces_at((100, 100, 160, 160)))
    assert fake.blobs[0].dtype == np.float32 and fake.blobs[0].shape == (1, 3, SIDE, SIDE)
    np.testing.assert_allclose(fake.blobs[0][0, :, 96, 96], [0, 0.2, 1], atol=1e-6)


def test_many_faces_come_in_batches() -> None:
    fake = engine(mesh_of().points[0])
    faces = faces_at(*[(10 + each, 20, 60 + each, 80) for each in range(BATCH_FACES + 3)])
    found = FaceMesh(fake).of(picture(), faces)
    assert [len(blob) for blob in fake.blobs] == [BATCH_FACES, 3] * 2
    assert len(found) == BATCH_FACES + 3 and np.isfinite(found.points).all()


def test_no_faces() -> None:
    fake = engine(mesh_of().points[0])
    found = FaceMesh(fake).of(picture(), Faces.empty())
    assert fake.blobs == [] and found.points.shape == (0, POINTS, 3) and found.presence.shape == (0,)
    assert schemes.ibug68(found).shape == (0, 68, 2) and schemes.face_api(found).shape == (0, 27, 2)
    assert pose.head_pose(found).shape == (0, 3)
    assert openness.openings(found).eyes.shape == (0, 2) and openness.openings(found).mouth_open == []


@pytest.mark.parametrize("logit", [-0.1, -80.0, float("nan"), float("inf")])
def test_where_there_is_no_telling_nothing_is_answered(logit: float) -> None:
    points = mesh_of().points[0].copy()
    if logit == float("inf"):
        points[7] = np.nan  # a network that overflows
    fake = engine(points, logit)
    found = FaceMesh(fake).of(picture(), faces_at((100, 60, 220, 220)))
    assert np.isnan(found.points).all() and found.presence[0] < mesh.LEAST_PRESENCE
    assert len(fake.blobs) == 1  # no second look
    assert np.isnan(pose.head_pose(found)).all()
    assert np.isnan(schemes.ibug68(found)).all() and np.isnan(schemes.face_api(found)).all()
    opened = openness.openings(found)
    assert opened.eyes_open == [(None, None)] and opened.mouth_open == [None]


@pytest.mark.parametrize("box", [(-500, -500, -400, -400), (390, 290, 900, 800), (50, 50, 50, 50)])
def test_boxes_that_are_outside_or_empty(box: tuple[float, float, float, float]) -> None:
    fake = engine(mesh_of().points[0], -5)
    assert np.isnan(FaceMesh(fake).of(picture(), faces_at(box)).points).all()


def test_a_mesh_that_was_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path))
    with pytest.raises(ModelError, match=r"^face_landmark\.tflite is not there; run: faces download-models mesh$"):
        FaceMesh.load()


def test_a_mesh_that_was_not_fetched_is_none_where_it_is_optional(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path))
    assert FaceMesh.load_if_fetched() is None


@needs_face_mesh
def test_a_mesh_is_loaded_once() -> None:
    assert FaceMesh.load_if_fetched(1) is FaceMesh.load_if_fetched(1)


@needs_face_mesh
@pytest.mark.accuracy
@photographs
def test_a_photograph_and_half_of_a_face() -> None:
    image = read_image(DATA / "photos" / "examples__obama.jpg")
    faces = Pipeline.load().detect(image)[:1]
    network = FaceMesh.load()
    whole = network.of(image, faces)
    assert whole.presence[0] > 0.9
    assert faces.landmarks is not None
    apart = np.abs(schemes.face_api(whole)[0, :5] - faces.landmarks[0])  # the five that YuNet finds too
    assert apart.max() < 0.12 * float(faces.sizes[0])
    covered = image.copy()
    covered[:, int(faces.xyxy[0, [0, 2]].mean()) :] = 0
    for changed in (covered, np.zeros_like(image), np.ascontiguousarray(image[::-1])):
        found = network.of(changed, faces)  # never an exception; NaN if it cannot tell
        assert np.isnan(found.points).all() == (found.presence[0] < mesh.LEAST_PRESENCE)
    assert np.isnan(network.of(np.zeros_like(image), faces).points).all()
