"""Detect, identify, verify, find similar, group."""

from __future__ import annotations

import numpy as np
from flask import Blueprint, request

from faces.server import errors
from faces.server.api import face_attributes, inputs, landmark_points
from faces.server.api.context import services
from faces.server.api.inputs import DETECTION_MODELS, RECOGNITION_MODELS, Body
from faces.server.errors import ApiError, answered_with
from faces.server.kinds import FACE_LIST, LARGE_FACE_LIST, LARGE_PERSON_GROUP, PERSON_GROUP, Kind
from faces.server.monitoring.metrics import figures
from faces.server.search.confidence import SAME
from faces.server.search.matching import distance_to_person, groups
from faces.server.store import collections, detected_faces, persons
from faces.types import Floats, Image

recognition = Blueprint("recognition", __name__)

Json = dict[str, object]


@recognition.post("/detect")
def detect() -> list[Json]:
    own = services()
    with_id, with_landmarks = inputs.flag("returnFaceId", True), inputs.flag("returnFaceLandmarks", False)
    wanted = inputs.attributes(face_attributes.NAMES)
    label = inputs.model("recognitionModel", RECOGNITION_MODELS, request.args.get("recognitionModel"))
    told = inputs.flag("returnRecognitionModel", False)
    inputs.model("detectionModel", DETECTION_MODELS, request.args.get("detectionModel"))
    seconds = inputs.seconds_to_live()

    with own.vision.opened(inputs.image(own.fetcher)) as image:
        faces = own.vision.detect(image)
        embeddings = own.vision.embed(image, faces) if with_id else None
        figures().faces.inc(len(faces))
        found: list[Json] = [{} for _ in range(len(faces))]
        if embeddings is not None and len(faces):
            with own.database.write() as session:
                for one, id_ in zip(found, detected_faces.remember(session, embeddings, seconds), strict=True):
                    one["faceId"] = id_
        for one, box in zip(found, faces.xyxy, strict=True):
            one |= ({"recognitionModel": label} if told else {}) | {"faceRectangle": rectangle(box, image)}
        if with_landmarks:
            for one, points in zip(found, landmark_points.landmarks(faces), strict=True):
                named = zip(landmark_points.NAMES, points, strict=True)
                one["faceLandmarks"] = {
                    name: {"x": round(float(x), 1), "y": round(float(y), 1)} for name, (x, y) in named
                }
        if wanted:
            looks = face_attributes.describe(own.vision, image, faces, embeddings, wanted)
            for one, look in zip(found, looks, strict=True):
                one["faceAttributes"] = look
    return found


@recognition.post("/identify")
def identify() -> list[Json]:
    own, body = services(), Body()
    ids = body.face_ids(1, 10)
    kind, id_ = _scope(body)
    number = body.whole("maxNumOfCandidatesReturned", 1, 100, 1)
    least = body.number("confidenceThreshold", 0, 1, SAME)
    with own.database.read() as session, answered_with(400):
        index = own.indexes.of(session, collections.find(session, kind, id_))
        who, distances = index.nearest(detected_faces.find(session, ids), number)
    confidence = own.confidence.among(index.crowd)
    found: list[Json] = []
    for face, persons_, confidences in zip(ids, who, confidence.of(distances), strict=True):
        near = [(str(one), _rounded(c)) for one, c in zip(persons_, confidences, strict=True) if c >= least]
        found.append({"faceId": face, "candidates": [{"personId": one, "confidence": c} for one, c in near]})
        own.audit("identify", collection=f"{kind.route}/{id_}", face=face, persons=",".join(one for one, _ in near))
    return found


@recognition.post("/verify")
def verify() -> Json:
    own, body = services(), Body()
    if "personId" in body:
        face, person = body.guid("faceId", "Face ID"), body.guid("personId", "Person ID")
        kind, id_ = _scope(body)
        with own.database.read() as session:
            with answered_with(400):
                collection = collections.find(session, kind, id_)
            somebody = persons.find(session, collection, person)
            distance = distance_to_person(session, somebody, detected_faces.find(session, [face])[0])
        own.audit("verify", collection=f"{kind.route}/{id_}", face=face, person=somebody.id)
    else:
        both = [body.guid(name, "Face ID") for name in ("faceId1", "faceId2")]
        with own.database.read() as session:
            first, second = detected_faces.find(session, both)
        distance = float(np.linalg.norm(first - second))
    confidence = float(own.confidence.of(np.array(distance, np.float32)))
    return {"isIdentical": confidence >= SAME, "confidence": _rounded(confidence)}


@recognition.post("/findsimilars")
def find_similar() -> list[Json]:
    own, body = services(), Body()
    face = body.guid("faceId", "Face ID")
    number = body.whole("maxNumOfCandidatesReturned", 1, 1000, 20)
    mode = body.choice("mode", ("matchPerson", "matchFace"), "matchPerson", "Mode is invalid.")
    given = [name for name in ("faceIds", FACE_LIST.id_name, LARGE_FACE_LIST.id_name) if name in body]
    if not given:
        raise errors.bad_argument("LargeFaceListId, faceListId and faceIds are all null.")
    if len(given) > 1:
        raise errors.bad_argument("2 or more of largeFaceListId, faceListId and faceIds are not null.")
    least = SAME if mode == "matchPerson" else 0.0
    with own.database.read() as session, answered_with(400):
        probe = detected_faces.find(session, [face])
        if given == ["faceIds"]:
            ids, key = body.face_ids(1, 1000), "faceId"
            others = detected_faces.find(session, ids)
            distances = np.linalg.norm(others - probe, axis=1).astype(np.float32)
            order = np.argsort(distances, kind="stable")[:number]
            nearest, distances = np.array(ids)[order], distances[order]
        else:
            kind, key = FACE_LIST if given == [FACE_LIST.id_name] else LARGE_FACE_LIST, "persistedFaceId"
            index = own.indexes.of(session, collections.find(session, kind, body.collection(kind) or ""))
            (nearest,), (distances,) = index.nearest(probe, number)
    confidences = own.confidence.of(distances)
    found = [(str(id_), _rounded(c)) for id_, c in zip(nearest, confidences, strict=True) if c >= least]
    if given != ["faceIds"]:
        list_ = f"{kind.route}/{body.collection(kind)}"
        own.audit("identify", collection=list_, face=face, faces=",".join(id_ for id_, _ in found))
    return [{key: id_, "confidence": confidence} for id_, confidence in found]


@recognition.post("/group")
def group() -> Json:
    own, ids = services(), Body().face_ids(2, 1000)
    ids = list(dict.fromkeys(ids))
    with own.database.read() as session, answered_with(400):
        vectors = detected_faces.find(session, ids)
    alike = [[ids[row] for row in rows] for rows in groups(vectors, own.confidence.middle)]
    return {
        "groups": [some for some in alike if len(some) > 1],
        "messyGroup": [one for some in alike if len(some) == 1 for one in some],
    }


def rectangle(box: Floats, image: Image) -> dict[str, int]:
    """A box (4,) as far as it is in the image."""
    height, width = image.shape[:2]
    left, top, right, bottom = np.clip(np.round(box), 0, [width, height, width, height]).astype(int).tolist()
    return {"top": top, "left": left, "width": right - left, "height": bottom - top}


def _scope(body: Body) -> tuple[Kind, str]:
    """The one group, of either kind, that a request names."""
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


def _rounded(confidence: float) -> float:
    return round(float(confidence), 5)
