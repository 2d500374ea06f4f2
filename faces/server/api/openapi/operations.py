"""The operations of the API, by endpoint: what each takes and answers, and its possible errors.

The application itself knows which routes there are, and for which kinds of collection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from faces.server import limits
from faces.server.api import face_attributes, inputs
from faces.server.api.openapi.schemas import FLAG, MODEL, Schema, array, choice, collection_name, integer, ref, text
from faces.server.kinds import KINDS, Kind

SchemaOfKind = Schema | Callable[[Kind], Schema] | None
"""A schema, or the function that returns the schema for a kind of collection."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the API.

    summary: one line; ``{kind}`` stands for the kind of collection.
    answer: the schema of the answer; None if it is empty.
    status: the HTTP status of success.
    body: the schema of the JSON body; None if there is none.
    needs_body: whether the body is required.
    query: names of parameters in ``QUERY``.
    image: whether it takes an image or its URL.
    errors: HTTP statuses besides ``document.COMMON_ERRORS``.
    """

    summary: str
    answer: SchemaOfKind = None
    status: int = 200
    body: SchemaOfKind = None
    needs_body: bool = True
    query: tuple[str, ...] = ()
    image: bool = False
    errors: tuple[int, ...] = ()


def _change(kind: Kind) -> Schema:
    return ref("NameOrUserData" if kind.is_large else "NameAndUserData")


QUERY: dict[str, Schema] = {
    "returnFaceId": {**FLAG, "default": True},
    "returnFaceLandmarks": {**FLAG, "default": False},
    "returnFaceAttributes": array(choice(*face_attributes.NAMES)),
    "recognitionModel": MODEL,
    "returnRecognitionModel": {**FLAG, "default": False},
    "detectionModel": choice(*inputs.DETECTION_MODELS),
    "faceIdTimeToLive": integer(limits.DETECTED_FACE_SECONDS),
    "exclusive": {**FLAG, "default": False, "description": "Give each person to one of the faces at most."},
    "start": {"type": "string", "maxLength": limits.MAX_COLLECTION_ID},
    "top": integer(limits.LISTED),
    "userData": text(limits.MAX_FACE_USER_DATA),
    "targetFace": {"type": "string", "pattern": "^[0-9]{1,6},[0-9]{1,6},[1-9][0-9]{0,5},[1-9][0-9]{0,5}$"},
}
PAGE = ("start", "top")
WITH_MODEL = ("returnRecognitionModel",)


def _page_of(items: Schema) -> Schema:
    return array(items, max_items=limits.LISTED.high)


OPERATIONS: dict[str, Operation] = {
    "recognition.detect": Operation(
        "Detect the faces in an image, the largest first",
        array(ref("DetectedFace"), max_items=limits.MAX_DETECTED_FACES),
        image=True,
        query=(
            "returnFaceId",
            "returnFaceLandmarks",
            "returnFaceAttributes",
            "recognitionModel",
            "returnRecognitionModel",
            "detectionModel",
            "faceIdTimeToLive",
        ),
        errors=(507,),
    ),
    "recognition.identify": Operation(
        "Identify detected faces in a group",
        array(ref("Identified"), max_items=limits.FACES_TO_IDENTIFY.high),
        body=ref("Identify"),
        query=("exclusive",),
        errors=(409,),
    ),
    "recognition.verify": Operation(
        "Compare two detected faces, or a detected face with a person",
        ref("Verified"),
        body={"anyOf": [ref("VerifyFaces"), ref("VerifyPerson")]},
        errors=(404,),
    ),
    "recognition.find_similar": Operation(
        "Find the faces most similar to a detected one, among other detected faces or in a list",
        array(ref("SimilarFace"), max_items=limits.SIMILAR_FACES.high),
        body=ref("FindSimilar"),
        errors=(409,),
    ),
    "recognition.group": Operation("Group detected faces by person", ref("Groups"), body=ref("Group")),
    "collection.create": Operation("Create a {kind}", body=ref("NewCollection"), errors=(403, 409, 507)),
    "collection.list_all": Operation(
        "List every {kind}",
        lambda kind: _page_of(ref(collection_name(kind))),
        query=(*PAGE, *WITH_MODEL),
    ),
    "collection.get": Operation(
        "Get a {kind}", lambda kind: ref(collection_name(kind)), query=WITH_MODEL, errors=(404,)
    ),
    "collection.update": Operation("Change a {kind}", body=_change, errors=(404, 507)),
    "collection.delete": Operation("Erase a {kind} with everything in it", errors=(404, 507)),
    "collection.train": Operation("Train a {kind}, so that new faces are searched", status=202, errors=(404, 409, 507)),
    "collection.training": Operation(
        "Get the status of the training of a {kind}", ref("TrainingStatus"), errors=(404,)
    ),
    "person.create": Operation(
        "Add a person to a {kind}",
        ref("PersonId"),
        body=ref("NameAndUserData"),
        needs_body=False,
        errors=(403, 404, 507),
    ),
    "person.list_all": Operation("List the persons of a {kind}", _page_of(ref("Person")), query=PAGE, errors=(404,)),
    "person.get": Operation("Get a person", ref("Person"), errors=(404,)),
    "person.update": Operation("Change a person", body=_change, errors=(404, 507)),
    "person.delete": Operation("Erase a person with all faces", errors=(404, 507)),
    "person.add_face": Operation(
        "Enrol the face of an image",
        ref("PersistedFaceId"),
        image=True,
        query=("userData", "targetFace", "detectionModel"),
        errors=(403, 404, 507),
    ),
    "person.list_faces": Operation(
        "List the faces of a {kind}", _page_of(ref("PersistedFace")), query=PAGE, errors=(404,)
    ),
    "person.get_face": Operation("Get a face", ref("PersistedFace"), errors=(404,)),
    "person.update_face": Operation("Change the user data of a face", body=ref("UserData"), errors=(404, 507)),
    "person.delete_face": Operation("Erase a face", errors=(404, 507)),
}
RECOGNITION = "recognition"
TAGS = [RECOGNITION, *(kind.title.lower() for kind in KINDS.values())]
