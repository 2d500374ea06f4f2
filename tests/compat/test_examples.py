"""The examples of face_recognition, as they are, on ours; cameras and windows are made ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.photographs import DATA
from tests.compat.conftest import compat_environment
from tests.conftest import patience
from tests.dlib_models import needs_dlib_models
from tests.mesh_models import needs_face_mesh

CLIENT = DATA.parent / "clients" / "face_recognition" / "examples"
CLIP = DATA / "video" / "short_hamilton_clip.mp4"
PHOTOS = "examples__"  # begins the names of those that the examples want beside them
pytestmark = [
    pytest.mark.accuracy,
    pytest.mark.skipif(not (CLIENT.is_dir() and CLIP.is_file()), reason=f"{CLIENT} or its photographs are not here"),
    needs_dlib_models,
    needs_face_mesh,
]
# A camera that shows a clip, a window that closes, the Raspberry Pi's camera, and what Pillow 10 took away.
MADE = """
import sys, types
import cv2, numpy as np
from PIL import Image, ImageDraw, ImageFont
real = cv2.VideoCapture
cv2.VideoCapture = lambda source: real("short_hamilton_clip.mp4" if source == 0 else source)
cv2.imshow = lambda *arguments: None
cv2.destroyAllWindows = lambda: None
looks = []
cv2.waitKey = lambda wait: looks.append(0) or (ord("q") if len(looks) >= 6 else -1)
Image.Image.show = lambda self: print("shown", self.size)
ImageDraw.ImageDraw.textsize = lambda self, text: tuple(map(int, ImageDraw.ImageDraw.textbbox(self, (0, 0), text)[2:]))
class PiCamera:
    left = 2
    def capture(self, output, format):
        if not self.left:
            sys.exit("the camera is unplugged")
        self.left -= 1
        output[:] = np.asarray(Image.open("obama_small.jpg").convert("RGB").resize((320, 240)))
picamera = sys.modules["picamera"] = types.ModuleType("picamera")
picamera.PiCamera = PiCamera
"""
EXAMPLES = {  # what each prints
    "face_distance.py": ("cutoff of 0.6, would the test image match the known image? True", "known image? False"),
    "face_recognition_knn.py": ("- Found biden at", "- Found obama at", "- Found alex_lacamoire at"),
    "facerec_from_video_file.py": ("Writing frame 1 / 275",),
    "facerec_from_webcam.py": (),
    "facerec_from_webcam_faster.py": (),
    "blur_faces_on_webcam.py": (),
    "facerec_on_raspberry_pi.py": ("Found 1 faces in image.", "I see someone named Barack Obama!"),
    "facerec_on_raspberry_pi_Simplified_Chinese.py": (),
    "find_faces_in_batches.py": ("face(s) in frame",),
    "find_faces_in_picture.py": ("I found 1 face(s) in this photograph.", "shown"),
    "find_faces_in_picture_cnn.py": ("I found 1 face(s) in this photograph.", "shown"),
    "find_facial_features_in_picture.py": (
        "I found 2 face(s) in this photograph.",
        "The chin in this face has",
        "shown",
    ),
    "identify_and_draw_boxes_on_faces.py": ("shown",),
    "recognize_faces_in_pictures.py": (
        "Is the unknown face a picture of Biden? False",
        "Is the unknown face a picture of Obama? True",
        "Is the unknown face a new person that we've never seen before? False",
    ),
    "digital_makeup.py": ("shown",),
}
SEVERAL_HUNDRED_FRAMES = {"facerec_from_video_file.py"}  # stopped after a while


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples with what they read beside them."""
    folder = tmp_path_factory.mktemp("examples")
    for path in CLIENT.glob("*.py"):
        shutil.copyfile(path, folder / path.name)
    for path in (DATA / "photos").glob(f"{PHOTOS}*"):
        place = folder.joinpath(*path.name.removeprefix(PHOTOS).split("__"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path)
    for name in ("short_hamilton_clip.mp4", "hamilton_clip.mp4"):
        (folder / name).symlink_to(CLIP)
    (folder / "sitecustomize.py").write_text(MADE)
    return folder


LONG = {"find_faces_in_batches.py"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.exhaustive] if name in LONG else []) for name in EXAMPLES]
)
def test_an_example_runs(folder: Path, name: str) -> None:
    environment = compat_environment()
    environment["PYTHONPATH"] = f"{folder}:{environment['PYTHONPATH']}"
    try:
        run = subprocess.run(
            [sys.executable, "-u", name],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=patience(30),
            check=False,
        )
        output, errors = run.stdout, run.stderr
        assert run.returncode == 0 or errors.endswith("the camera is unplugged\n"), errors
    except subprocess.TimeoutExpired as stopped:
        assert name in SEVERAL_HUNDRED_FRAMES
        output = (stopped.stdout or b"").decode()
    assert all(words in output for words in EXAMPLES[name]), output


def test_the_web_service_answers(folder: Path) -> None:
    code = (
        "import web_service_example as service\n"
        "client = service.app.test_client()\n"
        "for name in ('obama2.jpg', 'biden.jpg'):\n"
        "    print(client.post('/', data={'file': (open(name, 'rb'), name)}).get_json())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=compat_environment(), capture_output=True, text=True, check=False
    )
    assert run.stdout.splitlines() == [
        "{'face_found_in_image': True, 'is_picture_of_obama': True}",
        "{'face_found_in_image': True, 'is_picture_of_obama': False}",
    ], run.stderr
