"""The face recognition of DeepStack and CodeProject.AI.

github.com/johnolafenwa/DeepStack, server/server.go and server/middlewares
"""

from __future__ import annotations

from flask import Blueprint, request

from faces.recognition.gallery import UNKNOWN
from faces.server import errors
from faces.server.api.replies import Json
from faces.server.compatible.error_forms import answer_errors
from faces.server.compatible.subjects import find_faces, only_face, subjects
from faces.server.errors import ApiError
from faces.server.monitoring.metrics import current_metrics, milliseconds
from faces.server.people import people_group
from faces.server.people.values import PersonMatch
from faces.server.search.confidence import SAME_PERSON

BASE = "/v1/vision/face"
MESSAGES = {  # by the messages of the Face API
    errors.no_face().message: "no face detected",
    errors.several_faces().message: "more than one face detected: send a picture of one person",
}


def error_form(status: int, code: str, message: str) -> tuple[int, Json]:
    """Return the status and the body of an error of the Face API as DeepStack has it."""
    message = "Incorrect api key" if code == "401" else MESSAGES.get(message, message)
    return status, {"success": False, "error": message, "duration": 0, "code": status}


routes = Blueprint("deepstack", __name__, url_prefix=BASE)
answer_errors(routes, error_form)


@routes.post("")
def detect() -> Json:
    """Find the faces of a picture."""
    with find_faces(_pictures()[0], _min_confidence(0.0)) as found:
        current_metrics().faces.inc(len(found.faces))
        boxes = list(zip(found.boxes(), found.faces.score, strict=True))
    return _success(predictions=[{"confidence": round(float(score), 5), **box} for box, score in boxes])


@routes.post("/recognize")
def recognize() -> Json:
    """Find the faces of a picture and name those whose person is known."""
    data, least = _pictures()[0], max(_min_confidence(SAME_PERSON), SAME_PERSON)
    with find_faces(data) as found:
        current_metrics().faces.inc(len(found.faces))
        boxes = found.boxes()
    candidates = subjects().candidates(found.embeddings, 1)
    predictions = [{**_identity(matches, least), **box} for matches, box in zip(candidates, boxes, strict=True)]
    return _success(predictions=predictions)


@routes.post("/register")
def register() -> Json:
    """Enrol a person with one picture or several, each of which shows this person alone."""
    name = people_group.validate_name(_user_id())
    faces = [face for data in _pictures() if (face := only_face(data)) is not None]
    if not faces:
        raise errors.no_face()
    created = [subjects().enrol(name, face)[0] for face in faces]
    return _success(message="face added" if created[0] else "face updated")


@routes.post("/list")
def list_all() -> Json:
    """List the names of all people."""
    return _success(faces=[person.name for person in subjects().list_all()])


@routes.post("/delete")
def delete() -> Json:
    """Erase a person; a name of nobody is no error."""
    if (person := subjects().find(_user_id())) is not None:
        subjects().people.remove_person(person.id)
    return _success()


def _success(**fields: object) -> Json:
    return {"success": True, **fields, "code": 200, "duration": round(milliseconds() / 1e3, 3)}


def _identity(matches: list[PersonMatch], least: float) -> Json:
    if matches and matches[0].confidence >= least:
        return {"confidence": round(matches[0].confidence, 5), "userid": matches[0].name}
    return {"confidence": 0, "userid": UNKNOWN}


def _pictures() -> list[bytes]:
    """Return the files of the form, whatever the names of their fields; ``image`` first."""
    files = sorted(request.files.items(multi=True), key=lambda item: item[0] != "image")
    if not files:
        raise ApiError(400, "InvalidImage", "No valid image file found")
    return [file.read() for _, file in files]


def _user_id() -> str:
    if name := request.form.get("userid", "").strip():
        return name
    raise errors.bad_argument("userid not specified")


def _min_confidence(default: float) -> float:
    text = request.form.get("min_confidence") or str(default)
    try:
        value = float(text)
    except ValueError as error:
        raise errors.bad_argument("Invalid value for min_confidence") from error
    if value > 1:
        raise errors.bad_argument("min_confidence cannot be greater than 1")
    if not value >= 0:
        raise errors.bad_argument("Invalid value for min_confidence")
    return value
