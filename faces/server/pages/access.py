"""The login: a signed cookie grants access to the pages for twelve hours after the key was entered."""

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

from faces.server.api.context import services
from faces.server.keys import KEY_HEADER
from faces.server.pages.language import COOKIE, LANGUAGES

LOGIN_LIFETIME = timedelta(hours=12)
LANGUAGE_SECONDS = 365 * 24 * 3600  # lifetime of the language cookie
API_PATHS = ("/face/", "/healthz", "/metrics", "/openapi.json")
PUBLIC_PATHS = (*API_PATHS, "/docs", "/docs/", "/login", "/language/", "/static/")  # no login needed
LOGIN_TIME = "inside"  # session field: when the key was entered, s since 1970
KEY_SETTING = "FACES_KEY"  # in the application's settings

csrf = CSRFProtect()
routes = Blueprint("access", __name__)


def install(app: Flask, key: str) -> None:
    """Require a login for all paths but ``PUBLIC_PATHS``; the Face API checks its key itself.

    The key to sign cookies is derived from the server's key: logins survive a restart and end when the key changes.
    """
    app.secret_key = hmac.digest(key.encode(), b"the sessions of the pages", hashlib.sha256)
    app.config |= {
        KEY_SETTING: key,
        "SESSION_COOKIE_NAME": "faces_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": LOGIN_LIFETIME,
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": None,  # valid as long as the session
    }
    app.session_interface = _SessionInterface()
    csrf.init_app(app)

    @app.before_request
    def require_login() -> Response | None:
        path = request.path
        if login_required(path) and not logged_in():
            if is_api_request():  # a client that uses a wrong base path of the Face API
                raise NotFound
            next_path = path if request.method == "GET" and path != "/" else None
            return redirect(url_for("pages.access.login", next=next_path))
        return None


def logged_in() -> bool:
    """Return whether the key was entered within ``LOGIN_LIFETIME``; each request would prolong the cookie itself."""
    return time.time() - float(session.get(LOGIN_TIME, 0)) < LOGIN_LIFETIME.total_seconds()


def is_api_request() -> bool:
    """Return whether the request is for the Face API, by its path or its key header, and needs no page."""
    return request.path.lower().startswith(API_PATHS) or KEY_HEADER in request.headers


def login_required(path: str) -> bool:
    """Return whether a path requires a login."""
    return not any(path.startswith(public) if public.endswith("/") else path == public for public in PUBLIC_PATHS)


@routes.get("/login")
def login() -> Response | str:
    """Show the login form."""
    return redirect(url_for("pages.home")) if logged_in() else render_template("login.html")


@routes.post("/login")
def check_key() -> Response | tuple[str, int]:
    """Log in with the key."""
    key = request.form.get("key", "").strip()
    if not hmac.compare_digest(key.encode(), current_app.config[KEY_SETTING].encode()):
        services().limiter.wrong_key()
        services().audit("refuse")
        return render_template("login.html", wrong=True), 401
    session.clear()
    session[LOGIN_TIME], session.permanent = int(time.time()), True
    return redirect(local_path(request.form.get("next", "")))


@routes.post("/logout")
def logout() -> Response:
    """Log out."""
    session.clear()
    return redirect(url_for("pages.access.login"))


@routes.get("/language/<any(en, es):code>")
def language(code: str) -> Response:
    """Change the language, and return to the page."""
    assert code in LANGUAGES
    response = redirect(local_path(request.args.get("next", "")))
    response.set_cookie(COOKIE, code, LANGUAGE_SECONDS, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def local_path(address: str) -> str:
    """Return the address if it is a path on this server, else the home page: no open redirects."""
    is_local = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_local else url_for("pages.home")


def return_path() -> str:
    """Return the path of this page, or of the page with the form if this page is the answer to a form."""
    path = request.full_path.rstrip("?")
    return path if request.method == "GET" else "/" + request.path.split("/")[1]


class _SessionInterface(SecureCookieSessionInterface):
    """Mark session cookies as secure if the request came over https."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure
