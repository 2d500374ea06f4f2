"""The schemas of the OpenAPI description: what requests and answers hold, with the limits that the routes check."""

from __future__ import annotations

from faces.server import limits
from faces.server.api import face_attributes, inputs, landmark_points
from faces.server.kinds import FACE_LIST, KINDS, LARGE_FACE_LIST, LARGE_PERSON_GROUP, PERSON_GROUP, Kind
from faces.server.limits import Range

Schema = dict[str, object]

STORABLE = r"^[^\u0000]*$"
UUID: Schema = {"type": "string", "format": "uuid"}
FRACTION: Schema = {"type": "number", "minimum": 0, "maximum": 1}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
NON_NEGATIVE: Schema = {"type": "integer", "minimum": 0}
TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
DATE_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
ID: Schema = {"type": "string", "pattern": f"^{inputs.COLLECTION_ID.pattern}$"}
MODEL: Schema = {"type": "string", "enum": list(inputs.RECOGNITION_MODELS)}
IMAGE: Schema = {
    "type": "string",
    "format": "binary",
    "description": (
        "JPEG, PNG, GIF, BMP, WebP, AVIF, HEIC or TIFF;"
        f" {limits.MIN_IMAGE_BYTES >> 10} KB to {limits.MAX_IMAGE_BYTES >> 20} MB"
    ),
}


def ref(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema, min_items: int | None = None, max_items: int | None = None) -> Schema:
    """Return the schema of a list."""
    bounds = {"minItems": min_items, "maxItems": max_items}
    return {"type": "array", "items": items, **{name: bound for name, bound in bounds.items() if bound is not None}}


def array_within(items: Schema, length: Range) -> Schema:
    """Return the schema of a list whose length has bounds."""
    return array(items, length.low, length.high)


def integer(bounds: Range) -> Schema:
    """Return the schema of a whole number within bounds, with their default."""
    return {"type": "integer", "minimum": bounds.low, "maximum": bounds.high, "default": bounds.default}


def text(max_length: int, min_length: int = 0) -> Schema:
    """Return the schema of a text without NUL, which databases cannot store. Lengths are in characters."""
    shortest = {"minLength": min_length} if min_length else {}
    return {"type": "string", "maxLength": max_length, "pattern": STORABLE, **shortest}


def choice(*words: str) -> Schema:
    """Return the schema of a text that is one of these words."""
    return {"type": "string", "enum": list(words)}


def answer_object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Return the schema of an object in an answer, which has no other properties."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def request_object(
    required: dict[str, Schema], optional: dict[str, Schema] | None = None, **keywords: object
) -> Schema:
    """Return the schema of an object in a request. Optional properties may be null. keywords: more of JSON Schema."""
    nullable = {name: _or_null(schema) for name, schema in (optional or {}).items()}
    needed = {"required": list(required)} if required else {}
    return {"type": "object", **needed, "properties": {**required, **nullable}, **keywords}


def collection_name(kind: Kind) -> str:
    """Return the name of a kind's schema, such as ``PersonGroup``."""
    return kind.code


def components() -> dict[str, Schema]:
    """Return all schemas by name, in reading order."""
    return {**_requests(), **_answers(), **_attributes()}


def _or_null(schema: Schema) -> Schema:
    nullable: Schema = {**schema, "type": [schema["type"], "null"]}
    if isinstance(words := schema.get("enum"), list):
        nullable["enum"] = [*words, None]
    return nullable


def _each_present(*names: str) -> list[Schema]:
    """Return a schema for each property that requires it to be present and not null."""
    return [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in names]


def _requests() -> dict[str, Schema]:
    name, data = text(limits.MAX_NAME, 1), text(limits.MAX_USER_DATA)
    group = {PERSON_GROUP.id_name: ID, LARGE_PERSON_GROUP.id_name: ID}
    return {
        "NewCollection": request_object({"name": name}, {"userData": data, "recognitionModel": MODEL}),
        "NameAndUserData": request_object({}, {"name": name, "userData": data}),
        "NameOrUserData": request_object({}, {"name": name, "userData": data}, anyOf=_each_present("name", "userData")),
        "UserData": request_object({}, {"userData": text(limits.MAX_FACE_USER_DATA)}),
        "ImageUrl": request_object({"url": {"type": "string", "format": "uri", "maxLength": limits.MAX_URL}}),
        "Identify": request_object(
            {"faceIds": array_within(UUID, limits.FACES_TO_IDENTIFY)},
            {
                **group,
                "confidenceThreshold": {
                    "type": "number",
                    "minimum": limits.CONFIDENCE.low,
                    "maximum": limits.CONFIDENCE.high,
                },
                "maxNumOfCandidatesReturned": integer(limits.IDENTIFY_CANDIDATES),
            },
            oneOf=_each_present(*group),
        ),
        "VerifyFaces": request_object({"faceId1": UUID, "faceId2": UUID}),
        "VerifyPerson": request_object({"faceId": UUID, "personId": UUID}, {**group}, oneOf=_each_present(*group)),
        "FindSimilar": request_object(
            {"faceId": UUID},
            {
                "faceIds": array_within(UUID, limits.FACES_TO_COMPARE),
                FACE_LIST.id_name: ID,
                LARGE_FACE_LIST.id_name: ID,
                "maxNumOfCandidatesReturned": integer(limits.SIMILAR_FACES),
                "mode": choice("matchPerson", "matchFace"),
            },
            oneOf=_each_present("faceIds", FACE_LIST.id_name, LARGE_FACE_LIST.id_name),
        ),
        "Group": request_object({"faceIds": array_within(UUID, limits.FACES_TO_GROUP)}),
    }


