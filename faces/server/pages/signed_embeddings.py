"""Embeddings of unknown faces, signed and sent with the page: the server stores nothing about unknown people."""

from __future__ import annotations

import base64

import numpy as np
from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from faces.server import errors
from faces.types import Floats

LIFETIME_SECONDS = 3600


def sign(embedding: Floats) -> str:
    """Return an embedding as a signed text.

    embedding: float32 (D,).
    """
    return _serializer().dumps(base64.b64encode(embedding.astype(np.float32).tobytes()).decode())


def verify(text: str) -> Floats:
    """Return the embedding of a signed text. Raises ApiError 400 if this server did not sign it, or too long ago."""
    try:
        return np.frombuffer(base64.b64decode(_serializer().loads(text, max_age=LIFETIME_SECONDS)), np.float32)
    except (BadData, ValueError, TypeError) as error:
        message = "The result has expired. Recognize the picture again, then name the face."
        raise errors.bad_argument(message) from error


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or b"", salt="a face")
