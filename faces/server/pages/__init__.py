"""The pages: a person's view of the same people, rendered here, with a little JavaScript for the camera.

Everything that is shown is behind a login with the server's key; see ``access``.
"""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from faces.server.pages import access, classify, exchange, failures, headers, language, people, recognize, train
from faces.server.pages.context import NAME, Parts, by_whom


def install(app: Flask, parts: Parts, key: str) -> None:
    """Add the pages to an application that answers the Face API."""
    app.extensions[NAME] = parts
    app.jinja_env.globals |= {
        "_": language.say,
        "called": language.called,
        "count": language.count,
        "percent": language.percent,
        "language": language.current,
        "languages": language.LANGUAGES,
        "here": access.here,
        "inside": access.inside,
        "by_whom": by_whom,
    }
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    access.install(app, key)
    headers.install(app, kept="pages.static")
    failures.install(app)
    app.register_blueprint(_pages())


def _pages() -> Blueprint:
    pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")

    @pages.before_request
    def refuse_forms_of_others() -> None:
        if request.endpoint != "pages.static":
            access.csrf.protect()

    @pages.get("/")
    def home() -> Response:
        return redirect(url_for("pages.recognize.form"))

    for module in (access, recognize, train, exchange, people, classify):
        pages.register_blueprint(module.routes)
    return pages
