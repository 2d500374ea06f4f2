"""What Microsoft's samples in C# send, in their order, and every field that they read, with their types."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import requests

from faces.server.keys import KEY_HEADER
from tests.conftest import patience
from tests.server.conftest import Service
from tests.server.quickstarts.conftest import BASE_URL, FAMILY, PHOTOS, certificate

pytestmark = [
    pytest.mark.accuracy,
    pytest.mark.skipif(
        not (FAMILY.is_dir() and PHOTOS.is_dir()), reason=f"no photographs to measure on: {FAMILY} is not here"
    ),
]
Json = Any
FORMER, CURRENT = "v1.0", "v1.2"  # Microsoft.Azure.CognitiveServices.Vision.Face and Azure.AI.Vision.Face
QUALITY = ("low", "medium", "high")
ATTRIBUTES = (  # of FaceQuickstart.cs; smile is there twice
    "accessories,age,blur,emotion,exposure,facialHair,glasses,hair,headPose,makeup,noise,occlusion,smile,smile,"
    "qualityForRecognition"
)
PEOPLE = {f"Family1-{name}": [f"Family1-{name}{number}.jpg" for number in (1, 2)] for name in ("Dad", "Mom", "Son")}
MORE_PEOPLE = {
    f"{person}": [f"{person}{number}.jpg" for number in (1, 2)]
    for person in ("Family1-Daughter", "Family2-Lady", "Family2-Man")
}
SINGLE = [
    *(f"Family1-{name}1.jpg" for name in ("Dad", "Daughter", "Mom", "Son")),
    *(f"{family}-{name}1.jpg" for family in ("Family2", "Family3") for name in ("Lady", "Man")),
]


class Client:
    """Sends what the .NET client of a version sends."""

    def __init__(self, site: Service, version: str) -> None:
        self.base = f"{site.url}/face/{version}/"
        self.session = requests.Session()
        self.session.headers[KEY_HEADER] = site.key
        self.session.trust_env = False  # or the environment may name other certificates
        self.session.verify = str(certificate(site))

    def __call__(self, method: str, path: str, status: int = 200, **more: Any) -> Json:
        answer = self.session.request(method, self.base + path, timeout=patience(60), **more)
        assert answer.status_code == status, answer.text
        self.headers = answer.headers
        return answer.json() if answer.content else None

    def detect(self, picture: str, **query: str) -> list[Json]:
        faces = self("POST", "detect", params=query, json={"url": BASE_URL + picture})
        for face in faces:
            assert all(type(face["faceRectangle"][side]) is int for side in ("left", "top", "width", "height"))
        return list(faces)

    def fit_to_recognize(self, picture: str) -> list[Json]:
        """The samples' own DetectFaceRecognize."""
        faces = self.detect(
            picture,
            returnFaceId="true",
            recognitionModel="recognition_04",
            detectionModel="detection_03",
            returnFaceAttributes="qualityForRecognition",
        )
        return [face for face in faces if quality(face) != "low"]

    def train(self, path: str) -> None:
        self("POST", f"{path}/train", 202)
        for _ in range(200):
            training = self("GET", f"{path}/training")
            assert training["status"] in ("nonstarted", "running", "succeeded")
            datetime.fromisoformat(training["createdDateTime"].replace("Z", "+00:00"))
            if training["status"] == "succeeded":
                return
            time.sleep(0.05)
        raise AssertionError("not trained")


def id_of(face: Json) -> str:
    return str(UUID(face["faceId"]))


def quality(face: Json) -> str:
    value = face["faceAttributes"]["qualityForRecognition"]
    assert value in QUALITY
    return str(value)


def confidence(result: Json) -> float:
    assert isinstance(result["confidence"], (int, float)) and 0 <= result["confidence"] <= 1
    return float(result["confidence"])


@pytest.fixture(scope="module")
def former(site: Service) -> Iterator[Client]:
    client = Client(site, FORMER)
    yield client
    client.session.close()


