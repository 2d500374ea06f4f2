"""Errors in the form of another interface than the Face API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify

from faces.server.api.application import HANDLERS
from faces.server.api.replies import Json

ErrorForm = Callable[[int, str, str], tuple[int, Json]]
"""Returns the status and the body of an error, from its status, code and message in the Face API."""


def answer_errors(routes: Blueprint, form: ErrorForm) -> None:
    """Answer the errors of these routes in a form of their own."""
    for kind, handler in HANDLERS.items():
        routes.register_error_handler(kind, _handler(handler, form))


def _handler(api_handler: Callable[[Any], Response], form: ErrorForm) -> Callable[[Exception], Response]:
    def handle(error: Exception) -> Response:
        answer = api_handler(error)  # sets the status and headers, and writes the log
        if not answer.is_json:  # a redirect
            return answer
        fields = answer.get_json()["error"]
        status, body = form(answer.status_code, fields["code"], fields["message"])
        response = jsonify(body)
        response.status_code = status
        for name, value in answer.headers.items():
            if name.lower() not in ("content-type", "content-length"):  # keeps Retry-After
                response.headers[name] = value
        return response

    return handle
