"""Person groups, large person groups, face lists and large face lists, and their training."""

from __future__ import annotations

from datetime import datetime, timezone

from flask import Blueprint, Response, request
from sqlalchemy import func, select

from faces.server import errors
from faces.server.api import inputs
from faces.server.api.context import services
from faces.server.api.inputs import RECOGNITION_MODELS, Body
from faces.server.api.replies import Json, empty, face_json
from faces.server.kinds import FACE_LIST, KINDS, Kind
from faces.server.store import collections, persisted_faces
from faces.server.store.schema import Collection, Face

PREFIX = "FACE_PREFIX"  # of the WSGI environment: the address as the client writes it, up to the version
TRAINED = f"<any({','.join(route for route, kind in KINDS.items() if kind.trains)}):route>/<id_>"
ANY = f"<any({','.join(KINDS)}):route>"

collection = Blueprint("collection", __name__)


@collection.put(f"/{ANY}/<id_>")
def create(route: str, id_: str) -> Response:
    kind, body = KINDS[route], Body()
    inputs.new_id(kind, id_)
    label = inputs.model("recognitionModel", RECOGNITION_MODELS, body.text("recognitionModel", inputs.LONGEST_ID))
    name, data = body.name(required=True) or "", body.user_data()
    with services().database.write() as session:
        collections.create(session, kind, id_, name, data, label)
    return empty()


@collection.get(f"/{ANY}")
def list_all(route: str) -> list[Json]:
    kind, told = KINDS[route], inputs.flag("returnRecognitionModel", False)
    start, top = inputs.page()
    with services().database.read() as session:
        return [_json(kind, one, told) for one in collections.listed(session, kind, start, top)]


@collection.get(f"/{ANY}/<id_>")
def get(route: str, id_: str) -> Json:
    kind, told = KINDS[route], inputs.flag("returnRecognitionModel", False)
    with services().database.read() as session:
        found = collections.find(session, kind, id_)
        answer = _json(kind, found, told)
        if kind is FACE_LIST:
            answer["persistedFaces"] = [face_json(face) for face in persisted_faces.listed(session, found)]
        return answer


@collection.patch(f"/{ANY}/<id_>")
def update(route: str, id_: str) -> Response:
    kind, body = KINDS[route], Body()
    name, data = body.name(required="name" in body), body.user_data()
    if kind.is_large and name is None and data is None:
        raise errors.bad_argument("Both 'name' and 'userData' are empty.")
    with services().database.write() as session:
        found = collections.find(session, kind, id_)
        found.name = found.name if name is None else name
        found.user_data = found.user_data if data is None else data
    return empty()


@collection.delete(f"/{ANY}/<id_>")
def delete(route: str, id_: str) -> Response:
    own = services()
    with own.database.write() as session:
        found = collections.find(session, KINDS[route], id_)
        key = found.key
        number = session.scalar(select(func.count()).where(Face.collection_key == key)) or 0
        session.delete(found)
    own.indexes.forget(key)
    own.audit("erase", collection=f"{route}/{id_}", faces=str(number))
    return empty()


@collection.post(f"/{TRAINED}/train")
def train(route: str, id_: str) -> Response:
    services().trainer.start(KINDS[route], id_)
    response = empty(202)
    here = f"{request.host_url.rstrip('/')}{request.environ[PREFIX]}/{route}/{id_}/training"
    response.headers["operation-Location"] = here
    response.headers["Retry-After"] = "1"
    return response


@collection.get(f"/{TRAINED}/training")
def training(route: str, id_: str) -> tuple[Json, dict[str, str]]:
    kind = KINDS[route]
    with services().database.read() as session:
        found = collections.find(session, kind, id_)
        if found.training_status is None:
            raise errors.not_trained(kind)
        answer: Json = {
            "status": found.training_status,
            "createdDateTime": _date(found.training_created),
            "lastActionDateTime": _date(found.training_last_action),
            "lastSuccessfulTrainingDateTime": _date(found.training_last_success),
            "message": found.training_message,
        }
    return answer, {"Retry-After": "1"}


def _json(kind: Kind, found: Collection, told: bool) -> Json:
    label = {"recognitionModel": found.recognition_model} if told else {}
    return {kind.id_name: found.id, "name": found.name, "userData": found.user_data, **label}


def _date(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
