"""The tests of face_recognition itself, as they are, on ours."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from benchmarks.photographs import DATA
from faces.geometry import iou
from faces.types import Floats
from tests.compat.conftest import compat_environment
from tests.dlib_models import needs_dlib_models
from tests.mesh_models import needs_face_mesh

CLIENT = DATA.parent / "clients" / "face_recognition" / "tests"
PHOTOS = "tests__test_images__"  # begins the names of those that the tests want in test_images
DLIBS_INTERNALS = {
    "test_raw_face_locations",
    "test_cnn_raw_face_locations",
    "test_raw_face_locations_32bit_image",
    "test_cnn_raw_face_locations_32bit_image",
    "test_raw_face_locations_batched",
    "test_raw_face_landmarks",
}
DLIBS_PIXELS = {"test_face_locations", "test_partial_face_locations", "test_face_landmarks"}  # asked for below
DLIBS_NOSE = {"test_face_landmarks_small_model"}  # wants the pixel of the nose that dlib finds from its own "hog" box
# What those three want: file, location, and dlib's points of the chin.
LOCATIONS = [
    ("obama.jpg", (142, 617, 409, 349)),
    ("obama_partial_face.jpg", (142, 191, 365, 0)),
    ("obama_partial_face2.jpg", (142, 551, 409, 349)),
]
CHIN = [
    *((369, 220), (372, 254), (378, 289), (384, 322), (395, 353), (414, 382), (437, 407), (464, 424), (495, 428)),
    *((527, 420), (552, 399), (576, 372), (594, 344), (604, 314), (610, 282), (613, 250), (615, 219)),
]
pytestmark = [
    pytest.mark.accuracy,
    pytest.mark.skipif(not (CLIENT.is_dir() and (DATA / "photos").is_dir()), reason=f"{CLIENT} or its photographs"),
    needs_dlib_models,
    needs_face_mesh,
]


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tests and their photographs, laid out as they expect."""
    folder = tmp_path_factory.mktemp("peer")
    images = folder / "tests" / "test_images"
    images.mkdir(parents=True)
    for path in CLIENT.glob("*.py"):
        shutil.copyfile(path, folder / "tests" / path.name)
    for path in (DATA / "photos").glob(f"{PHOTOS}*"):
        (images / path.name.removeprefix(PHOTOS)).symlink_to(path)
    return folder


@pytest.mark.slow
def test_its_own_tests_pass(peer: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "tests"]
    run = subprocess.run(command, cwd=peer, env=compat_environment(), capture_output=True, text=True, check=False)
    results = dict(reversed(line) for line in re.findall(r"^(PASSED|FAILED) \S+::(\w+)", run.stdout, re.MULTILINE))
    assert len(results) == 30, run.stdout[-2000:] + run.stderr[-2000:]
    failed = {name for name, result in results.items() if result == "FAILED"}
    assert failed == DLIBS_INTERNALS | DLIBS_PIXELS | DLIBS_NOSE, run.stdout[-2000:]
    assert run.stdout.count("has no attribute '_raw_face_") >= len(DLIBS_INTERNALS)


@pytest.mark.parametrize(("name", "location"), LOCATIONS)
def test_locations_are_where_dlib_has_them(
    face_recognition: ModuleType, peer: Path, name: str, location: tuple[int, int, int, int]
) -> None:
    image = face_recognition.load_image_file(str(peer / "tests" / "test_images" / name))
    locations = face_recognition.face_locations(image)
    assert len(locations) == 1
    assert iou(as_xyxy(location), as_xyxy(locations[0])[None])[0] >= 0.7
    assert all(type(side) is int for side in locations[0])


def test_the_nose_is_dlibs_in_dlibs_box(face_recognition: ModuleType, peer: Path) -> None:
    """The predictor's points depend on the box; in the box of ours dlib itself finds (494, 295)."""
    image = face_recognition.load_image_file(str(peer / "tests" / "test_images" / "obama.jpg"))
    (landmarks,) = face_recognition.face_landmarks(image, [LOCATIONS[0][1]], "small")
    assert landmarks["nose_tip"] == [(496, 295)]
    (landmarks,) = face_recognition.face_landmarks(image, [(134, 623, 402, 355)], "small")
    assert landmarks["nose_tip"] == [(494, 295)]


def test_landmarks_are_where_dlib_has_them(face_recognition: ModuleType, peer: Path) -> None:
    image = face_recognition.load_image_file(str(peer / "tests" / "test_images" / "obama.jpg"))
    (landmarks,) = face_recognition.face_landmarks(image)
    assert {part: len(points) for part, points in landmarks.items()} == {
        "chin": 17,
        "left_eyebrow": 5,
        "right_eyebrow": 5,
        "nose_bridge": 4,
        "nose_tip": 5,
        "left_eye": 6,
        "right_eye": 6,
        "top_lip": 12,
        "bottom_lip": 12,
    }
    right, left = (np.mean(landmarks[eye], axis=0) for eye in ("left_eye", "right_eye"))
    away = np.linalg.norm(np.subtract(landmarks["chin"], CHIN), axis=1) / np.linalg.norm(left - right)
    print("chin, of the distance between the eyes: mean", away.mean(), "most", away.max())
    assert away.mean() <= 0.08


def as_xyxy(location: tuple[int, int, int, int]) -> Floats:
    top, right, bottom, left = location
    return np.array([left, top, right + 1, bottom + 1], np.float32)
