"""``/openapi.json`` and ``/docs``: the API's description. They show no data and need no key."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, render_template

from faces.server.api.openapi.document import describe

description = Blueprint(
    "description", __name__, template_folder="templates", static_folder="static", static_url_path="/docs"
)


@description.get("/openapi.json")
def document() -> Response:
    """Return the OpenAPI description."""
    return jsonify(describe(current_app))


@description.get("/docs")
def page() -> str:
    """Return the description as a page."""
    return render_template("docs.html", api=describe(current_app))
