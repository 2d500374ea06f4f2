"""The application of the page: whoever opened its secret address may use it, until the command ends."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

from flask import Blueprint, Flask, flash, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import Forbidden, HTTPException
from werkzeug.wrappers import Response

from faces.errors import FacesError
from faces.server import pages
from faces.server.pages import access, language, security_headers
from faces.server.pages.error_pages import message_of
from faces.server.photos import naming, shown
from faces.server.photos.context import EXTENSION, Naming

PAGES = Path(pages.__file__).parent
OPEN = ("pages.static", "pages.enter", "pages.access.language")  # show nothing of the library
FORM_BYTES = 1 << 20
LOCKED = "Open the address that the command printed: this page is for whoever started it."


def create_app(services: Naming, secret: str) -> Flask:
    """Create the application. secret: of its address, ``/enter/<secret>``, which lets a browser in."""
    app = Flask(__name__, static_folder=None, template_folder=str(PAGES / "templates"))
    app.extensions[EXTENSION] = services
    app.secret_key = secrets.token_bytes()  # of this run: what a browser keeps of another run is worth nothing
    app.config |= {
        "MAX_CONTENT_LENGTH": FORM_BYTES,
        "SESSION_COOKIE_NAME": "faces_photos",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,  # valid as long as the session
    }
    language.install(app)
    app.jinja_env.globals |= {"return_path": return_path, "cover": shown.cover}
    security_headers.install(app, cacheable="pages.static")

    @app.before_request
    def require_entrance() -> None:
        if request.endpoint not in OPEN and not session.get("inside"):
            raise Forbidden

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> tuple[str, int]:
        message = language.translate(LOCKED) if isinstance(error, Forbidden) else message_of(error)
        return render_template("photos/refused.html", status=error.code, message=message), error.code or 500

    @app.errorhandler(FacesError)
    def fail(error: FacesError) -> tuple[str, int]:
        return render_template("photos/refused.html", status=500, message=str(error), english=True), 500

    CSRFProtect(app)  # after the entrance: a stranger is told that, and not about a form
    app.register_blueprint(_pages(secret))
    return app


def return_path() -> str:
    """Return the path of this page; of a page that answers a form, the first page's."""
    return request.full_path.rstrip("?") if request.method == "GET" and session.get("inside") else "/"


def _pages(secret: str) -> Blueprint:
    routes = Blueprint(
        "pages",
        __name__,
        template_folder="templates",
        static_folder=str(PAGES / "static"),
        static_url_path="/static",
    )

    @routes.get("/enter/<given>")
    def enter(given: str) -> Response:
        if not hmac.compare_digest(given.encode(), secret.encode()):
            raise Forbidden
        session["inside"] = True
        return redirect(url_for(".home"))

    @routes.get("/")
    def home() -> str | Response:
        return shown.question_page(request.args.get("after", 0, int))

    languages = Blueprint("access", __name__)
    languages.add_url_rule("/language/<any(en, es):code>", "language", access.language)
    for part in (languages, shown.routes, naming.routes):
        routes.register_blueprint(part)
    routes.register_error_handler(naming.Changed, _changed)
    return routes


def _changed(error: Exception) -> Response:
    """Tell that an answer came too late: nothing was taken."""
    flash(language.translate("This has changed meanwhile, so your answer was not taken. Look again."), "problem")
    return redirect(url_for("pages.home"))