def test_current_quickstart(site: Service) -> None:
    client = Client(site, CURRENT)
    group = "largepersongroups/0f6b1f0e-6f5a-4a5e-9a3c-2d8f5f6a7b8c"
    client("PUT", group, json={"name": "people", "recognitionModel": "recognition_04"})
    ids = {}
    for name, pictures in PEOPLE.items():
        ids[name] = str(UUID(client("POST", f"{group}/persons", json={"name": name})["personId"]))
        for picture in pictures:
            faces = client.detect(
                picture,
                detectionModel="detection_03",
                recognitionModel="recognition_04",
                returnFaceId="false",
                returnFaceAttributes="qualityForRecognition",
            )
            assert [quality(face) for face in faces] == ["high"]
            query = {"detectionModel": "detection_03"}
            path = f"{group}/persons/{ids[name]}/persistedfaces"
            UUID(client("POST", path, params=query, json={"url": BASE_URL + picture})["persistedFaceId"])
    client("POST", f"{group}/train", 202)
    address = client.headers["Operation-Location"]
    assert address == f"{client.base}{group}/training"
    while (status := client("GET", address.removeprefix(client.base))["status"]) != "succeeded":
        assert status in ("notStarted", "running")
    faces = client.fit_to_recognize("identification1.jpg")
    body = {"faceIds": [id_of(face) for face in faces], "largePersonGroupId": group.partition("/")[2]}
    found = []
    for result in client("POST", "identify", json=body):
        for candidate in result["candidates"][:1]:
            assert confidence(candidate) > 0.8
            found.append(client("GET", f"{group}/persons/{UUID(candidate['personId'])}")["name"])
            pair = {"faceId": id_of(result), "personId": candidate["personId"], **body}
            del pair["faceIds"]
            verified = client("POST", "verify", json=pair)
            assert verified["isIdentical"] is True and confidence(verified) > 0.8
    assert sorted(found) == list(PEOPLE) and len(faces) == 4  # the daughter is nobody
    client("DELETE", group)
    client.session.close()


def test_every_attribute_is_read(former: Client) -> None:
    for picture, number in {"detection1.jpg": 1, "detection5.jpg": 4, "detection6.jpg": 2}.items():
        models = {"recognitionModel": "recognition_04", "detectionModel": "detection_01"}
        faces = former.detect(picture, returnFaceId="true", returnFaceAttributes=ATTRIBUTES, **models)
        assert len(faces) == number
        for face in faces:
            id_of(face)
            read_attributes(face["faceAttributes"])


def read_attributes(face: Json) -> None:
    """Read what FaceQuickstart.cs reads; its classes have no other words and no null."""

    def numbers(part: Json, *names: str) -> None:
        assert all(isinstance(part[name], (int, float)) for name in names), part

    def truths(part: Json, *names: str) -> None:
        assert all(isinstance(part[name], bool) for name in names), part

    assert {item["type"] for item in face["accessories"]} <= {"headWear", "glasses", "mask"}
    numbers(face, "age", "smile")
    assert face["blur"]["blurLevel"].lower() in QUALITY and face["noise"]["noiseLevel"].lower() in QUALITY
    emotions = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
    numbers(face["emotion"], *emotions)
    assert face["exposure"]["exposureLevel"].lower() in ("underexposure", "goodexposure", "overexposure")
    numbers(face["facialHair"], "moustache", "beard", "sideburns")
    assert face["glasses"].lower() in ("noglasses", "readingglasses", "sunglasses", "swimminggoggles")
    truths(face["hair"], "invisible")
    colours = {"unknown", "white", "gray", "blond", "brown", "red", "black", "other"}
    assert {item["color"] for item in face["hair"]["hairColor"]} <= colours
    for item in face["hair"]["hairColor"]:
        numbers(item, "confidence")
    numbers(face["headPose"], "pitch", "roll", "yaw")
    truths(face["makeup"], "eyeMakeup", "lipMakeup")
    truths(face["occlusion"], "eyeOccluded", "foreheadOccluded", "mouthOccluded")
    assert face["qualityForRecognition"] in QUALITY


