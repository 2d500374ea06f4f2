"""Routes of persons in groups, and of persisted faces: those of persons and those in lists."""

from __future__ import annotations

from flask import Blueprint, Response, request

from faces.server import errors, limits
from faces.server.api import inputs
from faces.server.api.context import services
from faces.server.api.inputs import DETECTION_MODELS, Body
from faces.server.api.replies import Json, empty, face_json, person_json
from faces.server.kinds import KINDS, LARGE_FACE_LIST
from faces.server.store import collections, persisted_faces, persons
from faces.types import Floats

GROUP = f"/<any({','.join(route for route, kind in KINDS.items() if kind.has_persons)}):route>/<id_>/persons"
LIST = f"/<any({','.join(route for route, kind in KINDS.items() if not kind.has_persons)}):route>/<id_>/persistedfaces"
LARGE_LIST = f"/<any({LARGE_FACE_LIST.route}):route>/<id_>/persistedfaces"

person = Blueprint("person", __name__)


@person.post(GROUP)
def create(route: str, id_: str) -> Json:
    """Add a person to a group."""
    body = Body()
    name, data = body.name(required="name" in body), body.user_data()
    with services().database.write() as session:
        group = collections.find(session, KINDS[route], id_)
        return {"personId": persons.create(session, group, name, data)}


@person.get(GROUP)
def list_all(route: str, id_: str) -> list[Json]:
    """List the persons of a group by id."""
    start, top = inputs.page()
    with services().database.read() as session:
        group = collections.find(session, KINDS[route], id_)
        return [person_json(row) for row in persons.listed(session, group, start, top)]


@person.get(f"{GROUP}/<person_id>")
def get(route: str, id_: str, person_id: str) -> Json:
    """Describe a person."""
    with services().database.read() as session:
        group = collections.find(session, KINDS[route], id_)
        return person_json(persons.find(session, group, person_id))


@person.patch(f"{GROUP}/<person_id>")
def update(route: str, id_: str, person_id: str) -> Response:
    """Change the name or the user data of a person."""
    kind, body = KINDS[route], Body()
    name, data = body.name(required="name" in body), body.user_data()
    if kind.is_large and name is None and data is None:
        raise errors.bad_argument("Both 'name' and 'userData' are empty.")
    with services().database.write() as session:
        group = collections.find(session, kind, id_)
        row = persons.find(session, group, person_id)
        if name is not None:
            row.name = name
            collections.record_change(group, row.key)  # the shared gallery file keeps names, too
        row.user_data = row.user_data if data is None else data
    return empty()


@person.delete(f"{GROUP}/<person_id>")
def delete(route: str, id_: str, person_id: str) -> Response:
    """Erase a person with all faces."""
    with services().database.write() as session:
        group = collections.find(session, KINDS[route], id_)
        persons.delete(session, group, persons.find(session, group, person_id))
    services().audit("erase", collection=f"{route}/{id_}", person=person_id)
    return empty()


@person.post(f"{GROUP}/<person_id>/persistedfaces")
@person.post(LIST)
def add_face(route: str, id_: str, person_id: str | None = None) -> Json:
    """Enrol the only face of an image, or the one at ``targetFace``, for a person or in a list."""
    kind, own, data = KINDS[route], services(), inputs.face_data()
    with own.database.read() as session:  # fail before the image is processed
        collection = collections.find(session, kind, id_)
        _ = persons.find(session, collection, person_id) if person_id else None
    embedding = _embedding()
    with own.database.write() as session:
        collection = collections.find(session, kind, id_)
        owner = persons.find(session, collection, person_id) if person_id else None
        face = persisted_faces.add(session, collection, owner, embedding, data)
    own.audit("enrol", collection=f"{route}/{id_}", **_person(person_id), face=face)
    return {"persistedFaceId": face}


@person.get(LARGE_LIST)
def list_faces(route: str, id_: str) -> list[Json]:
    """List the faces of a large face list by id."""
    start, top = inputs.page()
    with services().database.read() as session:
        collection = collections.find(session, KINDS[route], id_)
        return [face_json(face) for face in persisted_faces.listed(session, collection, start, top)]


@person.get(f"{GROUP}/<person_id>/persistedfaces/<face_id>")
@person.get(f"{LARGE_LIST}/<face_id>")
def get_face(route: str, id_: str, face_id: str, person_id: str | None = None) -> Json:
    """Describe a persisted face."""
    with services().database.read() as session:
        collection = collections.find(session, KINDS[route], id_)
        owner = persons.find(session, collection, person_id) if person_id else None
        return face_json(persisted_faces.find(session, collection, owner, face_id))


@person.patch(f"{GROUP}/<person_id>/persistedfaces/<face_id>")
@person.patch(f"{LARGE_LIST}/<face_id>")
def update_face(route: str, id_: str, face_id: str, person_id: str | None = None) -> Response:
    """Change the user data of a persisted face."""
    data = Body().user_data(limits.MAX_FACE_USER_DATA)
    with services().database.write() as session:
        collection = collections.find(session, KINDS[route], id_)
        owner = persons.find(session, collection, person_id) if person_id else None
        face = persisted_faces.find(session, collection, owner, face_id)
        face.user_data = face.user_data if data is None else data
    return empty()


@person.delete(f"{GROUP}/<person_id>/persistedfaces/<face_id>")
@person.delete(f"{LIST}/<face_id>")
def delete_face(route: str, id_: str, face_id: str, person_id: str | None = None) -> Response:
    """Erase a persisted face."""
    with services().database.write() as session:
        collection = collections.find(session, KINDS[route], id_)
        owner = persons.find(session, collection, person_id) if person_id else None
        persisted_faces.delete(session, collection, persisted_faces.find(session, collection, owner, face_id))
    services().audit("erase", collection=f"{route}/{id_}", **_person(person_id), face=face_id)
    return empty()


def _person(id_: str | None) -> dict[str, str]:
    return {"person": id_} if id_ else {}


def _embedding() -> Floats:
    """Return the embedding (D,) of the only face in the request's image, or of the one at ``targetFace``."""
    own, target = services(), inputs.target_face()
    inputs.model("detectionModel", DETECTION_MODELS, request.args.get("detectionModel"))
    with own.vision.open_image(inputs.image(own.fetcher)) as image:
        return own.vision.embed_single(image, target)
