"""/openapi.json and /docs. They say nothing of anybody, and need no key."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, render_template

from faces.server.api.openapi.document import describe

description = Blueprint(
    "description", __name__, template_folder="templates", static_folder="static", static_url_path="/docs"
)


@description.get("/openapi.json")
def document() -> Response:
    return jsonify(describe(current_app))


@description.get("/docs")
def page() -> str:
    return render_template("docs.html", api=describe(current_app))
