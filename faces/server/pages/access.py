"""The login, and the page Keys: a signed cookie grants access to the pages for twelve hours after a key was entered."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import timedelta

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from faces.server import errors
from faces.server.access import callers, scopes
from faces.server.access.callers import Caller
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.keys import KEY_HEADER
from faces.server.pages.language import COOKIE, LANGUAGES, date, translate
from faces.server.store import named_keys

LOGIN_LIFETIME = timedelta(hours=12)
LANGUAGE_SECONDS = 365 * 24 * 3600  # lifetime of the language cookie
API_PATHS = (*callers.READERS, "/healthz", "/openapi.json")  # their errors are JSON
LOGIN_TIME = "inside"  # session field: when the key was entered, s since 1970
KEY_ID = "key"  # session field: the id of the key, "" for the default one

csrf = CSRFProtect()
routes = Blueprint("access", __name__)


def install(app: Flask, key: str) -> None:
    """Require a login for all pages, with a key whose scope suffices; interfaces for programs check their key.

    The key to sign cookies is derived from the default key: logins survive a restart and end when that key changes.
    """
    app.secret_key = hmac.digest(key.encode(), b"the sessions of the pages", hashlib.sha256)
    app.config |= {
        "SESSION_COOKIE_NAME": "faces_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": LOGIN_LIFETIME,
        "SESSION_REFRESH_EACH_REQUEST": False,  # a late picture would undo what a form stored meanwhile
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": None,  # valid as long as the session
    }
    app.session_interface = _SessionInterface()
    csrf.init_app(app)

    @app.before_request
    def require_login() -> Response | None:
        if scopes.needed(request.endpoint) is None or callers.given_key() is not None:
            return None
        if (caller := page_caller()) is not None:
            callers.require_scope(caller)
            return None
        if is_api_request():  # a client that uses a wrong base path of the Face API
            raise NotFound
        next_path = request.path if request.method == "GET" and request.path != "/" else None
        return redirect(url_for("pages.access.login", next=next_path))


def page_caller() -> Caller | None:
    """Return who is logged in; None if no valid key was entered within ``LOGIN_LIFETIME``.

    Each request would prolong the cookie itself.
    """
    if "page_caller" not in g:
        g.page_caller = None  # also for the page that tells why the database does not answer
        if time.time() - float(session.get(LOGIN_TIME, 0)) < LOGIN_LIFETIME.total_seconds():
            g.page_caller = callers.keys().caller_with_id(session.get(KEY_ID, ""))
    return g.page_caller  # type: ignore[no-any-return]


def logged_in() -> bool:
    """Return whether the browser is logged in."""
    return page_caller() is not None


def may(endpoint: str) -> bool:
    """Return whether the key of the login allows the use of an endpoint: pages show nothing else."""
    caller = page_caller()
    return caller is not None and caller.may(endpoint)


def is_api_request() -> bool:
    """Return whether the request is for an interface for programs, by its path or its key header, and needs no page."""
    return request.path.lower().startswith(API_PATHS) or KEY_HEADER in request.headers


@routes.get("/login")
def login() -> Response | str:
    """Show the login form."""
    return redirect(url_for("pages.home")) if logged_in() else render_template("login.html")


@routes.post("/login")
def check_key() -> Response | tuple[str, int]:
    """Log in with a key."""
    caller = callers.keys().caller(request.form.get("key", "").strip())
    if caller is None:
        callers.refuse_guess()
        return render_template("login.html", wrong=True), 401
    session.clear()
    session[LOGIN_TIME], session[KEY_ID], session.permanent = int(time.time()), caller.key_id, True
    return redirect(local_path(request.form.get("next", "")))


@routes.post("/logout")
def logout() -> Response:
    """Log out."""
    session.clear()
    return redirect(url_for("pages.access.login"))


@routes.get("/keys")
def list_keys() -> str:
    """Show the named keys, and the form for a new one."""
    return _keys_page()


@routes.post("/keys")
def add_key() -> str | tuple[str, int]:
    """Make a key. This answer alone shows it."""
    name, scope = request.form.get("name", ""), request.form.get("scope", "")
    try:
        if not name.strip():
            raise errors.bad_argument("Enter a name.")
        if scope not in scopes.WORDS:
            raise errors.bad_argument("Choose what the key allows.")
        with services().database.write() as database:
            row, key = named_keys.create(database, name, scope)
            made = row.name
    except ApiError as error:
        if error.status not in (400, 409):
            raise
        return _keys_page(problem_text=translate(error.message), name=name, scope=scope), error.status
    services().audit("make_key", name=made, scope=scope)
    return _keys_page(made=made, new_key=key)


@routes.post("/keys/<key_id>/revoke")
def revoke_key(key_id: str) -> Response:
    """Revoke a key: it is refused from now on, and logins with it end."""
    with services().database.write() as database:
        if (row := named_keys.find(database, key_id)) is None:
            raise NotFound
        name = row.name
        database.delete(row)
    services().audit("revoke_key", name=name)
    flash(translate("The key {name} is revoked.", name=name))
    return redirect(url_for(".list_keys"))


def _keys_page(**values: object) -> str:
    with services().database.read() as database:
        rows = [(row.id, row.name, row.scope, date(row.created)) for row in named_keys.listed(database)]
    return render_template("keys.html", keys=rows, scopes=scopes.WORDS, **values)


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
