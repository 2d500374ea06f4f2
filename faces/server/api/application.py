"""The application: routes, keys, addresses as clients write them, and errors in the API's form."""

from __future__ import annotations

import errno
import hmac
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from faces.server import errors
from faces.server.api.collection_routes import PREFIX, collection
from faces.server.api.context import NAME, Services
from faces.server.api.health_routes import health
from faces.server.api.openapi.routes import description
from faces.server.api.person_routes import person
from faces.server.api.recognition_routes import recognition
from faces.server.errors import ApiError
from faces.server.monitoring import logs, metrics
from faces.server.monitoring.route_names import here

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEY = "Ocp-Apim-Subscription-Key"  # the header
MOST_BYTES = 16 << 20  # of a body; a picture has its own, lower limit, with an error of its own
MOST_PARTS = MOST_BYTES >> 10  # of a form: 1000 by default, and the files of a folder may have 1 KB each
BASE = "/face/v1"
ADDRESS = re.compile(r"/face(/v1(?:\.[\w.-]+)?)((?:/.*)?)", re.IGNORECASE | re.DOTALL)
NOT_OFFERED = {
    "snapshots": "Snapshot",
    "operations": "Snapshot",
    "detectliveness": "Liveness detection",
    "detectlivenesswithverify": "Liveness detection",
    "session": "Liveness detection",
}

other = Blueprint("other", __name__)


def create_app(parts: Services, key: str) -> Flask:
    """The application that answers with these parts to who knows the key."""
    app = Flask(NAME, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.config["MAX_FORM_PARTS"] = MOST_PARTS
    app.json = _Json(app)
    app.extensions[NAME] = parts
    app.url_map.merge_slashes = app.url_map.strict_slashes = False
    app.wsgi_app = _Addresses(app.wsgi_app)  # type: ignore[method-assign, assignment]

    app.extensions[metrics.NAME] = figures = metrics.Metrics(parts.database)

    metrics.start_clock(app)
    app.after_request(lambda response: _told(response, figures))

    @app.before_request
    def check_rate() -> None:
        if request.path != "/healthz":
            parts.limiter.check()

    @app.before_request
    def check_key() -> None:
        given = request.headers.get(KEY) or getattr(request.authorization, "token", None) or ""
        if request.path.startswith(("/face/", "/metrics")) and not hmac.compare_digest(given.encode(), key.encode()):
            if given:  # without one nobody guesses; any page in a browser could ask so
                parts.limiter.wrong_key()
                parts.audit("refuse")
            raise errors.wrong_key()

    for blueprint in (recognition, collection, person, other):
        app.register_blueprint(blueprint, url_prefix=BASE)
    app.register_blueprint(description)
    app.register_blueprint(health)
    for kind, handler in HANDLERS.items():
        app.register_error_handler(kind, handler)
    return app


@other.route(
    f"/<any({','.join(NOT_OFFERED)}):route>", defaults={"rest": ""}, methods=["GET", "POST", "PATCH", "DELETE"]
)
@other.route(f"/<any({','.join(NOT_OFFERED)}):route>/<path:rest>", methods=["GET", "POST", "PATCH", "DELETE"])
def not_offered(route: str, rest: str) -> Response:
    raise errors.not_offered(NOT_OFFERED[route])


class _Json(DefaultJSONProvider):
    """As the service writes it."""

    sort_keys = False
    mimetype = "application/json; charset=utf-8"


class _Addresses:
    """Clients double slashes, write words in any case, and name any version of the first generation."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = re.sub("/{2,}", "/", environ.get("PATH_INFO", ""))
        if match := ADDRESS.fullmatch(path):
            version, rest = match.groups()
            words = rest.rstrip("/").split("/")
            words[1::2] = [word.lower() for word in words[1::2]]  # those between them are ids
            environ[PREFIX] = f"/face{version}"
            path = BASE + "/".join(words)
        environ["PATH_INFO"] = path
        return self._app(environ, start)


def error_json(code: str, message: str) -> dict[str, dict[str, str]]:
    """The form of every error."""
    return {"error": {"code": code, "message": message}}


def _answer(status: int, code: str, message: str) -> Response:
    response = jsonify(error_json(code, message))
    response.status_code = status
    return response


def _told(response: Response, figures: metrics.Metrics) -> Response:
    figures.count(response)
    logs.log(response)
    return response


def _own(error: ApiError) -> Response:
    return _answer(error.status, error.code, error.message)


def _frameworks(error: HTTPException) -> Response:
    status = error.code or 500
    response = _answer(status, str(status), error.description or HTTPStatus(status).phrase)
    for name, value in error.get_headers():
        if name.lower() != "content-type":  # such as what is allowed, with 405
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # of what is written beside the database
        return _own(errors.disk_full())
    current_app.logger.exception("%s %s failed", request.method, here())
    return _answer(500, "InternalServerError", "The server failed; its log says why.")


HANDLERS: dict[type[Exception], Callable[[Any], Response]] = {
    ApiError: _own,
    HTTPException: _frameworks,
    Exception: _unexpected,
}
