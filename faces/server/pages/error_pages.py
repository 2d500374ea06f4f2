"""Errors as pages in the user's language. Errors of the Face API stay JSON."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, current_app, make_response, redirect, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from faces.errors import FingerprintError, PickleError, UsageError
from faces.server.api.application import HANDLERS
from faces.server.errors import ApiError
from faces.server.pages.access import is_api_request
from faces.server.pages.language import translate

PART_HEADER = "X-Part"  # our JavaScript sends it and shows the answer as part of a page
STATUS_MESSAGES = {
    400: "The server did not understand this request.",
    404: "This page does not exist, or its content was removed.",
    405: "This address does not accept this kind of request.",
    409: "This conflicts with existing data.",
    413: "The upload is too large: at most 16 MB at a time.",
    429: "Too many requests in a short time. Wait a little, then try again.",
    500: "An internal error occurred. The server's log has the details. No partial change was saved.",
    503: "The server is busy. Try again in a moment.",
    507: "The server's disk is full. Nothing new can be stored; existing data is intact.",
}
CODE_MESSAGES = {  # for API messages that contain a name or a number
    "PersonExists": "A person with this name already exists. Merge the two people instead.",
    "Forbidden": "Your key does not allow this. Log out, and log in with a key that does.",
    "QuotaExceeded": "The limit is reached. Remove something first.",
}
IMPORT_MESSAGES: dict[type[BaseException | None], str] = {  # by the cause; its own message is the detail
    UsageError: "This data set cannot be imported.",
    PickleError: "These embeddings cannot be imported.",
    FingerprintError: "These embeddings were made by models other than the server's.",
}
OTHER_IMPORT_MESSAGE = "This file cannot be imported."
CSRF_MESSAGE = "This form has expired or was sent from another site. Go back, reload the page, and submit it again."


def install(app: Flask) -> None:
    """Answer errors with pages, except those of the Face API."""
    for kind, handler in HANDLERS.items():
        app.register_error_handler(kind, _page_handler(handler))


def _page_handler(api_handler: Callable[[Any], Response]) -> Callable[[Exception], Response]:
    def handle(error: Exception) -> Response:
        response = api_handler(error)  # sets the status and headers, and writes the log
        if is_api_request() or response.status_code < 400:
            return response
        if response.status_code == 405 and request.method == "GET":
            return redirect(_page_above(request.path))  # the address of a form's answer, opened again
        template = "_error.html" if request.headers.get(PART_HEADER) else "error.html"
        page = make_response(render_template(template, status=response.status_code, message=message_of(error)))
        page.status_code = response.status_code
        for name, value in response.headers.items():
            if name.lower() not in ("content-type", "content-length"):  # keeps Retry-After
                page.headers[name] = value
        return page

    return handle


def _page_above(path: str) -> str:
    """Return the path of the nearest page above a path; "/" is the home page."""
    adapter = current_app.create_url_adapter(request)
    assert adapter
    while path := path.rpartition("/")[0]:
        with suppress(HTTPException):
            adapter.match(path, method="GET")
            return path
    return "/"


def detail_of(error: ApiError) -> str:
    """Return the reason why a file cannot be imported, in English; "" for other errors."""
    return error.message if error.code == "InvalidFile" else ""


def message_of(error: Exception) -> str:
    """Return a sentence for the user, in the user's language."""
    if isinstance(error, CSRFError):
        return translate(CSRF_MESSAGE)
    if isinstance(error, ApiError) and error.code == "InvalidFile":
        return translate(IMPORT_MESSAGES.get(type(error.__cause__), OTHER_IMPORT_MESSAGE))
    if isinstance(error, ApiError) and error.status in (400, 403, 409):
        return translate(CODE_MESSAGES.get(error.code, error.message))
    status = error.status if isinstance(error, ApiError) else getattr(error, "code", None) or 500
    default = 400 if isinstance(error, HTTPException) and status < 500 else 500
    return translate(STATUS_MESSAGES.get(status, STATUS_MESSAGES[default]))
