"""Components of the description: what requests say and what answers hold, with the limits that the server checks."""

from __future__ import annotations

from faces.server.api import face_attributes, inputs, landmark_points
from faces.server.kinds import FACE_LIST, KINDS, LARGE_FACE_LIST, LARGE_PERSON_GROUP, PERSON_GROUP, Kind

Schema = dict[str, object]

STORABLE = r"^[^\u0000]*$"
UUID: Schema = {"type": "string", "format": "uuid"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
COUNTED: Schema = {"type": "integer", "minimum": 0}
TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
DATE_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
ID: Schema = {"type": "string", "pattern": f"^{inputs.ID.pattern}$"}
MODEL: Schema = {"type": "string", "enum": list(inputs.RECOGNITION_MODELS)}
PICTURE: Schema = {"type": "string", "format": "binary", "description": "JPEG, PNG, GIF or BMP; 1 KB to 6 MB"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def several(items: Schema, least: int | None = None, most: int | None = None) -> Schema:
    limits = {name: limit for name, limit in (("minItems", least), ("maxItems", most)) if limit is not None}
    return {"type": "array", "items": items, **limits}


def text(longest: int, shortest: int = 0) -> Schema:
    least = {"minLength": shortest} if shortest else {}
    return {"type": "string", "maxLength": longest, "pattern": STORABLE, **least}


def choice(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def answer(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """An object of an answer: with nothing else in it."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def said(required: dict[str, Schema], optional: dict[str, Schema] | None = None, **more: object) -> Schema:
    """An object of a request: what may be left out may be null, too."""
    nullable = {name: _or_null(schema) for name, schema in (optional or {}).items()}
    needed = {"required": list(required)} if required else {}
    return {"type": "object", **needed, "properties": {**required, **nullable}, **more}


def collection_name(kind: Kind) -> str:
    """Of a kind's schema, such as ``PersonGroup``."""
    return kind.code


def components() -> dict[str, Schema]:
    """By name, in the order in which they are read best."""
    return {**_requests(), **_answers(), **_looks()}


def _or_null(schema: Schema) -> Schema:
    nullable: Schema = {**schema, "type": [schema["type"], "null"]}
    if isinstance(words := schema.get("enum"), list):
        nullable["enum"] = [*words, None]
    return nullable


def _one_of(*names: str) -> list[Schema]:
    """The one that is named; null does not count."""
    named: list[Schema] = [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in names]
    return named


def _requests() -> dict[str, Schema]:
    name, data = text(inputs.LONGEST_NAME, 1), text(inputs.LONGEST_DATA)
    group = {PERSON_GROUP.id_name: ID, LARGE_PERSON_GROUP.id_name: ID}
    return {
        "NewCollection": said({"name": name}, {"userData": data, "recognitionModel": MODEL}),
        "NameAndUserData": said({}, {"name": name, "userData": data}),
        "NameOrUserData": said({}, {"name": name, "userData": data}, anyOf=_one_of("name", "userData")),
        "UserData": said({}, {"userData": text(inputs.LONGEST_FACE_DATA)}),
        "ImageUrl": said({"url": {"type": "string", "format": "uri", "maxLength": 2048}}),
        "Identify": said(
            {"faceIds": several(UUID, 1, 10)},
            {
                **group,
                "confidenceThreshold": SHARE,
                "maxNumOfCandidatesReturned": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1},
            },
            oneOf=_one_of(*group),
        ),
        "VerifyFaces": said({"faceId1": UUID, "faceId2": UUID}),
        "VerifyPerson": said({"faceId": UUID, "personId": UUID}, {**group}, oneOf=_one_of(*group)),
        "FindSimilar": said(
            {"faceId": UUID},
            {
                "faceIds": several(UUID, 1, 1000),
                FACE_LIST.id_name: ID,
                LARGE_FACE_LIST.id_name: ID,
                "maxNumOfCandidatesReturned": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 20},
                "mode": choice("matchPerson", "matchFace"),
            },
            oneOf=_one_of("faceIds", FACE_LIST.id_name, LARGE_FACE_LIST.id_name),
        ),
        "Group": said({"faceIds": several(UUID, 2, 1000)}),
    }


def _answers() -> dict[str, Schema]:
    collections = {
        collection_name(kind): answer(
            {kind.id_name: ID, "name": TEXT, "userData": TEXT_OR_NULL},
            {"recognitionModel": MODEL}
            | ({"persistedFaces": several(ref("PersistedFace"), most=kind.capacity)} if kind is FACE_LIST else {}),
        )
        for kind in KINDS.values()
    }
    point = answer({"x": NUMBER, "y": NUMBER})
    return collections | {
        "Person": answer(
            {"personId": UUID, "persistedFaceIds": several(UUID), "name": TEXT_OR_NULL, "userData": TEXT_OR_NULL}
        ),
        "PersonId": answer({"personId": UUID}),
        "PersistedFace": answer({"persistedFaceId": UUID, "userData": TEXT_OR_NULL}),
        "PersistedFaceId": answer({"persistedFaceId": UUID}),
        "TrainingStatus": answer(
            {
                "status": choice("nonstarted", "running", "succeeded", "failed"),
                "createdDateTime": DATE_OR_NULL,
                "lastActionDateTime": DATE_OR_NULL,
                "lastSuccessfulTrainingDateTime": DATE_OR_NULL,
                "message": TEXT_OR_NULL,
            }
        ),
        "DetectedFace": answer(
            {"faceRectangle": answer(dict.fromkeys(("top", "left", "width", "height"), COUNTED))},
            {
                "faceId": UUID,
                "recognitionModel": MODEL,
                "faceLandmarks": answer(dict.fromkeys(landmark_points.NAMES, point)),
                "faceAttributes": ref("FaceAttributes"),
            },
        ),
        "Identified": answer(
            {"faceId": UUID, "candidates": several(answer({"personId": UUID, "confidence": SHARE}), most=100)}
        ),
        "Verified": answer({"isIdentical": FLAG, "confidence": SHARE}),
        "SimilarFace": answer({"confidence": SHARE}, {"faceId": UUID, "persistedFaceId": UUID}),
        "Groups": answer({"groups": several(several(UUID, 2)), "messyGroup": several(UUID)}),
        "Error": answer({"error": answer({"code": TEXT, "message": TEXT})}),
    }


def _looks() -> dict[str, Schema]:
    feelings = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
    looks: dict[str, Schema] = {
        "age": {"type": "number", "minimum": 0},
        "gender": choice("male", "female"),
        "headPose": answer(dict.fromkeys(("pitch", "roll", "yaw"), NUMBER)),
        "smile": SHARE,
        "glasses": choice("NoGlasses", "ReadingGlasses", "Sunglasses"),
        "emotion": answer(dict.fromkeys(feelings, SHARE)),
        "accessories": several(answer({"type": choice("glasses"), "confidence": SHARE}), most=1),
        "blur": answer({"blurLevel": choice("low", "medium", "high"), "value": SHARE}),
        "exposure": answer({"exposureLevel": choice("underExposure", "goodExposure", "overExposure"), "value": SHARE}),
        "noise": answer({"noiseLevel": choice("low", "medium", "high"), "value": SHARE}),
        "qualityForRecognition": choice("Low", "Medium", "High"),
    }
    assert set(looks) <= set(face_attributes.NAMES)
    return {"FaceAttributes": answer({}, looks)}
