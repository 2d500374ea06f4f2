"""Routes of person groups and face lists, of both sizes, and of their training."""

from __future__ import annotations

from datetime import datetime, timezone

from flask import Blueprint, Response, request
from sqlalchemy import func, select

from faces.server import errors, limits
from faces.server.api import inputs
from faces.server.api.context import services
from faces.server.api.inputs import RECOGNITION_MODELS, Body
from faces.server.api.replies import Json, empty, face_json
from faces.server.api.versions import PREFIX, spelled
from faces.server.kinds import FACE_LIST, KINDS, Kind
from faces.server.store import collections, persisted_faces
from faces.server.store.schema import Collection, Face

TRAINED = f"<any({','.join(route for route, kind in KINDS.items() if kind.needs_training)}):route>/<id_>"
ANY = f"<any({','.join(KINDS)}):route>"

collection = Blueprint("collection", __name__)


@collection.put(f"/{ANY}/<id_>")
def create(route: str, id_: str) -> Response:
    """Create a collection."""
    kind, body = KINDS[route], Body()
    inputs.new_id(kind, id_)
    label = body.text("recognitionModel", limits.MAX_COLLECTION_ID)
    model = inputs.model("recognitionModel", RECOGNITION_MODELS, label)
    name, data = body.name(required=True) or "", body.user_data()
    with services().database.write() as session:
        collections.create(session, kind, id_, name, data, model)
    return empty()


@collection.get(f"/{ANY}")
def list_all(route: str) -> list[Json]:
    """List the collections of a kind by id."""
    kind, with_model = KINDS[route], inputs.flag("returnRecognitionModel", False)
    start, top = inputs.page()
    with services().database.read() as session:
        return [_json(kind, row, with_model) for row in collections.listed(session, kind, start, top)]


@collection.get(f"/{ANY}/<id_>")
def get(route: str, id_: str) -> Json:
    """Describe a collection; a face list with its faces."""
    kind, with_model = KINDS[route], inputs.flag("returnRecognitionModel", False)
    with services().database.read() as session:
        row = collections.find(session, kind, id_)
        answer = _json(kind, row, with_model)
        if kind is FACE_LIST:
            answer["persistedFaces"] = [face_json(face) for face in persisted_faces.listed(session, row)]
        return answer


@collection.patch(f"/{ANY}/<id_>")
def update(route: str, id_: str) -> Response:
    """Change the name or the user data of a collection."""
    kind, body = KINDS[route], Body()
    name, data = body.name(required="name" in body), body.user_data()
    if kind.is_large and name is None and data is None:
        raise errors.bad_argument("Both 'name' and 'userData' are empty.")
    with services().database.write() as session:
        row = collections.find(session, kind, id_)
        row.name = row.name if name is None else name
        row.user_data = row.user_data if data is None else data
    return empty()


@collection.delete(f"/{ANY}/<id_>")
def delete(route: str, id_: str) -> Response:
    """Erase a collection with everything in it."""
    own = services()
    with own.database.write() as session:
        row = collections.find(session, KINDS[route], id_)
        key = row.key
        number = session.scalar(select(func.count()).where(Face.collection_key == key)) or 0
        session.delete(row)
    own.indexes.forget(key)
    own.audit("erase", collection=f"{route}/{id_}", faces=str(number))
    return empty()


@collection.post(f"/{TRAINED}/train")
def train(route: str, id_: str) -> Response:
    """Start the training of a collection."""
    services().trainer.start(KINDS[route], id_)
    response = empty(202)
    status_url = f"{request.host_url.rstrip('/')}{request.environ[PREFIX]}/{route}/{id_}/training"
    response.headers["operation-Location"] = status_url
    response.headers["Retry-After"] = "1"
    return response


@collection.get(f"/{TRAINED}/training")
def training(route: str, id_: str) -> tuple[Json, dict[str, str]]:
    """Report the status of a collection's training."""
    kind = KINDS[route]
    with services().database.read() as session:
        row = collections.find(session, kind, id_)
        if row.training_status is None:
            raise errors.not_trained(kind)
        answer: Json = {
            "status": spelled(row.training_status),
            "createdDateTime": _date(row.training_created),
            "lastActionDateTime": _date(row.training_last_action),
            "lastSuccessfulTrainingDateTime": _date(row.training_last_success),
            "message": row.training_message,
        }
    return answer, {"Retry-After": "1"}


def _json(kind: Kind, row: Collection, with_model: bool) -> Json:
    model = {"recognitionModel": row.recognition_model} if with_model else {}
    return {kind.id_name: row.id, "name": row.name, "userData": row.user_data, **model}


def _date(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
