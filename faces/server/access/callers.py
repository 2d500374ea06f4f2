"""The callers of a server: which key a request has, and whether its scope suffices."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, g, request

from faces.server import errors
from faces.server.access import scopes
from faces.server.access.scopes import Scope
from faces.server.api.context import services
from faces.server.keys import COMPREFACE_KEY_HEADER, DEEPSTACK_KEY_FIELD, DEFAULT_KEY_NAME, KEY_HEADER
from faces.server.monitoring.audit import KEY_NAME
from faces.server.store import named_keys
from faces.server.store.database import Database

EXTENSION = "faces.keys"  # key in ``Flask.extensions``


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sends a request with a valid key.

    key_name: the name of the key.
    scope: what it allows.
    key_id: "" for the default key.
    """

    key_name: str
    scope: Scope
    key_id: str = ""

    def may(self, endpoint: str) -> bool:
        """Return whether the key allows the use of an endpoint."""
        needed = scopes.needed(endpoint)
        return needed is None or self.scope >= needed


class Keys:
    """The keys of a server: the default one, which allows everything, and those in the database.

    database: holds the named keys; a revoked one is refused from the next request on.
    default: the default key.
    """

    def __init__(self, database: Database, default: str) -> None:
        self._database, self._default = database, default

    def caller(self, key: str) -> Caller | None:
        """Return who has a key; None if it is wrong. Compares in constant time."""
        if hmac.compare_digest(key.encode(), self._default.encode()):
            return Caller(DEFAULT_KEY_NAME, Scope.ADMIN)
        if (key_id := named_keys.id_of(key)) is None:
            return None
        with self._database.read() as session:
            row = named_keys.find(session, key_id)
        if row is None or not named_keys.is_valid(row, key):
            return None
        return Caller(row.name, Scope.of(row.scope), row.id)

    def caller_with_id(self, key_id: str) -> Caller | None:
        """Return who logged in with a key; None if it was revoked. key_id: "" for the default key."""
        if not key_id:
            return Caller(DEFAULT_KEY_NAME, Scope.ADMIN)
        with self._database.read() as session:
            row = named_keys.find(session, key_id)
        return None if row is None else Caller(row.name, Scope.of(row.scope), row.id)


def keys() -> Keys:
    """Return the keys of the current application."""
    installed = current_app.extensions[EXTENSION]
    assert isinstance(installed, Keys)
    return installed


def check_key() -> None:
    """Check the key of a request for an interface for programs, and its scope.

    Raises ApiError: 401 if the key is missing or wrong, 403 if its scope does not suffice.
    """
    given = given_key()
    if given is None or scopes.needed(request.endpoint) is None:
        return
    if (caller := keys().caller(given)) is None:
        if given:  # a request without a key is no guess: any web page can send one
            refuse_guess()
        raise errors.wrong_key()
    require_scope(caller)


def refuse_guess() -> None:
    """Count and record a wrong key."""
    services().limiter.wrong_key()
    services().audit("refuse")


def require_scope(caller: Caller) -> None:
    """Note the caller of the current request. Raises ApiError, 403, if the scope does not suffice."""
    setattr(g, KEY_NAME, caller.key_name)
    needed = scopes.needed(request.endpoint)
    if needed is not None and caller.scope < needed:
        services().audit("refuse", needs=needed.word)
        raise errors.forbidden(caller.scope.word, needed.word)


def given_key() -> str | None:
    """Return the key in the current request, "" if it has none; None for a page, which has a login instead."""
    for start, read in READERS.items():
        if request.path.startswith(start):
            return read()
    return None


def _face_api_key() -> str:
    return request.headers.get(KEY_HEADER) or getattr(request.authorization, "token", None) or ""


READERS: dict[str, Callable[[], str]] = {  # by the start of the path
    "/face/": _face_api_key,
    "/metrics": _face_api_key,
    "/api/v1/": lambda: request.headers.get(COMPREFACE_KEY_HEADER, ""),
    "/v1/": lambda: request.form.get(DEEPSTACK_KEY_FIELD, ""),
}
