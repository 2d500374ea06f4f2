"""Queries on named keys. A key is ``ID-SECRET``; of the secret, 256 random bits, only the SHA-256 is stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
import unicodedata
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from faces.server.errors import ApiError, bad_argument
from faces.server.keys import DEFAULT_KEY_NAME
from faces.server.store.schema import MAX_KEY_NAME, NamedKey

KEY = re.compile(r"([0-9a-f]{8})-([0-9a-f]{64})")


def create(session: Session, name: str, scope: str) -> tuple[NamedKey, str]:
    """Add a key.

    session: writes to the database.
    name: unique; upper and lower case are the same.
    scope: what the key allows.

    Returns the stored key, and the key itself, which cannot be read again. Raises ApiError 400 for an invalid name, and
    409 if it is taken.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise bad_argument("The name is empty.")
    if len(name) > MAX_KEY_NAME:
        raise bad_argument(f"The name is too long: at most {MAX_KEY_NAME} characters.")
    if not name.isprintable():
        raise bad_argument("The name contains characters that are not allowed.")
    if name.casefold() == DEFAULT_KEY_NAME or find_by_name(session, name) is not None:
        raise ApiError(409, "KeyExists", "A key with this name already exists.")
    key = f"{secrets.token_hex(4)}-{secrets.token_hex(32)}"
    row = NamedKey(id=key[:8], name=name, scope=scope, sha256=_digest(key), created=time.time())
    session.add(row)
    session.flush()
    return row, key


def listed(session: Session) -> Sequence[NamedKey]:
    """Return all keys in the order in which they were made."""
    return session.scalars(select(NamedKey).order_by(NamedKey.created, NamedKey.id)).all()


def find(session: Session, key_id: str) -> NamedKey | None:
    """Return the key with this id; None if there is none."""
    return session.get(NamedKey, key_id)


def find_by_name(session: Session, name: str) -> NamedKey | None:
    """Return the key with this name in upper or lower case; None if there is none."""
    return next((row for row in listed(session) if row.name.casefold() == name.strip().casefold()), None)


def id_of(key: str) -> str | None:
    """Return the id in a key; None if the text is not in the form of a key."""
    match = KEY.fullmatch(key)
    return match[1] if match else None


def is_valid(row: NamedKey, key: str) -> bool:
    """Return whether a key is this one. Compares in constant time."""
    return hmac.compare_digest(row.sha256, _digest(key))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
