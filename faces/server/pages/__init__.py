"""The web pages of the server, rendered here, with a little JavaScript for the camera.

All pages require a login with the server's key, see ``access``.
"""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from faces.server.pages import (
    access,
    classify,
    error_pages,
    import_export,
    language,
    people,
    recognize,
    security_headers,
    train,
)
from faces.server.pages.context import EXTENSION, PageServices, names_source


def install(app: Flask, services: PageServices, key: str) -> None:
    """Add the pages to an application that serves the Face API.

    key: the server's key, which opens the pages.
    """
    app.extensions[EXTENSION] = services
    app.jinja_env.globals |= {
        "_": language.translate,
        "display_name": language.display_name,
        "count": language.count,
        "percent": language.percent,
        "language": language.current,
        "languages": language.LANGUAGES,
        "return_path": access.return_path,
        "logged_in": access.logged_in,
        "names_source": names_source,
    }
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    access.install(app, key)
    security_headers.install(app, cacheable="pages.static")
    error_pages.install(app)
    app.register_blueprint(_pages())


def _pages() -> Blueprint:
    pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")

    @pages.before_request
    def check_csrf_token() -> None:
        if request.endpoint != "pages.static":
            access.csrf.protect()

    @pages.get("/")
    def home() -> Response:
        return redirect(url_for("pages.recognize.form"))

    for module in (access, recognize, train, import_export, people, classify):
        pages.register_blueprint(module.routes)
    return pages
