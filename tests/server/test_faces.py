"""Landmarks and image quality of a face."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from faces.embedding.aligners import TEMPLATES
from faces.server.api import landmark_points
from faces.server.api.landmark_points import MEAN_FACE, NAMES
from faces.server.vision.quality import measure
from faces.types import Faces, LandmarkScheme
from tests.fakes import noise

BOX = np.array([[0, 0, 100, 100]], np.float32)


def face(points: np.ndarray, scheme: LandmarkScheme) -> Faces:
    return Faces(BOX, np.ones(1, np.float32), points[None].astype(np.float32), scheme)


def test_the_27_landmarks_have_the_api_names() -> None:
    from azure.cognitiveservices.vision.face.models import FaceLandmarks

    assert set(NAMES) == {entry["key"] for entry in FaceLandmarks._attribute_map.values()} and len(NAMES) == 27


@pytest.mark.parametrize("scheme", ["eye-corners", "five-points"])
def test_landmarks_have_the_layout_of_a_face(scheme: LandmarkScheme) -> None:
    _, points = TEMPLATES["attributes"].points[scheme]
    (landmarks,) = landmark_points.landmarks(face(points, scheme))
    at = dict(zip(NAMES, landmarks, strict=True))
    rows = ["eyebrowLeftInner", "eyeLeftTop", "pupilLeft", "eyeLeftBottom", "noseTip", "noseLeftAlarOutTip"]
    rows += ("upperLipTop", "upperLipBottom", "underLipTop", "underLipBottom")
    assert all(at[above][1] < at[below][1] for above, below in pairwise(rows))
    columns = ["eyebrowLeftOuter", "eyeLeftOuter", "pupilLeft", "eyeLeftInner", "noseRootLeft", "noseRootRight"]
    columns += ("eyeRightInner", "pupilRight", "eyeRightOuter", "eyebrowRightOuter")
    assert all(at[left][0] < at[right][0] for left, right in pairwise(columns))
    assert at["mouthLeft"][0] < at["noseLeftAlarOutTip"][0] < at["noseTip"][0] < at["mouthRight"][0]


def test_detected_landmarks_stay_and_the_others_follow_an_affine_map() -> None:
    mean = np.array(list(MEAN_FACE.values()))
    turned = mean @ np.array([[80, 20], [-30, 90]]) + [40, 50]
    five = [NAMES.index(name) for name in ("pupilLeft", "pupilRight", "noseTip", "mouthLeft", "mouthRight")]
    (landmarks,) = landmark_points.landmarks(face(turned[five], "five-points"))
    np.testing.assert_allclose(landmarks, turned, atol=0.01)


def test_landmarks_of_no_face() -> None:
    assert landmark_points.landmarks(Faces.empty()).shape == (0, 27, 2)
    with pytest.raises(ValueError, match="without landmarks"):
        landmark_points.landmarks(Faces(BOX, np.ones(1, np.float32)))


def test_quality() -> None:
    large = np.asarray(cv2.resize(noise(50, 50), (150, 150), interpolation=cv2.INTER_CUBIC), np.uint8)
    sharp = large // 2 + 60
    good = measure(sharp, 100, 0)
    assert (good.recognition, good.blur_level, good.exposure_level) == ("high", "low", "goodExposure")
    assert measure(sharp, 30, 0).recognition == measure(sharp, 100, -30).recognition == "high"
    assert measure(sharp, 22, 0).recognition == measure(sharp, 100, -40).recognition == "medium"
    assert measure(sharp, 100, 0, covered=True).recognition == "medium"
    assert measure(sharp, 18, 0).recognition == measure(sharp, 100, 70, covered=True).recognition == "low"
    blurred = measure(np.asarray(cv2.GaussianBlur(sharp, (0, 0), 12), np.uint8), 100, 0)
    assert (blurred.recognition, blurred.blur_level) == ("low", "high")
    dark, bright = measure(sharp // 12, 100, 0), measure(255 - (255 - sharp) // 12, 100, 0)
    assert (dark.exposure_level, dark.recognition) == ("underExposure", "low")
    assert (bright.exposure_level, bright.recognition) == ("overExposure", "low")


@pytest.mark.parametrize(("sigma", "level"), [(0, "low"), (2, "low"), (10, "medium"), (30, "high")])
def test_noise_is_measured(sigma: float, level: str) -> None:
    smooth = np.linspace(60, 180, 150)[:, None, None] + np.zeros((150, 150, 3))
    added = np.random.default_rng(0).normal(0, sigma, (150, 150, 1))
    quality = measure((smooth + added).clip(0, 255).astype(np.uint8), 100, 0)
    assert quality.noise_level == level
    assert quality.noise == pytest.approx(min(sigma / 20, 1), abs=0.06)
