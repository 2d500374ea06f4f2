"""The OpenAPI description, built from the application's routes and the table of operations."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from flask import Flask
from werkzeug.routing import Rule

from faces.server.api.openapi.operations import OPERATIONS, QUERY, RECOGNITION, TAGS, Operation, SchemaOfKind
from faces.server.api.openapi.schemas import ID, IMAGE, UUID, Schema, components, ref
from faces.server.keys import KEY_HEADER
from faces.server.kinds import KINDS, Kind
from faces.server.monitoring.route_names import expand_rule

VERSION = "1.0"
COMMON_ERRORS = (400, 401, 403, 413, 429, 503)
JSON = "application/json"


def describe(app: Flask) -> Schema:
    """Return the OpenAPI 3.1 description of the routes of the Face API that the application offers."""
    paths: dict[str, Schema] = {}
    for rule in app.url_map.iter_rules():
        if operation := OPERATIONS.get(rule.endpoint):
            for path, choices in expand_rule(rule.rule):
                kind = KINDS.get(choices.get("route", ""))
                for method in _methods(rule):
                    paths.setdefault(path, {})[method] = _describe_operation(path, method, operation, kind)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Face API",
            "version": VERSION,
            "description": "Face detection and recognition for clients written for Azure's Face API.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in TAGS],
        "paths": dict(sorted(paths.items(), key=lambda item: _sort_key(item[0]))),
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": KEY_HEADER}},
            "schemas": components(),
        },
    }


def _methods(rule: Rule) -> Iterator[str]:
    return (method.lower() for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))


def _sort_key(path: str) -> tuple[int, str]:
    """Put detection and recognition first, then the kinds of collection in their order."""
    first = path.split("/")[3]
    return (list(KINDS).index(first) + 1 if first in KINDS else 0), path


def _describe_operation(path: str, method: str, operation: Operation, kind: Kind | None) -> Schema:
    title = kind.title.lower() if kind else ""
    responses: dict[str, Schema] = {str(operation.status): _success(operation, kind)}
    for status in sorted({*COMMON_ERRORS, *operation.errors}):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": {JSON: {"schema": ref("Error")}}}
    described: Schema = {
        "operationId": f"{method}{''.join(word.strip('{}').title() for word in path.split('/')[3:])}",
        "summary": operation.summary.replace("{kind}", title),
        "tags": [title or RECOGNITION],
        "responses": responses,
    }
    if parameters := [*_path_parameters(path), *(_query_parameter(name) for name in operation.query)]:
        described["parameters"] = parameters
    if operation.image:
        described["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": IMAGE}, JSON: {"schema": ref("ImageUrl")}},
        }
    elif body := _schema(operation.body, kind):
        described["requestBody"] = {"required": operation.needs_body, "content": {JSON: {"schema": body}}}
    return described


def _success(operation: Operation, kind: Kind | None) -> Schema:
    schema = _schema(operation.answer, kind)
    content: Schema = {"content": {JSON: {"schema": schema}}} if schema else {}
    return {"description": HTTPStatus(operation.status).phrase, **content}


def _schema(schema: SchemaOfKind, kind: Kind | None) -> Schema | None:
    if not callable(schema):
        return schema
    assert kind is not None
    return schema(kind)


def _path_parameters(path: str) -> Iterator[Schema]:
    for part in path.split("/"):
        if part.startswith("{"):
            name = part.strip("{}")
            schema = UUID if name in ("personId", "persistedFaceId") else ID
            yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameter(name: str) -> Schema:
    comma_separated: Schema = {"style": "form", "explode": False} if QUERY[name]["type"] == "array" else {}
    return {"name": name, "in": "query", "schema": QUERY[name], **comma_separated}
