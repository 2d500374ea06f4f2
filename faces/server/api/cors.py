"""Cross-origin requests: which web pages of others may call the API from a browser (fetch.spec.whatwg.org)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from flask import Flask, Response, request

from faces.errors import UsageError

ORIGIN = re.compile(r"https?://[\w.-]+(:\d+)?|https?://\[[\da-f:.]+\](:\d+)?", re.IGNORECASE)
# The Face API, CompreFace's and DeepStack's. The pages have sessions, and are for this origin alone.
OPEN = ("/face/", "/api/v1/recognition", "/v1/vision/face", "/openapi.json", "/healthz")
METHODS = "DELETE, GET, PATCH, POST, PUT"
EXPOSED = "Operation-Location, Retry-After"
PREFLIGHT_SECONDS = 600


def checked(origins: Iterable[str]) -> frozenset[str]:
    """Return origins as browsers send them. Raises UsageError for one that no browser sends."""
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise UsageError(f"--cors-origin {origin}: give scheme and host, such as https://example.org:8443")
    return frozenset(origin.lower() for origin in origins)


def headers(origins: Collection[str], origin: str) -> dict[str, str]:
    """Return the headers that let an origin read an answer; none if it may not. origins: that may."""
    if not origins:
        return {}
    allowed = {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED}
    return {"Vary": "Origin", **(allowed if origin.lower() in origins else {})}


def install(app: Flask, origins: Collection[str]) -> None:
    """Let web pages of these origins call the API. Call this before a function that checks the key is registered."""

    @app.before_request
    def preflight() -> Response | None:
        origin, method = request.headers.get("Origin", ""), request.headers.get("Access-Control-Request-Method")
        if not (request.method == "OPTIONS" and method and origin.lower() in origins and _is_open()):
            return None
        answer = Response(status=204)
        answer.headers["Access-Control-Allow-Methods"] = METHODS
        answer.headers["Access-Control-Allow-Headers"] = request.headers.get("Access-Control-Request-Headers", "")
        answer.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return answer

    @app.after_request
    def allow(response: Response) -> Response:
        if _is_open():
            response.headers.extend(headers(origins, request.headers.get("Origin", "")))
        return response


def _is_open() -> bool:
    return request.path.startswith(OPEN)
