"""The unchanged client azure-cognitiveservices-vision-face, with every operation that the server offers."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.cognitiveservices.vision.face import FaceClient
from azure.cognitiveservices.vision.face.models import (
    APIErrorException,
    FaceAttributeType,
    TrainingStatusType,
)
from msrest.authentication import CognitiveServicesCredentials

from tests.server.conftest import Service

People = dict[str, list[Path]]


@pytest.fixture(scope="module")
def client(service: Service) -> FaceClient:
    return FaceClient(service.url, CognitiveServicesCredentials(service.key))


def stream(path: Path) -> io.BytesIO:
    return io.BytesIO(path.read_bytes())


def wait(status: Callable[[str], Any], id_: str) -> Any:
    for _ in range(200):
        result = status(id_)
        if result.status in (TrainingStatusType.succeeded, TrainingStatusType.failed):
            return result
    raise AssertionError(result)


def refused(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(APIErrorException) as caught:
        call()
    error: Any = caught.value
    return error.response.status_code, error.error.error.code


def test_detect(client: FaceClient, drawn: People, sample: Path) -> None:
    (face,) = client.face.detect_with_stream(
        stream(next(iter(drawn.values()))[0]),
        return_face_landmarks=True,
        return_face_attributes=list(FaceAttributeType),
        return_recognition_model=True,
        recognition_model="recognition_04",
        face_id_time_to_live=60,
    )
    box, points, attributes = face.face_rectangle, face.face_landmarks, face.face_attributes
    assert face.recognition_model == "recognition_04"
    assert all(value is not None for value in points.as_dict().values()) and len(points.as_dict()) == 27
    assert box.left < points.pupil_left.x < points.pupil_right.x < box.left + box.width
    assert box.top < points.pupil_left.y < points.nose_tip.y < points.mouth_left.y < points.under_lip_bottom.y
    assert attributes.gender.value in ("male", "female")
    assert attributes.quality_for_recognition.value in ("Low", "Medium", "High")
    assert (
        attributes.blur.blur_level.value == "Low"
        and attributes.exposure.exposure_level
        and attributes.noise.noise_level
    )
    assert attributes.head_pose.pitch is not None and attributes.accessories is not None
    assert attributes.hair.bald is not None and attributes.hair.invisible is not None
    assert attributes.makeup.eye_makeup is not None and attributes.occlusion.mouth_occluded is False
    assert attributes.facial_hair.beard is not None and attributes.mask.type.value == "noMask"
    group = client.face.detect_with_stream(stream(sample / "sample" / "group_1.jpg"))
    areas = [face.face_rectangle.width * face.face_rectangle.height for face in group]
    assert len(group) > 1 and areas == sorted(areas, reverse=True)
    assert (
        client.face.detect_with_stream(stream(sample / "sample" / "group_1.jpg"), return_face_id=False)[0].face_id
        is None
    )


@pytest.mark.parametrize("large", [False, True], ids=["person_group", "large_person_group"])
def test_groups_and_persons(client: FaceClient, drawn: People, large: bool) -> None:
    groups = client.large_person_group if large else client.person_group
    persons = client.large_person_group_person if large else client.person_group_person
    scope = {"large_person_group_id" if large else "person_group_id": "people"}
    code = "LargePersonGroup" if large else "PersonGroup"
    drawn = {name: drawn[name] for name in sorted(drawn, key=lambda name: name == "Bruno")}  # unlike both others

    assert groups.create("people", name="People", user_data="of tests", recognition_model="recognition_03") is None
    assert refused(lambda: groups.create("people", name="People")) == (409, f"{code}Exists")
    group = groups.get("people", return_recognition_model=True)
    assert (group.name, group.user_data, group.recognition_model) == ("People", "of tests", "recognition_03")
    assert groups.update("people", name="Everybody") is None
    assert "Everybody" in [item.name for item in groups.list(top=1000)]
    assert refused(lambda: groups.get_training_status("people")) == (404, f"{code}NotTrained")

    ids = {}
    for name, (first, *_) in drawn.items():
        ids[name] = persons.create("people", name=name, user_data="drawn").person_id
        persons.add_face_from_stream("people", ids[name], stream(first), user_data="u d")
        url = f"https://example.org/{name.split()[0].lower()}.jpg"
        second_face = persons.add_face_from_url("people", ids[name], url, detection_model="detection_01")
    name = list(drawn)[-1]
    person = persons.get("people", ids[name])
    assert person.name == name and second_face.persisted_face_id in person.persisted_face_ids
    assert persons.update_face("people", ids[name], second_face.persisted_face_id, user_data="the same again") is None
    assert persons.get_face("people", ids[name], second_face.persisted_face_id).user_data == "the same again"
    assert persons.delete_face("people", ids[name], second_face.persisted_face_id) is None
    assert len(persons.get("people", ids[name]).persisted_face_ids) == 1
    assert persons.update("people", ids[name], user_data="still drawn") is None
    assert {item.person_id: item.name for item in persons.list("people")} == {ids[name]: name for name in drawn}
    assert len(persons.list("people", start=min(ids.values()), top=2)) == 2

    assert groups.train("people") is None
    training = wait(groups.get_training_status, "people")
    assert training.status is TrainingStatusType.succeeded
    assert training.created <= training.last_action and training.last_successful_training

    for name, (*_, third) in drawn.items():
        (face,) = client.face.detect_with_stream(stream(third))
        (result,) = client.face.identify([face.face_id], **scope, max_num_of_candidates_returned=2)
        assert [item.person_id for item in result.candidates] == [ids[name]]
        assert result.candidates[0].confidence > 0.8
        assert client.face.verify_face_to_person(face.face_id, ids[name], **scope).is_identical
        other = next(id_ for other, id_ in ids.items() if other != name)
        assert not client.face.verify_face_to_person(face.face_id, other, **scope).is_identical

    assert persons.delete("people", ids[name]) is None
    assert refused(lambda: persons.get("people", ids[name])) == (404, "PersonNotFound")
    (result,) = client.face.identify([face.face_id], **scope)
    assert result.candidates == []
    assert groups.delete("people") is None
    assert refused(lambda: groups.get("people")) == (404, f"{code}NotFound")
    assert refused(lambda: client.face.identify([face.face_id], **scope)) == (400, f"{code}NotFound")


@pytest.mark.parametrize("large", [False, True], ids=["face_list", "large_face_list"])
def test_lists(client: FaceClient, drawn: People, large: bool) -> None:
    lists: Any = client.large_face_list if large else client.face_list
    drawn = dict(list(drawn.items())[:2])
    scope = {"large_face_list_id" if large else "face_list_id": "heads"}
    lists.create("heads", name="Heads", user_data="drawn")
    lists.update("heads", user_data="drawn by a program")
    faces = {
        name: lists.add_face_from_stream("heads", stream(first), user_data=name) for name, (first, *_) in drawn.items()
    }
    name, *others = drawn
    again = lists.add_face_from_url("heads", f"https://example.org/{others[0].split()[0].lower()}.jpg")
    lists.delete_face("heads", again.persisted_face_id)
    assert ("Heads", "drawn by a program") in [(item.name, item.user_data) for item in lists.list()]
    if large:
        lists.update_face("heads", faces[name].persisted_face_id, user_data="renamed")
        assert lists.get_face("heads", faces[name].persisted_face_id).user_data == "renamed"
        assert len(lists.list_faces("heads", top=2)) == 2 and len(lists.list_faces("heads")) == len(drawn)
        lists.train("heads")
        assert wait(lists.get_training_status, "heads").status is TrainingStatusType.succeeded
    else:
        kept = {face.persisted_face_id: face.user_data for face in lists.get("heads").persisted_faces}
        assert kept == {face.persisted_face_id: name for name, face in faces.items()}
    (face,) = client.face.detect_with_stream(stream(drawn[name][1]))
    similar = client.face.find_similar(face.face_id, **scope)
    assert [item.persisted_face_id for item in similar] == [faces[name].persisted_face_id]
    every = client.face.find_similar(face.face_id, **scope, mode="matchFace", max_num_of_candidates_returned=3)
    assert [item.confidence for item in every] == sorted((item.confidence for item in every), reverse=True)
    assert len(every) == 2 and every[0].persisted_face_id == faces[name].persisted_face_id
    lists.delete("heads")
    assert lists.list() == []


def test_faces_without_a_collection(client: FaceClient, drawn: People) -> None:
    detected = {
        (name, k): client.face.detect_with_stream(stream(path))[0].face_id
        for name, paths in list(drawn.items())[:2]
        for k, path in enumerate(paths[:2])
    }
    (a1, a2, b1, b2) = detected.values()
    assert client.face.verify_face_to_face(a1, a2).confidence > 0.8
    assert not client.face.verify_face_to_face(a1, b1).is_identical
    assert [item.face_id for item in client.face.find_similar(a1, face_ids=[b1, a2, b2])] == [a2]
    assert len(client.face.find_similar(a1, face_ids=[b1, a2, b2], mode="matchFace")) == 3
    result = client.face.group([a1, b1, a2, b2])
    assert sorted(map(sorted, result.groups)) == sorted([sorted([a1, a2]), sorted([b1, b2])])
    assert result.messy_group == []
    assert client.face.group([a1, b1]).messy_group == [a1, b1]


def test_an_upload_that_fails_in_the_client_does_no_harm(client: FaceClient, drawn: People) -> None:
    path = next(iter(drawn.values()))[0]
    with pytest.raises(AttributeError):
        client.face.detect_with_stream(path.read_bytes())  # the client fails on bytes after it sent the headers
    assert len(client.face.detect_with_stream(stream(path))) == 1


def test_the_client_understands_that_snapshots_are_refused(client: FaceClient) -> None:
    assert refused(lambda: client.snapshot.list()) == (501, "NotImplemented")


def test_a_wrong_key(service: Service) -> None:
    client = FaceClient(service.url, CognitiveServicesCredentials("wrong"))
    assert refused(lambda: client.person_group.list()) == (401, "401")
