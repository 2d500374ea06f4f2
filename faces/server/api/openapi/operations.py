"""What each route of the Face API does, by the name of its function: what it takes, what it answers, what may be wrong.

Which routes there are, and for which kinds, the application itself knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from faces.server.api import face_attributes, inputs
from faces.server.api.openapi.schemas import FLAG, MODEL, Schema, collection_name, ref, several, text
from faces.server.kinds import KINDS, Kind

OfKind = Schema | Callable[[Kind], Schema] | None
"""A schema, or which one a kind has."""


@dataclass(frozen=True, slots=True)
class Operation:
    """answer, body: None where they are empty. query: names of ``QUERY``.
    picture: whether it takes one, or its address. wrong: statuses besides those that every operation has."""

    summary: str
    answer: OfKind = None
    status: int = 200
    body: OfKind = None
    needs_body: bool = True
    query: tuple[str, ...] = ()
    picture: bool = False
    wrong: tuple[int, ...] = ()


def _change(kind: Kind) -> Schema:
    return ref("NameOrUserData" if kind.is_large else "NameAndUserData")


def _words(words: tuple[str, ...]) -> Schema:
    return {"type": "string", "enum": list(words)}


QUERY: dict[str, Schema] = {
    "returnFaceId": {**FLAG, "default": True},
    "returnFaceLandmarks": {**FLAG, "default": False},
    "returnFaceAttributes": several({"type": "string", "enum": list(face_attributes.NAMES)}),
    "recognitionModel": MODEL,
    "returnRecognitionModel": {**FLAG, "default": False},
    "detectionModel": _words(inputs.DETECTION_MODELS),
    "faceIdTimeToLive": {"type": "integer", "minimum": 60, "maximum": 86_400, "default": 86_400},
    "start": {"type": "string", "maxLength": inputs.LONGEST_ID},
    "top": {"type": "integer", "minimum": 1, "maximum": inputs.MOST_LISTED, "default": inputs.MOST_LISTED},
    "userData": text(inputs.LONGEST_FACE_DATA),
    "targetFace": {"type": "string", "pattern": "^[0-9]{1,6},[0-9]{1,6},[1-9][0-9]{0,5},[1-9][0-9]{0,5}$"},
}
PAGE = ("start", "top")
LABEL = ("returnRecognitionModel",)

OPERATIONS: dict[str, Operation] = {
    "recognition.detect": Operation(
        "Find the faces of a picture, the largest first",
        several(ref("DetectedFace"), most=100),
        picture=True,
        query=(
            "returnFaceId",
            "returnFaceLandmarks",
            "returnFaceAttributes",
            "recognitionModel",
            "returnRecognitionModel",
            "detectionModel",
            "faceIdTimeToLive",
        ),
        wrong=(507,),
    ),
    "recognition.identify": Operation(
        "Who in a group detected faces are",
        several(ref("Identified"), most=10),
        body=ref("Identify"),
        wrong=(409,),
    ),
    "recognition.verify": Operation(
        "Whether two faces are the same person's, or a face is a certain person's",
        ref("Verified"),
        body={"anyOf": [ref("VerifyFaces"), ref("VerifyPerson")]},
        wrong=(404,),
    ),
    "recognition.find_similar": Operation(
        "Faces like a detected one, among other detected ones or in a list",
        several(ref("SimilarFace"), most=1000),
        body=ref("FindSimilar"),
        wrong=(409,),
    ),
    "recognition.group": Operation("Which detected faces are alike", ref("Groups"), body=ref("Group")),
    "collection.create": Operation("Make a {kind}", body=ref("NewCollection"), wrong=(403, 409, 507)),
    "collection.list_all": Operation(
        "List every {kind}",
        lambda kind: several(ref(collection_name(kind)), most=inputs.MOST_LISTED),
        query=(*PAGE, *LABEL),
    ),
    "collection.get": Operation("Get a {kind}", lambda kind: ref(collection_name(kind)), query=LABEL, wrong=(404,)),
    "collection.update": Operation("Change a {kind}", body=_change, wrong=(404, 507)),
    "collection.delete": Operation("Erase a {kind}, with everything in it", wrong=(404, 507)),
    "collection.train": Operation("Train a {kind}, so that new faces are found", status=202, wrong=(404, 409, 507)),
    "collection.training": Operation("How the training of a {kind} goes", ref("TrainingStatus"), wrong=(404,)),
    "person.create": Operation(
        "Add a person to a {kind}",
        ref("PersonId"),
        body=ref("NameAndUserData"),
        needs_body=False,
        wrong=(403, 404, 507),
    ),
    "person.list_all": Operation(
        "List the persons of a {kind}", several(ref("Person"), most=inputs.MOST_LISTED), query=PAGE, wrong=(404,)
    ),
    "person.get": Operation("Get a person", ref("Person"), wrong=(404,)),
    "person.update": Operation("Change a person", body=_change, wrong=(404, 507)),
    "person.delete": Operation("Erase a person, with all faces", wrong=(404, 507)),
    "person.add_face": Operation(
        "Enrol the one face of a picture",
        ref("PersistedFaceId"),
        picture=True,
        query=("userData", "targetFace", "detectionModel"),
        wrong=(403, 404, 507),
    ),
    "person.list_faces": Operation(
        "List the faces of a {kind}", several(ref("PersistedFace"), most=inputs.MOST_LISTED), query=PAGE, wrong=(404,)
    ),
    "person.get_face": Operation("Get a face", ref("PersistedFace"), wrong=(404,)),
    "person.update_face": Operation("Change the user data of a face", body=ref("UserData"), wrong=(404, 507)),
    "person.delete_face": Operation("Erase a face", wrong=(404, 507)),
}
RECOGNITION = "recognition"
TAGS = [RECOGNITION, *(kind.words.lower() for kind in KINDS.values())]
