"""``faceAttributes``: every field that clients read is there, and follows from what the models answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from faces.attributes.answers import Answers, Head
from faces.attributes.registry import ATTRIBUTES
from faces.server.api import face_attributes
from faces.server.api.context import NAME
from faces.server.vision.quality import Quality
from faces.types import Faces, Floats, Image
from tests.server.conftest import PHOTOGRAPHS, SECRET, Api

PICTURE: Image = np.zeros((9, 9, 3), np.uint8)
ONE = Faces(np.array([[0, 0, 9, 9]], np.float32), np.ones(1, np.float32))
CLASSES = {
    "gender": {"male": 0.6, "female": 0.4},
    "glasses": {"noGlasses": 0.1, "readingGlasses": 0.2, "sunglasses": 0.7},
    "emotion": {"anger": 0.1, "happiness": 0.9},
}


class FakeVision:
    """Answers with these probabilities, and 0.1 for all others; a face is of high quality unless it is covered."""

    has_mesh = True

    def __init__(self, **probabilities: float) -> None:
        self.probabilities = probabilities

    def attributes(self, image: Image, faces: Faces, embeddings: Floats | None, names: Collection[str]) -> Answers:
        heads, values = [], {}
        for answer in (answer for name in sorted(names) for answer in ATTRIBUTES[name].answers):
            classes = CLASSES.get(answer, {})
            heads.append(Head(answer, tuple(classes), "" if classes else "probability"))
            row = list(classes.values()) or [self.probabilities.get(answer, 0.1)]
            values[answer] = np.array([row] * len(faces), np.float32)
        return Answers(tuple(heads), values)

    def qualities(self, image: Image, faces: Faces, yaws: Sequence[float], covered: Sequence[bool]) -> list[Quality]:
        return [Quality(0.1, 0.5, 0.0, "medium" if each else "high") for each in covered]


def described(*names: str, **probabilities: float) -> dict[str, Any]:
    vision: Any = FakeVision(**probabilities)
    [values] = face_attributes.describe(vision, PICTURE, ONE, None, names)
    return values


def test_every_name_is_answered() -> None:
    assert set(described(*face_attributes.NAMES)) == set(face_attributes.NAMES)
    for name in face_attributes.NAMES:
        assert list(described(name)) == [name]
    vision: Any = FakeVision()
    assert face_attributes.describe(vision, PICTURE, ONE[:0], None, face_attributes.NAMES) == []


def test_an_uncertain_gender_is_still_one_of_two() -> None:
    assert described("gender") == {"gender": "male"}


def test_hair() -> None:
    hair = described("hair", brown_hair=0.8, blond_hair=0.3)["hair"]
    assert hair["hairColor"][:2] == [{"color": "brown", "confidence": 0.8}, {"color": "blond", "confidence": 0.3}]
    assert (hair["bald"], hair["invisible"]) == (0.1, False)
    assert described("hair", bald=0.9)["hair"] == {"bald": 0.9, "invisible": False, "hairColor": []}
    assert described("hair", hat=0.9)["hair"] == {"bald": 0.1, "invisible": True, "hairColor": []}


def test_what_is_worn_and_what_is_hidden() -> None:
    worn = described("accessories", "occlusion", "glasses", hat=0.9)
    assert worn["glasses"] == "Sunglasses"
    assert worn["accessories"] == [{"type": "headWear", "confidence": 0.9}, {"type": "glasses", "confidence": 0.9}]
    assert worn["occlusion"] == {"foreheadOccluded": True, "eyeOccluded": True, "mouthOccluded": False}
    assert described("occlusion", fringe=0.8)["occlusion"]["foreheadOccluded"]


@pytest.mark.parametrize(
    ("pitch", "sunglasses", "has_mesh", "quality"),
    [
        (3.0, 0.1, True, "high"),
        (3.0, 0.8, True, "medium"),
        (np.nan, 0.1, True, "medium"),
        (np.nan, 0.1, False, "high"),  # nothing looks for meshes
    ],
)
def test_a_covered_face_is_of_medium_quality(
    monkeypatch: pytest.MonkeyPatch, pitch: float, sunglasses: float, has_mesh: bool, quality: str
) -> None:
    classes = {"noGlasses": 0.9 - sunglasses, "readingGlasses": 0.1, "sunglasses": sunglasses}
    monkeypatch.setitem(CLASSES, "glasses", classes)
    monkeypatch.setattr(FakeVision, "has_mesh", has_mesh)
    vision: Any = FakeVision(pitch=pitch)
    [values] = face_attributes.describe(vision, PICTURE, ONE, None, ["qualityForRecognition"])
    assert values == {"qualityForRecognition": quality}
    [values] = face_attributes.describe(vision, PICTURE, ONE, None, ["blur"])
    assert values == {"blur": {"blurLevel": "low", "value": 0.1}}


def test_beard_makeup_and_emotion() -> None:
    assert described("facialHair", beard=0.7)["facialHair"] == {"moustache": 0.0, "beard": 0.7, "sideburns": 0.0}
    assert described("makeup", lip_makeup=0.7)["makeup"] == {"eyeMakeup": False, "lipMakeup": True}
    assert described("emotion")["emotion"] == {"anger": 0.1, "contempt": 0.0, "happiness": 0.9}


@pytest.mark.parametrize("strict", [False, True])
def test_what_nothing_measures_is_answered_or_refused(api: Api, strict: bool) -> None:
    extensions = api.client.application.extensions
    extensions[NAME] = replace(extensions[NAME], strict_attributes=strict)
    answer = api.client.post(
        "/face/v1.0/detect?returnFaceAttributes=mask",
        data=PHOTOGRAPHS["Ada"],
        headers={"Ocp-Apim-Subscription-Key": SECRET},
        content_type="application/octet-stream",
    )
    if strict:
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "BadArgument")
        assert answer.get_json()["error"]["message"].endswith("No model measures mask.")
    else:
        [face] = answer.get_json()
        assert face["faceAttributes"] == {"mask": {"type": "noMask", "noseAndMouthCovered": False}}
