"""Faces that are not to be recognized: in their boxes, and along their outlines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.photographs import DATA
from faces.display import blurring
from faces.display.blurring import blur
from faces.files.finding import find_images
from faces.images import read_image
from faces.landmarks.mesh import POINTS, FaceMesh, Meshes
from faces.pipeline import Pipeline
from faces.recognition import recognizer_files
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Faces, Floats, Image, Matches
from tests.fakes import noise
from tests.mesh_models import needs_face_mesh

OBAMA = DATA / "photos" / "examples__obama.jpg"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs: {DATA} is not here")


class RoundMesh(FaceMesh):
    """Finds a circle in the middle of each box, of so many times half its width; no mesh of boxes left of 50 px."""

    def __init__(self, size: float = 0.9) -> None:
        self._size = size

    def of(self, image: Image, faces: Faces) -> Meshes:
        turn = np.linspace(0, 2 * np.pi, POINTS, dtype=np.float32)
        points = np.zeros((len(faces), POINTS, 3), np.float32)
        for each, (x1, y1, x2, y2) in zip(points, faces.xyxy, strict=True):
            radius = self._size * (x2 - x1) / 2
            each[:, 0], each[:, 1] = (x1 + x2) / 2 + radius * np.cos(turn), (y1 + y2) / 2 + radius * np.sin(turn)
            each[:] = np.nan if x1 < 50 else each
        return Meshes(points, np.ones(len(faces), np.float32))


def around(image: Image) -> Floats:
    """A box in its middle, of a third of its size."""
    height, width = image.shape[:2]
    return np.array([[width / 3, height / 3, width * 2 / 3, height * 2 / 3]], np.float32)


def test_blurring_leaves_a_mosaic_of_what_is_around_the_face() -> None:
    image = noise(300, 300)
    before = image.copy()
    blurred = blur(image, around(image))
    assert np.array_equal(image, before)
    same = (blurred == image).all(axis=2)
    assert not same[70:230, 70:230].mean() > 0.001  # the box is 100 to 200
    assert same[:50].all()
    assert same[:, 250:].all()
    assert np.abs(np.diff(blurred[100:200, 100:200].astype(int), axis=0)).max() <= 2  # smooth


def test_no_more_than_a_few_colours_are_left_of_a_face() -> None:
    """So many rows and columns make up all of it, but for rounding; nothing can be computed back from them."""
    part = blur(noise(300, 300), np.array([[100, 100, 200, 200]], np.float32))[60:240, 60:240]
    for channel in range(3):
        strengths = np.linalg.svd(part[:, :, channel].astype(float), compute_uv=False)
        assert strengths[blurring.CELLS] < 20 < strengths[0] / 1000


@pytest.mark.parametrize(
    "box",
    [
        (-50, -50, 40, 40),
        (280, 280, 400, 400),
        (-500, -500, 900, 900),
        (500, 500, 600, 600),
        (10, 10, 10, 10),
        (50, 50, 51, 250),
    ],
)
def test_faces_at_and_beyond_the_edge_are_blurred(box: tuple[int, ...]) -> None:
    image = noise(300, 300)
    blurred = blur(image, np.array([box, (100, 100, 110, 110)], np.float32))
    x1, y1, x2, y2 = (min(max(value, 0), 300) for value in box)
    assert blurred.shape == image.shape
    part = (slice(y1, y2), slice(x1, x2))
    assert (blurred[part] == image[part]).all(axis=2).sum() <= image[part].size / 1000
    assert not np.array_equal(blurred[100:110, 100:110], image[100:110, 100:110])


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 500, 3)])
def test_tiny_pictures_and_no_faces(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 7, np.uint8)
    assert np.array_equal(blur(image, np.zeros((0, 4), np.float32)), image)
    assert blur(image, np.array([[0, 0, shape[1], shape[0]]], np.float32)).shape == shape


def assert_nobody(
    pipeline: Pipeline, identify: Callable[[Floats], Matches], paths: list[Path], mesh: FaceMesh | None = None
) -> None:
    """In these photographs people are named; blurred, nobody is named where a face was, or is found now.

    No face is found where its box is blurred; an outline leaves hair and ears, which are still found as a head.
    """
    named = 0
    for path in paths:
        image = read_image(path)
        faces = pipeline.detect(image)
        named += sum(name is not None for name in identify(pipeline.embed(image, faces)).names)
        blurred = blur(image, faces.xyxy, mesh)
        assert set(identify(pipeline.embed(blurred, faces)).names) <= {None}
        assert set(identify(pipeline.embed(blurred, pipeline.detect(blurred))).names) <= {None}
        for x1, y1, x2, y2 in pipeline.detect(blurred).xyxy:
            centres = (faces.xyxy[:, :2] + faces.xyxy[:, 2:]) / 2
            assert mesh or not ((centres > (x1, y1)) & (centres < (x2, y2))).all(axis=1).any()
    assert named > 0.8 * len(paths)


def test_drawn_people_are_nobody_when_blurred(trained: Path) -> None:
    pipeline = Pipeline.load()
    output = trained / "output"
    recognizer, _ = recognizer_files.load(output / "recognizer.pickle", output / "le.pickle", pipeline.fingerprint)
    paths = [path for path in find_images(trained / "dataset") if path.parent.name != "unknown"]
    assert_nobody(pipeline, recognizer.identify, paths)


@pytest.mark.accuracy
@needs_data
@pytest.mark.parametrize("shape", ["box", pytest.param("face", marks=needs_face_mesh)])
def test_people_are_nobody_when_blurred(shape: str) -> None:
    """Even those who are enrolled with the very same photographs."""
    pipeline = Pipeline.load()
    paths = [path for folder in sorted((DATA / "people").iterdir())[:8] for path in sorted(folder.iterdir())[:3]]
    enrolments = pipeline.enrol([path.read_bytes() for path in paths])
    vectors: list[Any] = [enrolment.embedding for enrolment in enrolments]
    embeddings = np.stack(vectors)
    gallery = Gallery(embeddings, tuple(path.parent.name for path in paths), fingerprint=pipeline.fingerprint)
    assert_nobody(pipeline, FaceRecognizer().fit(gallery).identify, paths, FaceMesh.load() if shape == "face" else None)


# Along the outline


def circle(radius: float) -> Any:
    """Which pixels of a picture of 300 px are within this distance of its middle: bool."""
    y, x = np.mgrid[:300, :300]
    return np.hypot(x - 150, y - 150) <= radius


BOX = np.array([[100, 100, 200, 200]], np.float32)


def test_the_face_is_blurred_and_not_what_is_around_it() -> None:
    image = noise(300, 300)
    blurred = blur(image, BOX, RoundMesh())
    same = (blurred == image).all(axis=2)
    assert same[circle(53)].mean() < 0.001  # the outline is at 45, and grows to 54
    assert same[~circle(62)].all()
    assert np.array_equal(blurred[circle(53)], blur(image, BOX)[circle(53)])
    assert not same[circle(57) & ~circle(55)].all()  # no hard edge


@pytest.mark.parametrize("size", [0.5, 3.0], ids=["too small", "out of the box"])
def test_a_mesh_that_is_not_of_the_face_is_not_used(size: float) -> None:
    image = noise(300, 300)
    assert np.array_equal(blur(image, BOX, RoundMesh(size)), blur(image, BOX))


def test_a_face_without_a_mesh_is_blurred_with_its_margin() -> None:
    image, boxes = noise(300, 300), np.array([[10, 10, 60, 60], [200, 200, 260, 260]], np.float32)
    blurred, wide = blur(image, boxes, RoundMesh()), blur(image, boxes)
    assert np.array_equal(blurred[:150], wide[:150])
    assert not np.array_equal(blurred[150:], wide[150:])
    assert np.array_equal(blur(image, boxes[:0], RoundMesh()), image)


@needs_face_mesh
@needs_data
def test_a_photograph() -> None:
    """All within the outline of the mesh changes, and nothing away from it."""
    image, mesh = read_image(OBAMA), FaceMesh.load()
    boxes = Pipeline.load().detect(image).xyxy
    face = Faces(boxes, np.ones(1, np.float32))
    points = np.ascontiguousarray(mesh.of(image, face).points[0, :, :2])
    blurred = blur(image, boxes, mesh)
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(points).round().astype(np.int32), 1)
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    same = (blurred == image).all(axis=2)
    assert same[inside > 0].mean() < 0.002  # a few pixels have the colour of the mosaic
    width, height = np.ptp(points, axis=0)
    farthest = (blurring.GROWN - 1) * np.hypot(width, height) / 2 + blurring.GROWN * blurring.FEATHER * width
    assert same[away > farthest + 1].all()
    assert 0.5 < inside.sum() / np.prod(boxes[0, 2:] - boxes[0, :2]) < 1.3
