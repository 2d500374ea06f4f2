"""The unchanged client azure-ai-vision-face, with every operation that the server offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from azure.ai.vision.face import FaceAdministrationClient, FaceClient
from azure.ai.vision.face.models import BlurLevel, FaceAttributeType, GlassesType, QualityForRecognition
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.server.conftest import Service

People = dict[str, list[Path]]
MODELS: dict[str, Any] = {"detection_model": "detection_03", "recognition_model": "recognition_04"}


@pytest.fixture(scope="module")
def clients(service: Service) -> tuple[FaceClient, FaceAdministrationClient]:
    key = AzureKeyCredential(service.key)
    return FaceClient(service.url, key), FaceAdministrationClient(service.url, key)


Clients = tuple[FaceClient, FaceAdministrationClient]


def code(error: HttpResponseError) -> str | None:
    assert error.error is not None
    return error.error.code


def face_id(client: FaceClient, path: Path) -> str:
    (face,) = client.detect(path.read_bytes(), **MODELS, return_face_id=True)
    return str(face.face_id)


@pytest.mark.parametrize("version", ["v1.0", "v1.1-preview.1", "v1.2-preview.1", "v1.2", "v1.3-preview.1"])
def test_any_version(service: Service, version: str) -> None:
    client = FaceAdministrationClient(service.url, AzureKeyCredential(service.key), api_version=version)
    client.large_person_group.create("versions", name=version)
    assert client.large_person_group.get("versions").name == version
    client.large_person_group.delete("versions")


def test_detect(clients: Clients, drawn: People) -> None:
    client, _ = clients
    name, (path, *_) = next(iter(drawn.items()))
    (face,) = client.detect(
        path.read_bytes(),
        **MODELS,
        return_face_id=True,
        return_face_landmarks=True,
        return_recognition_model=True,
        return_face_attributes=list(FaceAttributeType),
        face_id_time_to_live=120,
    )
    landmarks: Any = face.face_landmarks
    attributes: Any = face.face_attributes
    assert face.recognition_model == "recognition_04" and landmarks.nose_tip.x > 0
    assert attributes.quality_for_recognition in set(QualityForRecognition)
    assert attributes.glasses in set(GlassesType) and attributes.blur.blur_level in set(BlurLevel)
    assert attributes.mask.type == "noMask" and not attributes.mask.nose_and_mouth_covered  # nothing measures it
    (other,) = client.detect_from_url(
        url=f"https://example.org/{name.split()[0].lower()}.jpg", **MODELS, return_face_id=False
    )
    assert other.face_id is None and other.face_rectangle == face.face_rectangle


def test_large_person_group(clients: Clients, drawn: People) -> None:
    client, administration = clients
    groups = administration.large_person_group
    groups.create("new-people", name="People", user_data="x", recognition_model="recognition_04")
    groups.update("new-people", name="Everybody")
    assert groups.get("new-people", return_recognition_model=True).name == "Everybody"
    assert [group.large_person_group_id for group in groups.get_large_person_groups(top=10)] == ["new-people"]
    ids = {}
    for name, (first, *_) in list(drawn.items())[:2]:
        ids[name] = groups.create_person("new-people", name=name, user_data="y").person_id
        face = groups.add_face(
            "new-people", ids[name], first.read_bytes(), user_data="z", detection_model="detection_03"
        )
    groups.update_person("new-people", ids[name], user_data="yy")
    assert groups.get_person("new-people", ids[name]).user_data == "yy"
    assert len(groups.get_persons("new-people", top=5)) == 2
    groups.update_face("new-people", ids[name], face.persisted_face_id, user_data="zz")
    assert groups.get_face("new-people", ids[name], face.persisted_face_id).user_data == "zz"
    url = f"https://example.org/{name.split()[0].lower()}.jpg"
    again = groups.add_face_from_url("new-people", ids[name], url=url, detection_model="detection_03")
    groups.delete_face("new-people", ids[name], again.persisted_face_id)

    assert groups.begin_train("new-people").result(timeout=20) is None
    training = groups.get_training_status("new-people")
    assert training.status == "succeeded"
    assert training.created_date_time and training.last_action_date_time and training.last_successful_training_date_time

    face_ = face_id(client, drawn[name][1])
    (result,) = client.identify_from_large_person_group(
        face_ids=[face_], large_person_group_id="new-people", max_num_of_candidates_returned=1, confidence_threshold=0.5
    )
    assert [item.person_id for item in result.candidates] == [ids[name]]
    verified = client.verify_from_large_person_group(
        face_id=face_, large_person_group_id="new-people", person_id=ids[name]
    )
    assert verified.is_identical and verified.confidence > 0.8
    groups.delete_person("new-people", ids[name])
    groups.delete("new-people")
    with pytest.raises(ResourceNotFoundError) as caught:
        groups.get("new-people")
    assert code(caught.value) == "LargePersonGroupNotFound"


def test_large_face_list(clients: Clients, drawn: People) -> None:
    client, administration = clients
    lists = administration.large_face_list
    lists.create("new-heads", name="Heads")
    lists.update("new-heads", user_data="drawn")
    assert lists.get("new-heads").user_data == "drawn"
    assert [item.large_face_list_id for item in lists.get_large_face_lists()] == ["new-heads"]
    (_, (first, second, *_)), (_, (other, *_)) = list(drawn.items())[:2]
    face = lists.add_face("new-heads", first.read_bytes(), user_data="a")
    another = lists.add_face("new-heads", other.read_bytes())
    lists.update_face("new-heads", face.persisted_face_id, user_data="b")
    assert lists.get_face("new-heads", face.persisted_face_id).user_data == "b"
    assert len(lists.get_faces("new-heads")) == 2
    lists.begin_train("new-heads").result(timeout=20)
    probe = face_id(client, second)
    similar = client.find_similar_from_large_face_list(face_id=probe, large_face_list_id="new-heads")
    assert [item.persisted_face_id for item in similar] == [face.persisted_face_id]
    lists.delete_face("new-heads", another.persisted_face_id)
    lists.delete("new-heads")


def test_faces_without_a_collection(clients: Clients, drawn: People) -> None:
    client, _ = clients
    (_, (a, b, *_)), (_, (c, *_)) = list(drawn.items())[:2]
    first, second, other = (face_id(client, path) for path in (a, b, c))
    assert client.verify_face_to_face(face_id1=first, face_id2=second).is_identical
    assert [item.face_id for item in client.find_similar(face_id=first, face_ids=[second, other])] == [second]
    grouped = client.group(face_ids=[first, second, other])
    assert grouped.groups == [[first, second]] and grouped.messy_group == [other]


def test_the_client_understands_refused_arguments(clients: Clients, drawn: People) -> None:
    client, administration = clients
    with pytest.raises(HttpResponseError) as caught:
        administration.large_person_group.create("Not An Id", name="x")
    assert (caught.value.status_code, code(caught.value)) == (400, "BadArgument")
    with pytest.raises(HttpResponseError) as caught:
        client.detect(b"no image at all" * 100, **MODELS, return_face_id=True)
    assert (caught.value.status_code, code(caught.value)) == (400, "InvalidImage")


def test_the_client_reports_a_failed_training(clients: Clients) -> None:
    groups = clients[1].large_person_group
    groups.create("nobody", name="Nobody")
    with pytest.raises(HttpResponseError):
        groups.begin_train("nobody").result(timeout=20)
    assert groups.get_training_status("nobody").status == "failed"
    groups.delete("nobody")
