"""Routes that detect, identify, verify and group faces, and that find similar ones."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from flask import Blueprint, request
from numpy.typing import NDArray

from faces.recognition.assignment import NEAREST
from faces.recognition.distances import People
from faces.server import errors, limits
from faces.server.api import face_attributes, inputs, landmark_points
from faces.server.api.context import services
from faces.server.api.inputs import DETECTION_MODELS, RECOGNITION_MODELS, Body
from faces.server.api.replies import Json
from faces.server.api.versions import spelled
from faces.server.errors import ApiError, not_found_as
from faces.server.kinds import FACE_LIST, LARGE_FACE_LIST, LARGE_PERSON_GROUP, PERSON_GROUP, Kind
from faces.server.monitoring.metrics import current_metrics
from faces.server.search.chance import Chance
from faces.server.search.confidence import SAME_PERSON
from faces.server.search.index import Index
from faces.server.search.matching import faces_of, group_faces, nobody, one_each
from faces.server.search.refusals import Refusals
from faces.server.store import collections, detected_faces, persons
from faces.types import Floats, Image

recognition = Blueprint("recognition", __name__)


@recognition.post("/detect")
def detect() -> list[Json]:
    """Detect the faces in an image and describe each, the largest first."""
    own = services()
    with_id, with_landmarks = inputs.flag("returnFaceId", True), inputs.flag("returnFaceLandmarks", False)
    refused = face_attributes.UNMEASURED if own.strict_attributes else ()
    requested = inputs.attributes(face_attributes.NAMES, refused)
    model = inputs.model("recognitionModel", RECOGNITION_MODELS, request.args.get("recognitionModel"))
    with_model = inputs.flag("returnRecognitionModel", False)
    inputs.model("detectionModel", DETECTION_MODELS, request.args.get("detectionModel"))
    seconds = inputs.detected_face_seconds()

    with own.vision.open_image(inputs.image(own.fetcher)) as image:
        faces, embeddings = own.vision.find(image) if with_id else (own.vision.detect(image), None)
        current_metrics().faces.inc(len(faces))
        answers: list[Json] = [{} for _ in range(len(faces))]
        if embeddings is not None and len(faces):
            with own.database.write() as session:
                ids = detected_faces.remember(session, embeddings, seconds)
            for answer, id_ in zip(answers, ids, strict=True):
                answer["faceId"] = id_
        for answer, box in zip(answers, faces.xyxy, strict=True):
            answer |= ({"recognitionModel": model} if with_model else {}) | {"faceRectangle": rectangle(box, image)}
        if with_landmarks:
            points_of_faces = landmark_points.landmarks(faces, own.vision.meshes(image, faces))
            for answer, points in zip(answers, points_of_faces, strict=True):
                answer["faceLandmarks"] = {
                    name: {"x": round(float(x), 1), "y": round(float(y), 1)}
                    for name, (x, y) in zip(landmark_points.NAMES, points, strict=True)
                }
        if requested:
            attributes = face_attributes.describe(own.vision, image, faces, embeddings, requested)
            for answer, values in zip(answers, attributes, strict=True):
                answer["faceAttributes"] = spelled(values)
    return answers


@recognition.post("/identify")
def identify() -> list[Json]:
    """Find the persons of a group who match each detected face."""
    own, body = services(), Body()
    face_ids = body.face_ids(limits.FACES_TO_IDENTIFY)
    kind, group_id = _group_of(body)
    number = body.integer("maxNumOfCandidatesReturned", limits.IDENTIFY_CANDIDATES)
    threshold = body.number("confidenceThreshold", limits.CONFIDENCE, SAME_PERSON)
    exclusive = inputs.flag("exclusive", False)
    with own.database.read() as session, not_found_as(400):
        index = own.indexes.of(session, collections.find(session, kind, group_id))
        searched = max(number, NEAREST) if exclusive else number
        probes = detected_faces.find(session, face_ids)
        found = index.search(probes, searched) if index else nobody(len(probes))
    values = own.confidence.of(found.distance, found.expected)
    given = _given(found.ids, one_each(found.ids, values, threshold)) if exclusive else {}
    answers: list[Json] = []
    for row, (face, ids, confidences) in enumerate(zip(face_ids, found.ids, values, strict=True)):
        own_candidates = [
            (str(id_), _rounded(c))
            for id_, c in zip(ids, confidences, strict=True)
            if id_ and c >= threshold and given.get(str(id_), row) == row
        ]
        matches = own_candidates[:number]
        answers.append({"faceId": face, "candidates": [{"personId": id_, "confidence": c} for id_, c in matches]})
        persons_ = ",".join(id_ for id_, _ in matches)
        own.audit("identify", collection=f"{kind.route}/{group_id}", face=face, persons=persons_)
    return answers


@recognition.post("/verify")
def verify() -> Json:
    """Compare two detected faces, or a detected face with a person."""
    own, body = services(), Body()
    chance: Chance | None = None
    if "personId" in body:
        face_id, person_id = body.guid("faceId", "Face ID"), body.guid("personId", "Person ID")
        kind, group_id = _group_of(body)
        with own.database.read() as session:
            with not_found_as(400):
                group = collections.find(session, kind, group_id)
            person = persons.find(session, group, person_id)
            known, probe = faces_of(session, person), detected_faces.find(session, [face_id])
            refused = Refusals.load(session, group, person).refuse(person.id, probe)[0]
            with suppress(ApiError):  # not trained
                index = own.indexes.of(session, group)
                chance = index.chance if index else None
        own.audit("verify", collection=f"{kind.route}/{group_id}", face=face_id, person=person.id)
        if refused:
            return {"isIdentical": False, "confidence": 0.0}
    else:
        face_ids = [body.guid(name, "Face ID") for name in ("faceId1", "faceId2")]
        with own.database.read() as session:
            pair = detected_faces.find(session, face_ids)
        known, probe = People.of(pair[1:], np.zeros(1, np.intp)), pair[:1]
    confidence = own.confidence.verified(probe, known, chance)
    return {"isIdentical": confidence >= SAME_PERSON, "confidence": _rounded(confidence)}


@recognition.post("/findsimilars")
def find_similar() -> list[Json]:
    """Find the faces most similar to a detected one, in a face list or among other detected faces."""
    own, body = services(), Body()
    face = body.guid("faceId", "Face ID")
    number = body.integer("maxNumOfCandidatesReturned", limits.SIMILAR_FACES)
    mode = body.choice("mode", ("matchPerson", "matchFace"), "matchPerson", "Mode is invalid.")
    sources = [name for name in ("faceIds", FACE_LIST.id_name, LARGE_FACE_LIST.id_name) if name in body]
    if not sources:
        raise errors.bad_argument("LargeFaceListId, faceListId and faceIds are all null.")
    if len(sources) > 1:
        raise errors.bad_argument("2 or more of largeFaceListId, faceListId and faceIds are not null.")
    threshold = SAME_PERSON if mode == "matchPerson" else 0.0
    with own.database.read() as session, not_found_as(400):
        probe = detected_faces.find(session, [face])
        if sources == ["faceIds"]:
            ids, id_name = body.face_ids(limits.FACES_TO_COMPARE), "faceId"
            each = np.arange(len(ids))
            known = Index(each, np.array(ids), People.of(detected_faces.find(session, ids), each))
            chance = Chance.without_gallery(len(ids), own.confidence.embedder)
            found = known.search(probe, number, None, chance)
        else:
            kind, id_name = FACE_LIST if sources == [FACE_LIST.id_name] else LARGE_FACE_LIST, "persistedFaceId"
            index = own.indexes.of(session, collections.find(session, kind, body.collection(kind) or ""))
            assert index is not None  # a list without faces is an error
            found = index.search(probe, number)
    (confidences,) = own.confidence.of(found.distance, found.expected)
    matches = [(str(id_), _rounded(c)) for id_, c in zip(found.ids[0], confidences, strict=True) if c >= threshold]
    if sources != ["faceIds"]:
        face_list = f"{kind.route}/{body.collection(kind)}"
        own.audit("identify", collection=face_list, face=face, faces=",".join(id_ for id_, _ in matches))
    return [{id_name: id_, "confidence": confidence} for id_, confidence in matches]


@recognition.post("/group")
def group() -> Json:
    """Group detected faces by person."""
    own, ids = services(), Body().face_ids(limits.FACES_TO_GROUP)
    ids = list(dict.fromkeys(ids))
    with own.database.read() as session, not_found_as(400):
        embeddings = detected_faces.find(session, ids)
    groups = [[ids[row] for row in rows] for rows in group_faces(embeddings, own.confidence.limits(embeddings))]
    return {
        "groups": [members for members in groups if len(members) > 1],
        "messyGroup": [members[0] for members in groups if len(members) == 1],
    }


def rectangle(box: Floats, image: Image) -> dict[str, int]:
    """Return a box as ``faceRectangle``, clipped to the image. box: (4,), px."""
    height, width = image.shape[:2]
    left, top, right, bottom = np.clip(np.round(box), 0, [width, height, width, height]).astype(int).tolist()
    return {"top": top, "left": left, "width": right - left, "height": bottom - top}


def _group_of(body: Body) -> tuple[Kind, str]:
    """Return the kind and id of the person group that a request names; it must name exactly one."""
    small, large = body.collection(PERSON_GROUP), body.collection(LARGE_PERSON_GROUP)
    if small and large:
        message = "Large person group ID and person group ID are both not null."
        raise ApiError(400, "PersonGroupIdAndLargePersonGroupIdBothNotNull", message)
    if small:
        return PERSON_GROUP, small
    if large:
        return LARGE_PERSON_GROUP, large
    message = "Large person group ID and person group ID are both null."
    raise ApiError(400, "PersonGroupIdAndLargePersonGroupIdBothNull", message)


def _given(person_ids: NDArray[np.str_], column: NDArray[np.intp]) -> dict[str, int]:
    """Return the row of the face that each person was given to."""
    return {str(person_ids[row, k]): row for row, k in enumerate(column.tolist()) if k >= 0}


def _rounded(confidence: float) -> float:
    return round(float(confidence), 5)
