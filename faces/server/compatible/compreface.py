"""The recognition service of CompreFace.

github.com/exadel-inc/CompreFace, docs/Rest-API-description.md
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from flask import Blueprint, Response, request

from faces.server import errors, limits
from faces.server.api import landmark_points
from faces.server.api.context import services
from faces.server.api.replies import Json
from faces.server.compatible.compreface_requests import (
    error_form,
    face_id_of,
    integer,
    min_score,
    picture,
    required,
    subject_in_body,
)
from faces.server.compatible.error_forms import answer_errors
from faces.server.compatible.subjects import find_faces, only_face, subjects
from faces.server.errors import ApiError
from faces.server.monitoring.metrics import current_metrics
from faces.server.people import people_group
from faces.server.people.values import PersonRecord
from faces.types import Floats

BASE = "/api/v1/recognition"
LANDMARKS = ("pupilLeft", "pupilRight", "noseTip", "mouthLeft", "mouthRight")  # of ``landmark_points.NAMES``
PAGE_SIZE = 20
MAX_PAGE_SIZE = 1_000

routes = Blueprint("compreface", __name__, url_prefix=BASE)
answer_errors(routes, error_form)


@routes.post("/recognize")
def recognize() -> Json:
    """Find the faces of a picture and, for each, the people whom it may be."""
    number = integer("prediction_count", 1, 1, limits.IDENTIFY_CANDIDATES.high)
    answers, embeddings = _described(integer("limit", 0, 0, None))
    for answer, face in zip(answers, subjects().candidates(embeddings, number), strict=True):
        answer["subjects"] = [{"subject": match.name, "similarity": round(match.confidence, 5)} for match in face]
    return _with_versions({"result": answers})


@routes.get("/subjects")
def list_subjects() -> Json:
    """List the names of all people."""
    return {"subjects": [person.name for person in subjects().list_all()]}


@routes.post("/subjects")
def add_subject() -> tuple[Json, int]:
    """Add a person without a face."""
    name = subject_in_body()
    if subjects().find(name) is not None:
        raise ApiError(400, "SubjectExists", "Subject already exists")
    return {"subject": subjects().create(name).name}, 201


@routes.put("/subjects/<subject>")
def rename_subject(subject: str) -> Json:
    """Rename a person; if the new name is that of another person, the two become one."""
    subjects().rename(_person(subject), subject_in_body())
    return {"updated": True}


@routes.delete("/subjects/<subject>")
def delete_subject(subject: str) -> Json:
    """Erase a person."""
    person = _person(subject)
    subjects().people.remove_person(person.id)
    return {"subject": person.name}


@routes.delete("/subjects")
def delete_subjects() -> Json:
    """Erase everybody."""
    everybody = subjects().list_all()
    for person in everybody:
        subjects().people.remove_person(person.id)
    return {"deleted": len(everybody)}


@routes.get("/faces")
def list_faces() -> Json:
    """List enrolled faces with the names of their people, page by page."""
    page, size = integer("page", 0, 0, None), integer("size", PAGE_SIZE, 1, MAX_PAGE_SIZE)
    everybody = subjects().list_all()
    if name := request.args.get("subject"):
        folded = people_group.fold_name(name.strip())
        everybody = [person for person in everybody if people_group.fold_name(person.name) == folded]
    faces = [{"image_id": face.id, "subject": person.name} for person in everybody for face in person.faces]
    return {
        "faces": faces[page * size : (page + 1) * size],
        "page_number": page,
        "page_size": size,
        "total_pages": -(-len(faces) // size),
        "total_elements": len(faces),
    }


@routes.post("/faces")
def add_face() -> tuple[Json, int]:
    """Enrol the only face of a picture."""
    name, face = required("subject"), only_face(picture(), min_score())
    if face is None:
        raise errors.no_face()
    _, person = subjects().enrol(name, face)
    return {"image_id": person.faces[-1].id, "subject": person.name}, 201


@routes.delete("/faces")
def delete_faces() -> Json:
    """Erase the faces of a person, or all faces. The people stay."""
    if name := request.args.get("subject"):
        person = subjects().find(name)
        return {"deleted": 0 if person is None else subjects().remove_faces(person)}
    return {"deleted": sum(subjects().remove_faces(person) for person in subjects().list_all())}


@routes.delete("/faces/<face_id>")
def delete_face(face_id: str) -> Json:
    """Erase a face."""
    return _erased(face_id_of(face_id))


@routes.post("/faces/delete")
def delete_some_faces() -> list[Json]:
    """Erase the faces whose ids are in the body; ids of no face are ignored."""
    ids = request.get_json(force=True, silent=True)
    if not isinstance(ids, list):
        raise errors.bad_argument("The body is not a list of image ids.")
    erased = []
    for id_ in ids:
        try:
            erased.append(_erased(face_id_of(str(id_))))
        except ApiError as error:
            if error.status != 404:
                raise
    return erased


@routes.get("/faces/<face_id>/img")
def picture_of_face(face_id: str) -> Response:
    """Return the cut-out of a face; nothing if none is stored."""
    data = b""
    with suppress(ApiError):
        data = subjects().people.cutout(face_id_of(face_id))
    return Response(data, mimetype="application/octet-stream")


@routes.post("/faces/<face_id>/verify")
def verify(face_id: str) -> Json:
    """Compare the faces of a picture with an enrolled one."""
    answers, embeddings = _described(integer("limit", 0, 0, None))
    for answer, value in zip(answers, subjects().similarities(face_id_of(face_id), embeddings), strict=True):
        answer["similarity"] = round(value, 5)
    return _with_versions({"result": answers})


def _described(limit: int) -> tuple[list[Json], Floats]:
    """Find the faces of the picture: at least one.

    limit: as for ``find_faces``.

    Returns the box of each face with what the parameter ``face_plugins`` names of what this server has, and the
    embeddings, float32 (N, D), unit length. Raises ApiError, 400, if there is no face.
    """
    plugins = {name.strip() for name in request.args.get("face_plugins", "").split(",")}
    vision = services().vision
    with find_faces(picture(), min_score(), limit) as found:
        current_metrics().faces.inc(len(found.faces))
        if len(found.faces) == 0:
            raise errors.no_face()
        answers: list[Json] = [
            {"box": {"probability": round(float(score), 5), **box}}
            for score, box in zip(found.faces.score, found.boxes(), strict=True)
        ]
        if "gender" in plugins:
            genders = vision.attributes(found.image, found.faces, found.embeddings, ("gender",))
            for row, answer in enumerate(answers):
                shares: dict[str, float] = genders.plain(row)["gender"]["probabilities"]  # type: ignore[index]
                gender = max(shares, key=shares.__getitem__)
                answer["gender"] = {"value": gender, "probability": shares[gender]}
        if "landmarks" in plugins:
            points = landmark_points.landmarks(found.faces, vision.meshes(found.image, found.faces))
            places = [landmark_points.NAMES.index(name) for name in LANDMARKS]
            for answer, face in zip(answers, np.round(points[:, places]).astype(int).tolist(), strict=True):
                answer["landmarks"] = face
    if "calculator" in plugins:
        for answer, embedding in zip(answers, found.embeddings.tolist(), strict=True):
            answer["embedding"] = embedding
    return answers, found.embeddings


def _with_versions(answer: Json) -> Json:
    """Add the names of the models if the parameter ``status`` asks for it."""
    if request.args.get("status", "").lower() == "true":
        with services().database.read() as session:
            models = people_group.fingerprint(session)
        answer["plugins_versions"] = {"detector": models.detector.name, "calculator": models.embedder.name}
    return answer


def _person(name: str) -> PersonRecord:
    if (person := subjects().find(name)) is None:
        raise ApiError(404, "PersonNotFound", f"Subject {name} not found")
    return person


def _erased(face_id: str) -> Json:
    person = subjects().owner(face_id)
    subjects().people.remove_face(person.id, face_id)
    return {"image_id": face_id, "subject": person.name}