def _answers() -> dict[str, Schema]:
    collections = {
        collection_name(kind): answer_object(
            {kind.id_name: ID, "name": TEXT, "userData": TEXT_OR_NULL},
            {"recognitionModel": MODEL}
            | ({"persistedFaces": array(ref("PersistedFace"), max_items=kind.capacity)} if kind is FACE_LIST else {}),
        )
        for kind in KINDS.values()
    }
    point = answer_object({"x": NUMBER, "y": NUMBER})
    candidate = answer_object({"personId": UUID, "confidence": FRACTION})
    return collections | {
        "Person": answer_object(
            {"personId": UUID, "persistedFaceIds": array(UUID), "name": TEXT_OR_NULL, "userData": TEXT_OR_NULL}
        ),
        "PersonId": answer_object({"personId": UUID}),
        "PersistedFace": answer_object({"persistedFaceId": UUID, "userData": TEXT_OR_NULL}),
        "PersistedFaceId": answer_object({"persistedFaceId": UUID}),
        "TrainingStatus": answer_object(
            {
                "status": choice("nonstarted", "running", "succeeded", "failed"),
                "createdDateTime": DATE_OR_NULL,
                "lastActionDateTime": DATE_OR_NULL,
                "lastSuccessfulTrainingDateTime": DATE_OR_NULL,
                "message": TEXT_OR_NULL,
            }
        ),
        "DetectedFace": answer_object(
            {"faceRectangle": answer_object(dict.fromkeys(("top", "left", "width", "height"), NON_NEGATIVE))},
            {
                "faceId": UUID,
                "recognitionModel": MODEL,
                "faceLandmarks": answer_object(dict.fromkeys(landmark_points.NAMES, point)),
                "faceAttributes": ref("FaceAttributes"),
            },
        ),
        "Identified": answer_object(
            {"faceId": UUID, "candidates": array(candidate, max_items=limits.IDENTIFY_CANDIDATES.high)}
        ),
        "Verified": answer_object({"isIdentical": FLAG, "confidence": FRACTION}),
        "SimilarFace": answer_object({"confidence": FRACTION}, {"faceId": UUID, "persistedFaceId": UUID}),
        "Groups": answer_object({"groups": array(array(UUID, 2)), "messyGroup": array(UUID)}),
        "Error": answer_object({"error": answer_object({"code": TEXT, "message": TEXT})}),
    }


def _attributes() -> dict[str, Schema]:
    emotions = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
    accessory = answer_object({"type": choice("glasses", "headWear"), "confidence": FRACTION})
    hair_color = answer_object({"color": choice(*face_attributes.HAIR_COLORS), "confidence": FRACTION})
    exposure = choice("underExposure", "goodExposure", "overExposure")
    attributes: dict[str, Schema] = {
        "age": {"type": "number", "minimum": 0},
        "gender": choice("male", "female"),
        "headPose": answer_object(dict.fromkeys(("pitch", "roll", "yaw"), NUMBER)),
        "smile": FRACTION,
        "glasses": choice("NoGlasses", "ReadingGlasses", "Sunglasses"),
        "emotion": answer_object(dict.fromkeys(emotions, FRACTION)),
        "facialHair": answer_object(dict.fromkeys(("moustache", "beard", "sideburns"), FRACTION)),
        "hair": answer_object({"bald": FRACTION, "invisible": FLAG, "hairColor": array(hair_color, max_items=4)}),
        "makeup": answer_object(dict.fromkeys(("eyeMakeup", "lipMakeup"), FLAG)),
        "occlusion": answer_object(dict.fromkeys(("foreheadOccluded", "eyeOccluded", "mouthOccluded"), FLAG)),
        "mask": answer_object({"type": choice("noMask"), "noseAndMouthCovered": FLAG}),
        "accessories": array(accessory, max_items=2),
        "blur": answer_object({"blurLevel": choice("low", "medium", "high"), "value": FRACTION}),
        "exposure": answer_object({"exposureLevel": exposure, "value": FRACTION}),
        "noise": answer_object({"noiseLevel": choice("low", "medium", "high"), "value": FRACTION}),
        "qualityForRecognition": choice("low", "medium", "high"),
    }
    assert set(attributes) == set(face_attributes.NAMES)
    return {"FaceAttributes": answer_object({}, attributes)}
