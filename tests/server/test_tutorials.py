"""Two tutorials for Azure's service, run against this server."""

from __future__ import annotations

import io
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from azure.cognitiveservices.vision.face import FaceClient
from azure.cognitiveservices.vision.face.models import APIErrorException
from msrest.authentication import CognitiveServicesCredentials

from tests.conftest import patience
from tests.server.conftest import Service


def train_person(client: FaceClient, person_group_id: str, name: str, image: io.BufferedIOBase) -> str:
    """The function from the tutorial."""
    with suppress(APIErrorException):  # the group exists already
        client.person_group.create(person_group_id=person_group_id, name=person_group_id)
    name = name.lower()
    known = [person for person in client.person_group_person.list(person_group_id) if person.name == name]
    person = known[0] if known else client.person_group_person.create(person_group_id, name)
    client.person_group_person.add_face_from_stream(person_group_id, person.person_id, image)
    client.person_group.train(person_group_id)
    return f"{'Updated' if known else 'Created'} {name}"


def greetings(client: FaceClient, person_group_id: str, image: io.BufferedIOBase) -> list[str]:
    """The tutorial's second function: identify people."""
    ids = [face.face_id for face in client.face.detect_with_stream(image)]
    seen = []
    for result in client.face.identify(ids, person_group_id):
        for candidate in result.candidates:
            person = client.person_group_person.get(person_group_id, candidate.person_id)
            if candidate.confidence > 0.8:
                seen.append(f"I see {person.name}")
    return seen


@pytest.mark.parametrize("ending", ["", "/"])
def test_train_a_person_and_greet_them(service: Service, drawn: dict[str, list[Path]], ending: str) -> None:
    client = FaceClient(service.url + ending, CognitiveServicesCredentials(service.key))
    group = "reactor" + ("-slash" if ending else "")
    (ana, (first, second, third, *_)), (_, (stranger, *_)) = list(drawn.items())[:2]
    with first.open("rb") as image:
        assert train_person(client, group, ana, image) == f"Created {ana.lower()}"
    with second.open("rb") as image:
        assert train_person(client, group, ana, image) == f"Updated {ana.lower()}"
    for _ in range(100):
        if client.person_group.get_training_status(group).status.value == "succeeded":
            break
    with third.open("rb") as image:
        assert greetings(client, group, image) == [f"I see {ana.lower()}"]
    with stranger.open("rb") as image:
        assert greetings(client, group, image) == []


@pytest.mark.parametrize("ending", ["", "/"])
def test_request_attributes_over_plain_http(service: Service, drawn: dict[str, list[Path]], ending: str) -> None:
    name = next(iter(drawn)).split()[0].lower()
    response = requests.post(
        f"{service.url}{ending}/face/v1.0/detect",
        params={
            "returnFaceId": "true",
            "returnFaceLandmarks": "false",
            "returnFaceAttributes": "age,gender,headPose,smile,facialHair,glasses,emotion",
        },
        headers={"Ocp-Apim-Subscription-Key": service.key},
        json={"url": f"https://example.org/{name}.jpg"},
        timeout=patience(30),
    )
    face = response.json()[0]["faceAttributes"]
    assert 0 < face["age"] < 100
    assert face["gender"] in ("male", "female")
    assert face["glasses"] in ("NoGlasses", "ReadingGlasses", "Sunglasses")
    assert sum(face["emotion"].values()) == pytest.approx(1, abs=0.01)
    anger_to_surprise = {"anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"}
    assert set(face["emotion"]) == anger_to_surprise
    assert set(face["headPose"]) == {"roll", "yaw", "pitch"}
    assert set(face["facialHair"]) == {"moustache", "beard", "sideburns"}
