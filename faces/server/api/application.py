"""The Flask application: routes, the key check, lenient URLs, and errors in the API's form."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Collection, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from faces.server import errors
from faces.server.access import callers
from faces.server.api import cors
from faces.server.api.collection_routes import collection
from faces.server.api.context import NAME, Services
from faces.server.api.health_routes import health
from faces.server.api.openapi.routes import description
from faces.server.api.person_routes import person
from faces.server.api.recognition_routes import recognition
from faces.server.api.versions import PREFIX
from faces.server.errors import ApiError
from faces.server.monitoring import logs, metrics
from faces.server.monitoring.route_names import current_route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY_BYTES = 16 << 20  # of any request; an image has its own, lower limit, with its own error
MAX_FORM_PARTS = MAX_BODY_BYTES >> 10  # Flask allows 1000; a folder of files of 1 KB each may have more
BASE = "/face/v1"
ADDRESS = re.compile(r"/face(/v1(?:\.[\w.-]+)?)((?:/.*)?)", re.IGNORECASE | re.DOTALL)
NOT_OFFERED = {
    "snapshots": "Snapshot",
    "operations": "Snapshot",
    "detectliveness": "Liveness detection",
    "detectliveness-sessions": "Liveness detection",
    "detectlivenesswithverify": "Liveness detection",
    "detectlivenesswithverify-sessions": "Liveness detection",
    "livenesssessions": "Liveness detection",
    "session": "Liveness detection",
    "sessionimages": "Liveness detection",
    "persons": "The person directory",
    "dynamicpersongroups": "The person directory",
}

ANY_NOT_OFFERED = f"<any({','.join(map(repr, NOT_OFFERED))}):route>"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

other = Blueprint("other", __name__)


def create_app(parts: Services, key: str, cors_origins: Collection[str] = ()) -> Flask:
    """Create the application.

    parts: what the routes use.
    key: the default key, which allows everything.
    cors_origins: of web pages that may call the API from a browser.
    """
    app = Flask(NAME, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    app.json = _Json(app)
    app.extensions[NAME] = parts
    app.url_map.merge_slashes = app.url_map.strict_slashes = False
    app.wsgi_app = _LenientPaths(app.wsgi_app)  # type: ignore[method-assign, assignment]

    app.extensions[metrics.EXTENSION] = counters = metrics.Metrics(parts.database)

    metrics.start_clock(app)
    app.after_request(lambda response: _recorded(response, counters))

    @app.before_request
    def check_rate() -> None:
        if request.path != "/healthz":
            parts.limiter.check()

    cors.install(app, cors_origins)
    app.extensions[callers.EXTENSION] = callers.Keys(parts.database, key)
    app.before_request(callers.check_key)

    for blueprint in (recognition, collection, person, other):
        app.register_blueprint(blueprint, url_prefix=BASE)
    app.register_blueprint(description)
    app.register_blueprint(health)
    for kind, handler in HANDLERS.items():
        app.register_error_handler(kind, handler)
    return app


@other.route(f"/{ANY_NOT_OFFERED}", defaults={"rest": ""}, methods=METHODS)
@other.route(f"/{ANY_NOT_OFFERED}/<path:rest>", methods=METHODS)
def not_offered(route: str, rest: str) -> Response:
    """Refuse an operation of the Face API that this server does not have."""
    raise errors.not_offered(NOT_OFFERED[route])


class _Json(DefaultJSONProvider):
    """JSON in the service's order of keys and with its content type."""

    sort_keys = False
    mimetype = "application/json; charset=utf-8"


class _LenientPaths:
    """Normalizes paths: clients double slashes, mix upper and lower case, and name any version 1.x."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = re.sub("/{2,}", "/", environ.get("PATH_INFO", ""))
        if match := ADDRESS.fullmatch(path):
            version, rest = match.groups()
            words = rest.rstrip("/").split("/")
            words[1::2] = [word.lower() for word in words[1::2]]  # the words between them are ids
            environ[PREFIX] = f"/face{version}"
            path = BASE + "/".join(words)
        environ["PATH_INFO"] = path
        return self._app(environ, start)


def error_json(code: str, message: str) -> dict[str, dict[str, str]]:
    """Return the body of an error response."""
    return {"error": {"code": code, "message": message}}


def _error_response(status: int, code: str, message: str) -> Response:
    response = jsonify(error_json(code, message))
    response.status_code = status
    return response


def _recorded(response: Response, counters: metrics.Metrics) -> Response:
    counters.count(response)
    logs.log_request(response)
    return response


def _on_api_error(error: ApiError) -> Response:
    return _error_response(error.status, error.code, error.message)


def _on_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    response = _error_response(status, str(status), error.description or HTTPStatus(status).phrase)
    for name, value in error.get_headers():
        if name.lower() != "content-type":  # such as Allow, with 405
            response.headers[name] = value
    return response


def _on_unexpected_error(error: Exception) -> Response:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # from a file other than the database
        return _on_api_error(errors.disk_full())
    current_app.logger.exception("%s %s failed", request.method, current_route())
    return _error_response(500, "InternalServerError", "The server failed; its log says why.")


HANDLERS: dict[type[Exception], Callable[[Any], Response]] = {
    ApiError: _on_api_error,
    HTTPException: _on_http_error,
    Exception: _on_unexpected_error,
}
