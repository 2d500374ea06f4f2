"""Who may see the pages: whoever has the key. A signed cookie remembers that it was given, for half a day."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import timedelta

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from faces.server.api.application import KEY as API_KEY
from faces.server.api.context import services
from faces.server.pages.language import COOKIE, LANGUAGES

LASTS = timedelta(hours=12)
YEAR = 365 * 24 * 3600  # s
MACHINES = ("/face/", "/healthz", "/metrics", "/openapi.json")
OPEN = ("/face/", "/healthz", "/metrics", "/openapi.json", "/docs", "/docs/", "/login", "/language/", "/static/")
INSIDE = "inside"  # of the session: when the key was given, s since 1970
KEY = "FACES_KEY"  # of the application's settings

csrf = CSRFProtect()
routes = Blueprint("access", __name__)


def install(app: Flask, key: str) -> None:
    """Nothing is answered without a login but what is ``OPEN``; the Face API has its own check.

    Cookies are signed with what only the key gives: they hold after a restart, and end when the key changes.
    """
    app.secret_key = hmac.digest(key.encode(), b"the sessions of the pages", hashlib.sha256)
    app.config |= {
        KEY: key,
        "SESSION_COOKIE_NAME": "faces_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": LASTS,
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session
    }
    app.session_interface = _Sessions()
    csrf.init_app(app)

    @app.before_request
    def ask_for_the_key() -> Response | None:
        path = request.path
        if session_is_needed(path) and not inside():
            if of_machine():  # which looks for the Face API elsewhere than where it is
                raise NotFound
            wanted = path if request.method == "GET" and path != "/" else None
            return redirect(url_for("pages.access.login", next=wanted))
        return None


def inside() -> bool:
    """Whether the key was given within ``LASTS``; the cookie alone would last from one request to the next."""
    return time.time() - float(session.get(INSIDE, 0)) < LASTS.total_seconds()


def of_machine() -> bool:
    """Whether a program asks, which reads no pages: by where it asks, or since it brings the Face API's key."""
    return request.path.lower().startswith(MACHINES) or API_KEY in request.headers


def session_is_needed(path: str) -> bool:
    return not any(path.startswith(some) if some.endswith("/") else path == some for some in OPEN)


@routes.get("/login")
def login() -> Response | str:
    return redirect(url_for("pages.home")) if inside() else render_template("login.html")


@routes.post("/login")
def check() -> Response | tuple[str, int]:
    given = request.form.get("key", "").strip()
    if not hmac.compare_digest(given.encode(), current_app.config[KEY].encode()):
        services().limiter.wrong_key()
        services().audit("refuse")
        return render_template("login.html", wrong=True), 401
    session.clear()
    session[INSIDE], session.permanent = int(time.time()), True
    return redirect(local(request.form.get("next", "")))


@routes.post("/logout")
def logout() -> Response:
    session.clear()
    return redirect(url_for("pages.access.login"))


@routes.get("/language/<any(en, es):code>")
def language(code: str) -> Response:
    assert code in LANGUAGES
    response = redirect(local(request.args.get("next", "")))
    response.set_cookie(COOKIE, code, YEAR, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def local(address: str) -> str:
    """A path on this server, or the first page where it is none: nobody is led elsewhere."""
    harmless = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if harmless else url_for("pages.home")


def here() -> str:
    """The address of this page, or of the one above it where this is only the answer to a form."""
    path = request.full_path.rstrip("?")
    return path if request.method == "GET" else "/" + request.path.split("/")[1]


class _Sessions(SecureCookieSessionInterface):
    """Cookies that go over https alone, where it is https that they were asked for by."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure
