"""The web pages of the server, rendered here, with a little JavaScript for the camera.

All pages require a login with a key of the server, see ``access``.
"""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from faces.server.pages import (
    access,
    challenge,
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
from faces.server.pages.correcting import matches, moves, removals

FIRST_PAGES = ("pages.recognize.form", "pages.people.list_people")  # the home page is the first that the key allows


def install(app: Flask, services: PageServices, key: str) -> None:
    """Add the pages to an application that serves the Face API.

    key: the default key, from which the key that signs cookies is derived.
    """
    app.extensions[EXTENSION] = services
    language.install(app)
    app.jinja_env.globals |= {
        "return_path": access.return_path,
        "logged_in": access.logged_in,
        "may": access.may,
        "names_source": names_source,
    }
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
        first = next(endpoint for endpoint in FIRST_PAGES if access.may(endpoint))
        return redirect(url_for(first))

    for module in (access, recognize, challenge, train, import_export, people, classify, matches, moves, removals):
        pages.register_blueprint(module.routes)
    return pages
