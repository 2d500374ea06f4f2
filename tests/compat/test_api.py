"""The calls of compat/face_recognition: arguments, types, order, errors; and values of the original where it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.photographs import DATA
from faces.errors import ImageError, ModelError
from faces.images import read_image
from faces.synthetic.people import CAST
from faces.synthetic.scenes import group, portrait
from tests.compat.conftest import COMPAT, compat_environment
from tests.conftest import ROOT
from tests.dlib_models import needs_dlib_models
from tests.mesh_models import needs_face_mesh

ORIGINAL = os.environ.get("FACE_RECOGNITION")  # a folder with the original: benchmarks/requirements.txt
PHOTO = DATA / "photos" / "examples__obama_small.jpg"
CALLS = """
import json, sys, warnings
warnings.simplefilter("ignore")
import face_recognition, numpy as np
path, boxes = json.loads(sys.argv[1])
image = face_recognition.load_image_file(path)
encodings = [np.array(face_recognition.face_encodings(image, boxes, jitters)).tolist() for jitters in (1, 3, 2)]
print(json.dumps([encodings, face_recognition.face_landmarks(image, boxes, "small")]))
"""


@pytest.fixture(scope="module")
def image() -> Any:
    """A drawn person, RGB."""
    return np.ascontiguousarray(portrait(CAST[0], 5, 1).image[:, :, ::-1])


@needs_dlib_models
def test_faces_of_one_image_are_encoded_together(face_recognition: ModuleType, image: Any) -> None:
    boxes = [(20, 140, 120, 40), (60, 190, 190, 60), (0, 100, 100, 0)]
    together = face_recognition.face_encodings(image, boxes)
    for box, encoding in zip(boxes, together, strict=True):
        np.testing.assert_allclose(face_recognition.face_encodings(image, [box])[0], encoding, atol=1e-5)
    jittered = face_recognition.face_encodings(image, boxes, num_jitters=2)
    for encoding, moved in zip(together, jittered, strict=True):
        distances = face_recognition.face_distance(together, moved)
        assert 0 < np.linalg.norm(encoding - moved) == distances.min() < 0.5


@needs_dlib_models
@needs_face_mesh
def test_results_have_the_originals_types(face_recognition: ModuleType, image: Any) -> None:
    locations = face_recognition.face_locations(image)
    ((top, right, bottom, left),) = locations
    assert 0 <= top < bottom <= image.shape[0] and 0 <= left < right <= image.shape[1]
    assert all(type(side) is int for side in locations[0]) and type(locations[0]) is tuple
    (encoding,) = face_recognition.face_encodings(image, locations)
    assert (encoding.shape, encoding.dtype) == ((128,), np.float64)
    (again,) = face_recognition.face_encodings(image, np.array(locations), model="large")
    assert face_recognition.face_distance([encoding, again], encoding).tolist()[0] == 0
    assert face_recognition.compare_faces([encoding, again], encoding) == [True, True]
    assert face_recognition.compare_faces([], encoding) == []
    (small,) = face_recognition.face_landmarks(image, locations, "small")
    assert {part: len(points) for part, points in small.items()} == {"nose_tip": 1, "left_eye": 2, "right_eye": 2}
    assert small["left_eye"][0][0] < small["left_eye"][1][0] < small["right_eye"][1][0] < small["right_eye"][0][0]
    (large,) = face_recognition.face_landmarks(image, locations)
    assert sum(map(len, large.values())) == 72  # corners of the mouth twice


@needs_dlib_models
def test_all_faces_are_found_by_both_models_and_in_batches(face_recognition: ModuleType) -> None:
    picture = np.ascontiguousarray(group(CAST[4:6], 5, 1, wh=(640, 440)).image[:, :, ::-1])
    assert len(face_recognition.face_locations(picture)) == len(face_recognition.face_locations(picture, 0, "cnn")) == 2
    batches = face_recognition.batch_face_locations([picture, picture[:200]], number_of_times_to_upsample=0)
    assert len(batches) == 2 and batches[0] == face_recognition.face_locations(picture, 0, "cnn")


@needs_dlib_models
@pytest.mark.parametrize(
    ("change", "grey"),
    [
        (lambda image: "photo.jpg", False),
        (lambda image: None, False),
        (lambda image: image.tolist()[:2], False),
        (lambda image: Image.fromarray(image), False),
        (lambda image: image[:, :, 0], True),
        (lambda image: image[:, :, :1], False),
        (lambda image: np.dstack([image, image[:, :, 0]]), False),
        (lambda image: image / 255, False),
        (lambda image: image.astype(int), False),
        (lambda image: image[None], False),
        (lambda image: np.array([]), False),
    ],
    ids=["path", "None", "list", "Pillow", "grey", "one channel", "RGBA", "float", "int64", "four axes", "empty"],
)
def test_what_is_no_image_is_a_type_error(
    face_recognition: ModuleType, image: Any, change: Callable[[Any], Any], grey: bool
) -> None:
    other = change(image)
    if grey:
        assert face_recognition.face_locations(other)
        assert face_recognition.face_landmarks(other, [(50, 150, 150, 50)], "small")
    else:
        with pytest.raises(TypeError, match="expected an image"):
            face_recognition.face_locations(other)
        with pytest.raises(RuntimeError, match="expected an image"):  # what the original raises for arrays
            face_recognition.face_landmarks(other)
    with pytest.raises(TypeError, match="expected an image"):
        face_recognition.face_encodings(other)


@needs_dlib_models
def test_other_bad_input_is_as_in_the_original(face_recognition: ModuleType, image: Any, tmp_path: Path) -> None:
    blank = np.zeros((100, 100, 3), np.uint8)
    assert face_recognition.face_locations(blank) == face_recognition.face_encodings(blank) == []
    assert face_recognition.face_locations(blank[:0]) == face_recognition.face_encodings(image, []) == []
    for times in (-1, 1.5):
        with pytest.raises(TypeError, match="number_of_times_to_upsample"):
            face_recognition.face_locations(image, times)
    with pytest.raises(TypeError):
        face_recognition.face_encodings(image, [(1.0, 2.0, 3.0, 4.0)])
    with pytest.raises(IndexError):
        face_recognition.face_encodings(image, [(1, 2, 3)])
    with pytest.raises(ValueError, match="Supported models"):
        face_recognition.face_landmarks(image, model="medium")
    with pytest.raises(FileNotFoundError):
        face_recognition.load_image_file(str(tmp_path / "none.jpg"))
    assert len(face_recognition.face_encodings(image, [(5000, 5100, 5100, 5000)])) == 1  # of what is black


def test_a_file_that_was_cut_off_is_read_and_faces_stays_strict(
    face_recognition: ModuleType, image: Any, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole.jpg", tmp_path / "cut.jpg"
    Image.fromarray(image).save(whole)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with cut.open("rb") as file:
        for source in (str(cut), file):
            assert face_recognition.load_image_file(source).shape == image.shape
    with pytest.raises(ImageError, match="cut off"):
        read_image(cut)


def test_a_missing_model_is_named_with_its_command(
    face_recognition: ModuleType, image: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path))
    face_recognition._models._embedder.cache_clear()
    face_recognition._models._predictor.cache_clear()
    with pytest.raises(ModelError, match="faces download-models dlib"):
        face_recognition.face_encodings(image, [(0, 100, 100, 0)])


def test_importing_loads_no_model_and_nothing_slow() -> None:
    code = (
        "import sys, face_recognition, face_recognition.api; slow = ('cv2', 'onnxruntime', 'PIL', 'sklearn', 'click')"
        "; print([name for name in slow if name in sys.modules], face_recognition.__version__)"
    )
    run = subprocess.run([sys.executable, "-c", code], env=compat_environment(), capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("[] 1.3.0\n", "")


def test_the_original_beside_it_is_a_clear_error(tmp_path: Path) -> None:
    info = tmp_path / "face_recognition-1.3.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: face_recognition\nVersion: 1.3.0\n")
    environment = compat_environment()
    environment["PYTHONPATH"] += os.pathsep + str(tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", "import face_recognition"], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert "ImportError: the original face_recognition is installed beside" in run.stderr
    assert "pip uninstall face_recognition" in run.stderr


def test_nothing_in_faces_imports_it() -> None:
    assert not [path for path in (ROOT / "faces").rglob("*.py") if "import face_recognition" in path.read_text("utf-8")]
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in COMPAT.rglob("*.py")}
    assert max(lengths.values()) <= 130, lengths


@pytest.mark.dlib
@needs_dlib_models
@pytest.mark.skipif(
    not (ORIGINAL and PHOTO.is_file()), reason=f"needs {PHOTO} and FACE_RECOGNITION=FOLDER, the original"
)
def test_encodings_are_the_originals() -> None:
    given = json.dumps([str(PHOTO), [(68, 211, 175, 103), (53, 217, 174, 97), (0, 140, 120, 20)]])
    results = []
    for environment in (compat_environment(), {**os.environ, "PYTHONPATH": str(ORIGINAL)}):
        run = subprocess.run(
            [sys.executable, "-c", CALLS, given], env=environment, capture_output=True, text=True, check=True
        )
        results.append(json.loads(run.stdout))
    (ours, small), (theirs, their_small) = results
    np.testing.assert_allclose(ours, theirs, atol=1e-4)  # jittered ones too: dlib's own random numbers
    assert small == their_small
