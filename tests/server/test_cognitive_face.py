"""The oldest client, cognitive_face: camelCase URLs, null values, content types without a body."""

from __future__ import annotations

from pathlib import Path

import cognitive_face as client
import pytest

from tests.server.conftest import Service

People = dict[str, list[Path]]


@pytest.fixture(autouse=True)
def address(service: Service) -> None:
    client.BaseUrl.set(f"{service.url}/face/v1.0/")
    client.Key.set(service.key)


def test_person_groups(drawn: People) -> None:
    (name, (first, second, third)), (other, _) = list(drawn.items())[:2]
    client.person_group.create("cf-people", user_data=None)
    client.person_group.update("cf-people", name="People")
    assert client.person_group.get("cf-people")["name"] == "People"
    assert "cf-people" in [item["personGroupId"] for item in client.person_group.lists()]
    person = client.person.create("cf-people", name)["personId"]
    face = client.person.add_face(str(first), "cf-people", person)["persistedFaceId"]
    client.person.update_face("cf-people", person, face, "u")
    assert client.person.get_face("cf-people", person, face)["userData"] == "u"
    extra = client.person.add_face(f"https://example.org/{other.split()[0].lower()}.jpg", "cf-people", person)
    client.person.delete_face("cf-people", person, extra["persistedFaceId"])
    client.person.update("cf-people", person, user_data="v")
    assert client.person.get("cf-people", person)["persistedFaceIds"] == [face]
    assert len(client.person.lists("cf-people")) == 1
    client.person_group.train("cf-people")
    while client.person_group.get_status("cf-people")["status"] in ("nonstarted", "running"):
        pass
    (seen,) = client.face.detect(str(second), landmarks=True, attributes="age,gender,headPose")
    (result,) = client.face.identify([seen["faceId"]], person_group_id="cf-people")
    assert result["candidates"][0]["personId"] == person
    assert client.face.verify(seen["faceId"], person_group_id="cf-people", person_id=person)["isIdentical"]
    (again,) = client.face.detect(str(third))
    assert client.face.verify(seen["faceId"], again["faceId"])["isIdentical"]
    assert client.face.find_similars(seen["faceId"], face_ids=[again["faceId"]])[0]["faceId"] == again["faceId"]
    assert client.face.group([seen["faceId"], again["faceId"]])["messyGroup"] == []
    client.person.delete("cf-people", person)
    client.person_group.delete("cf-people")
    with pytest.raises(client.CognitiveFaceException) as caught:
        client.person_group.get("cf-people")
    assert (caught.value.status_code, caught.value.code) == (404, "PersonGroupNotFound")


def test_large_groups_and_lists(drawn: People) -> None:
    name, (first, second, _) = next(iter(drawn.items()))
    client.large_person_group.create("cf-large")
    person = client.large_person_group_person.create("cf-large", name)["personId"]
    face = client.large_person_group_person_face.add(str(first), "cf-large", person)["persistedFaceId"]
    client.large_person_group_person_face.update("cf-large", person, face, "u")
    assert client.large_person_group_person_face.get("cf-large", person, face)["userData"] == "u"
    client.large_person_group.train("cf-large")
    assert client.large_person_group.get_status("cf-large")["status"] in ("nonstarted", "running", "succeeded")
    assert "cf-large" in [item["largePersonGroupId"] for item in client.large_person_group.list()]
    client.large_person_group.delete("cf-large")

    client.face_list.create("cf-list")
    kept = client.face_list.add_face(str(first), "cf-list", user_data="u")["persistedFaceId"]
    assert client.face_list.get("cf-list")["persistedFaces"] == [{"persistedFaceId": kept, "userData": "u"}]
    (seen,) = client.face.detect(str(second))
    assert client.face.find_similars(seen["faceId"], face_list_id="cf-list")[0]["persistedFaceId"] == kept
    client.face_list.delete_face("cf-list", kept)
    client.face_list.delete("cf-list")

    client.large_face_list.create("cf-large-list")
    kept = client.large_face_list_face.add(str(first), "cf-large-list")["persistedFaceId"]
    assert [item["persistedFaceId"] for item in client.large_face_list_face.list("cf-large-list")] == [kept]
    client.large_face_list_face.delete("cf-large-list", kept)
    client.large_face_list.delete("cf-large-list")