def test_find_similar(former: Client) -> None:
    ids = {id_of(former.fit_to_recognize(name)[0]): name for name in SINGLE}
    (source,) = former.fit_to_recognize("findsimilar.jpg")
    body = {"faceId": id_of(source), "faceIds": list(ids), "maxNumOfCandidatesReturned": 20, "mode": "matchPerson"}
    similar = former("POST", "findsimilars", json=body)
    assert [ids[id_of(face)] for face in similar if confidence(face) > 0.5] == ["Family1-Dad1.jpg"]


def test_verify(former: Client) -> None:
    """The sample leaves a blank at the end of these addresses."""
    names = ("Family1-Dad1.jpg ", "Family1-Dad2.jpg ", "Family1-Dad3.jpg ", "Family1-Son1.jpg ")
    first, _, dad, son = (id_of(former.fit_to_recognize(name)[0]) for name in names)
    for other, same in ((dad, True), (son, False)):
        result = former("POST", "verify", json={"faceId1": other, "faceId2": first})
        assert result["isIdentical"] is same and (confidence(result) > 0.5) is same


@pytest.mark.parametrize("route", ["persongroups", "largepersongroups"])
def test_groups_of_people(former: Client, route: str) -> None:
    group = f"{route}/b6c9c2a0-1b1e-4f7a-8a55-0c9f3d1f2e4a"
    former("PUT", group, json={"name": "people", "recognitionModel": "recognition_04"})
    for name, pictures in {**PEOPLE, **MORE_PEOPLE}.items():
        person = UUID(former("POST", f"{group}/persons", json={"name": name})["personId"])
        for picture in pictures:
            path = f"{group}/persons/{person}/persistedfaces"
            address = {"url": BASE_URL + picture}
            UUID(former("POST", path, params={"userData": picture}, json=address)["persistedFaceId"])
    former.train(group)
    persons = former("GET", f"{group}/persons", params={"start": ""})
    assert {person["name"] for person in persons} == {*PEOPLE, *MORE_PEOPLE}
    assert all(UUID(face) for person in persons for face in person["persistedFaceIds"])
    assert [len(person["persistedFaceIds"]) for person in persons] == [2] * 6
    if route == "persongroups":
        faces = former.fit_to_recognize("identification1.jpg")
        body = {
            "faceIds": [id_of(face) for face in faces],
            "personGroupId": group.partition("/")[2],
            "maxNumOfCandidatesReturned": 1,
        }
        found = []
        for result in former("POST", "identify", json=body):
            id_of(result)
            candidate = result["candidates"][0]  # read unchecked
            assert confidence(candidate) > 0.8
            found.append(former("GET", f"{group}/persons/{UUID(candidate['personId'])}")["name"])
        assert sorted(found) == sorted([*PEOPLE, "Family1-Daughter"])
    former("DELETE", group)


def test_group_faces(former: Client) -> None:
    names = ["Family1-Dad1", "Family1-Dad2", "Family3-Lady1", *(f"Family1-Daughter{number}" for number in (1, 2, 3))]
    faces = {id_of(former.fit_to_recognize(f"{name}.jpg")[0]): name for name in names}
    result = former("POST", "group", json={"faceIds": list(faces)})
    groups = [sorted({re.sub(r"\d$", "", faces[id_]) for id_ in group}) for group in result["groups"]]
    assert sorted(groups) == [["Family1-Dad"], ["Family1-Daughter"]]
    assert [faces[id_] for id_ in result["messyGroup"]] == ["Family3-Lady1"]


def test_face_lists(former: Client) -> None:
    small, large = "facelists/myfacelistid_001", "largefacelists/mylargefacelistid_001"
    former("PUT", small, json={"name": "MyFaceListName"})
    former("PUT", large, json={"name": "MyLargeFaceListName"})
    for path, names in ((small, [f"detection{number}.jpg" for number in (1, 2, 3)]), (large, SINGLE)):
        for name in names:
            UUID(former("POST", f"{path}/persistedfaces", json={"url": BASE_URL + name})["persistedFaceId"])
    faces = former("GET", small)["persistedFaces"]
    assert len({UUID(face["persistedFaceId"]) for face in faces}) == 3
    former.train(large)
    faces = former("GET", f"{large}/persistedfaces")
    assert len({UUID(face["persistedFaceId"]) for face in faces}) == 8
    for path in (small, large):
        former("DELETE", path)
