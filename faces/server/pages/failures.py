"""Errors as pages: what went wrong, in the reader's language. Below ``/face`` they stay the API's JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from faces.errors import FingerprintError, PickleError, UsageError
from faces.server.api.application import HANDLERS
from faces.server.errors import ApiError
from faces.server.pages.access import of_machine
from faces.server.pages.language import say

PART = "X-Part"  # the header of requests of our scripts, which show part of a page
SENTENCES = {
    400: "The server did not understand this request.",
    404: "There is no such page, or what was on it has been removed.",
    405: "This address is there for something else.",
    409: "This does not go together with what is there already.",
    413: "That is too large: 16 MB at most are taken at a time.",
    429: "Too many requests in a short time. Wait a little, then try again.",
    500: "Something went wrong in the server; its log says what. Nothing was changed by half.",
    503: "The server is busy. Try again in a moment.",
    507: "The disk of the server is full. Nothing new can be kept, but everything that was kept is there.",
}
CODES = {  # what has a name or a number in its message
    "PersonExists": "There is somebody of this name already. Merge the two instead.",
    "QuotaExceeded": "There are as many as may be; remove something first.",
}
CAUSES: dict[type[BaseException | None], str] = {  # of a file that cannot be imported; its message is the detail
    UsageError: "This is no data set that can be imported.",
    PickleError: "These are no embeddings that can be imported.",
    FingerprintError: "These embeddings were made by other models than the server's.",
}
OTHER_CAUSE = "This file cannot be imported."
OLD_FORM = "This form is too old or is not from here. Go back, load the page again, and send it once more."


def install(app: Flask) -> None:
    """Every error that is not the API's is a page from now on."""
    for kind, handler in HANDLERS.items():
        app.register_error_handler(kind, _page_or(handler))


def _page_or(handler: Callable[[Any], Response]) -> Callable[[Exception], Response]:
    def answer(error: Exception) -> Response:
        response = handler(error)  # its status, its headers, and its line in the log
        if of_machine() or response.status_code < 400:
            return response
        template = "_failure.html" if request.headers.get(PART) else "failure.html"
        page = make_response(render_template(template, status=response.status_code, reason=reason(error)))
        page.status_code = response.status_code
        for name, value in response.headers.items():
            if name.lower() not in ("content-type", "content-length"):  # such as when to try again
                page.headers[name] = value
        return page

    return answer


def detail(error: ApiError) -> str:
    """What is to be said after ``reason``, in English: of a file, what exactly is wrong with it."""
    return error.message if error.code == "InvalidFile" else ""


def reason(error: Exception) -> str:
    """A sentence for people."""
    if isinstance(error, CSRFError):
        return say(OLD_FORM)
    if isinstance(error, ApiError) and error.code == "InvalidFile":
        return say(CAUSES.get(type(error.__cause__), OTHER_CAUSE))
    if isinstance(error, ApiError) and error.status in (400, 403, 409):
        return say(CODES.get(error.code, error.message))
    status = error.status if isinstance(error, ApiError) else getattr(error, "code", None) or 500
    return say(SENTENCES.get(status, SENTENCES[400 if isinstance(error, HTTPException) and status < 500 else 500]))
