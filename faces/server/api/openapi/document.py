"""The description, put together from the application's routes and what is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from flask import Flask
from werkzeug.routing import Rule

from faces.server.api.openapi.operations import OPERATIONS, QUERY, RECOGNITION, TAGS, OfKind, Operation
from faces.server.api.openapi.schemas import ID, PICTURE, UUID, Schema, components, ref
from faces.server.kinds import KINDS, Kind
from faces.server.monitoring.route_names import expanded

VERSION = "1.0"
ALWAYS = (400, 401, 413, 429, 503)
KEY = "Ocp-Apim-Subscription-Key"
JSON = "application/json"


def describe(app: Flask) -> Schema:
    """OpenAPI 3.1, of every route of the Face API that does something."""
    paths: dict[str, Schema] = {}
    for rule in app.url_map.iter_rules():
        if operation := OPERATIONS.get(rule.endpoint):
            for path, chosen in expanded(rule.rule):
                kind = KINDS.get(chosen.get("route", ""))
                for method in _methods(rule):
                    paths.setdefault(path, {})[method] = _described(path, method, operation, kind)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Face API",
            "version": VERSION,
            "description": "Face detection and recognition, as clients written for Azure's Face API know it.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in TAGS],
        "paths": dict(sorted(paths.items(), key=lambda item: _place(item[0]))),
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": KEY}},
            "schemas": components(),
        },
    }


def _methods(rule: Rule) -> Iterator[str]:
    return (method.lower() for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))


def _place(path: str) -> tuple[int, str]:
    """Detection and recognition first, then the kinds in their order."""
    first = path.split("/")[3]
    return (list(KINDS).index(first) + 1 if first in KINDS else 0), path


def _described(path: str, method: str, operation: Operation, kind: Kind | None) -> Schema:
    words = kind.words.lower() if kind else ""
    answers: dict[str, Schema] = {str(operation.status): _answer(operation, kind)}
    for status in sorted({*ALWAYS, *operation.wrong}):
        answers[str(status)] = {"description": HTTPStatus(status).phrase, "content": {JSON: {"schema": ref("Error")}}}
    described: Schema = {
        "operationId": f"{method}{''.join(word.strip('{}').title() for word in path.split('/')[3:])}",
        "summary": operation.summary.replace("{kind}", words),
        "tags": [words or RECOGNITION],
        "responses": answers,
    }
    if parameters := [*_in_path(path), *(_in_query(name) for name in operation.query)]:
        described["parameters"] = parameters
    if operation.picture:
        described["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": PICTURE}, JSON: {"schema": ref("ImageUrl")}},
        }
    elif body := _schema(operation.body, kind):
        described["requestBody"] = {"required": operation.needs_body, "content": {JSON: {"schema": body}}}
    return described


def _answer(operation: Operation, kind: Kind | None) -> Schema:
    schema = _schema(operation.answer, kind)
    content: Schema = {"content": {JSON: {"schema": schema}}} if schema else {}
    return {"description": HTTPStatus(operation.status).phrase, **content}


def _schema(schema: OfKind, kind: Kind | None) -> Schema | None:
    if not callable(schema):
        return schema
    assert kind is not None
    return schema(kind)


def _in_path(path: str) -> Iterator[Schema]:
    for part in path.split("/"):
        if part.startswith("{"):
            name = part.strip("{}")
            own = UUID if name in ("personId", "persistedFaceId") else ID
            yield {"name": name, "in": "path", "required": True, "schema": own}


def _in_query(name: str) -> Schema:
    lists: Schema = {"style": "form", "explode": False} if QUERY[name]["type"] == "array" else {}
    return {"name": name, "in": "query", "schema": QUERY[name], **lists}
