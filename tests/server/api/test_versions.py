"""Every word of the API is one that the SDKs compare with: the current one exactly, the first one in any case."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from azure.ai.vision.face import models as current
from azure.cognitiveservices.vision.face import models as first
from flask import Flask

from faces.server.api import face_attributes, inputs
from faces.server.api.openapi.schemas import components
from faces.server.api.versions import PREFIX, spelled
from tests.server.conftest import Api

ENUMERATIONS = {  # of both SDKs, by what the answer calls them
    "glasses": "GlassesType",
    "color": "HairColorType",
    "type": "AccessoryType MaskType",
    "blurLevel": "BlurLevel",
    "exposureLevel": "ExposureLevel",
    "noiseLevel": "NoiseLevel",
    "qualityForRecognition": "QualityForRecognition",
    "gender": "Gender",
    "status": "FaceOperationStatus TrainingStatusType",
    "recognitionModel": "FaceRecognitionModel RecognitionModel",
}
RETIRED = {"gender"}  # the current SDK has no word for it
VERSIONS = ("v1.0", "v1.1-preview.1", "v1.2-preview.1", "v1.2")


def words(schema: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Return the words that answers of a schema may hold, each with the name of its field."""
    if "enum" in schema:
        yield from ((name, word) for word in schema["enum"])
    for field, inner in schema.get("properties", {}).items():
        yield from words(inner, field)
    if "items" in schema:
        yield from words(schema["items"], name)


def constants(models: Any, names: str) -> set[str]:
    kinds: list[type[Enum]] = [getattr(models, name) for name in names.split() if hasattr(models, name)]
    return {member.value for kind in kinds for member in kind}


def answers() -> list[tuple[str, str]]:
    described = components()
    return [pair for name in ("FaceAttributes", "TrainingStatus", "DetectedFace") for pair in words(described[name])]


def test_every_field_with_words_is_checked() -> None:
    assert {name for name, _ in answers()} == set(ENUMERATIONS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("name", "word"), answers())
def test_a_word_of_an_answer_is_the_constant_of_the_sdk(version: str, name: str, word: str) -> None:
    with Flask("any").test_request_context(environ_overrides={PREFIX: f"/face/{version}"}):
        sent = spelled({"list": [word]})
    if version == "v1.0":  # what the service sent; its SDK reads words in any case
        assert sent == {"list": [word]}
        assert word.lower() in {constant.lower() for constant in constants(first, ENUMERATIONS[name])}
    elif name not in RETIRED:
        assert isinstance(sent, dict) and set(sent["list"]) <= constants(current, ENUMERATIONS[name])


def test_every_word_of_a_request_is_known() -> None:
    for models in (current, first):
        assert constants(models, "FaceAttributeType") <= set(face_attributes.NAMES)
        assert constants(models, "FaceRecognitionModel RecognitionModel") == set(inputs.RECOGNITION_MODELS)
        assert constants(models, "FaceDetectionModel DetectionModel") == set(inputs.DETECTION_MODELS)


@pytest.mark.parametrize("mode", [*current.FindSimilarMatchMode, *first.FindSimilarMatchMode])
def test_the_modes_of_find_similar(api: Api, mode: Enum) -> None:
    probe, other = api.detect("Ada", "Bob")
    api.ok("POST", "findsimilars", json={"faceId": probe, "faceIds": [other], "mode": mode.value})


def test_the_status_of_a_training_that_waits(api: Api) -> None:
    api.group("Ada")
    with api.database.write() as session:
        session.connection().exec_driver_sql("UPDATE collections SET training_status = 'nonstarted'")
    for version, word in (("v1.0", "nonstarted"), ("v1.2", current.FaceOperationStatus.NOT_STARTED.value)):
        assert api.ok("GET", f"/face/{version}/persongroups/crowd/training")["status"] == word
