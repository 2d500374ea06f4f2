"""Requests and errors of CompreFace: how pictures and parameters are read, and the numbers of errors.

github.com/exadel-inc/CompreFace, docs/Rest-API-description.md and CommonExceptionCode.java
"""

from __future__ import annotations

import base64
from uuid import UUID

from flask import request

from faces.server import errors, limits
from faces.server.api.inputs import Body
from faces.server.api.replies import Json
from faces.server.errors import ApiError
from faces.server.keys import COMPREFACE_KEY_HEADER

CODES = {  # CompreFace's numbers, by the codes of the Face API and of the errors below
    "401": 10,
    "Forbidden": 1,
    "MissingHeader": 20,
    "InvalidImage": 21,
    "InvalidImageSize": 21,
    "MissingParameter": 33,
    "MissingPart": 34,
    "BadArgument": 36,
    "PersonNotFound": 42,
    "SubjectExists": 43,
    "PersistedFaceNotFound": 44,
}
SPECIAL = {  # by the messages of the Face API
    errors.no_face().message: (28, "No face is found in the given image"),
    errors.several_faces().message: (31, "More than one face in the source image"),
}
UNDEFINED = 0
MAX_NUMBER_LENGTH = 9  # digits


def error_form(status: int, code: str, message: str) -> tuple[int, Json]:
    """Return the status and the body of an error of the Face API as CompreFace has it."""
    if code == "401" and not request.headers.get(COMPREFACE_KEY_HEADER):
        status, code, message = 400, "MissingHeader", f"Missing header: {COMPREFACE_KEY_HEADER}"
    elif code == "401":
        status, message = 404, "There is no face recognition service with this API key"
    number, message = SPECIAL.get(message, (CODES.get(code, UNDEFINED), message))
    return status, {"message": message, "code": number}


def picture() -> bytes:
    """Return the picture: a file of a form, or Base64 in JSON."""
    if file := request.files.get("file"):
        return bytes(file.read())
    if not request.is_json:
        raise ApiError(400, "MissingPart", "Required part file is missing")
    text = Body().text("file", limits.MAX_IMAGE_BYTES * 2, required=True) or ""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise errors.unsupported_image() from error


def subject_in_body() -> str:
    """Return the name in the JSON body."""
    return Body().text("subject", limits.MAX_NAME, required=True) or ""


def required(name: str) -> str:
    """Return a parameter of the query that must not be empty."""
    if value := request.args.get(name, "").strip():
        return value
    raise ApiError(400, "MissingParameter", f"Required parameter {name} is missing")


def integer(name: str, default: int, low: int, high: int | None) -> int:
    """Return a whole number from the query; of a larger one than ``high``, that."""
    text = request.args.get(name) or str(default)
    if len(text) > MAX_NUMBER_LENGTH or not text.isdecimal() or int(text) < low:
        raise errors.bad_argument(f"{name} must be a whole number of at least {low}.")
    return int(text) if high is None else min(int(text), high)


def min_score() -> float:
    """Return ``det_prob_threshold``; 0 if there is none."""
    text = request.args.get("det_prob_threshold") or "0"
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise errors.bad_argument("det_prob_threshold must be a number from 0 to 1.")
    return value


def face_id_of(text: str) -> str:
    """Return an image id in the form in which it is stored."""
    try:
        return str(UUID(text))
    except ValueError as error:
        raise errors.bad_argument(f"{text[:64]} is not an image id.") from error
