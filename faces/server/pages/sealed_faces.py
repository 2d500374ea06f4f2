"""Faces on their way to a name: the embedding travels with the page, signed, so that nothing is kept of strangers."""

from __future__ import annotations

import base64

import numpy as np
from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from faces.server import errors
from faces.types import Floats

LASTS = 3600  # s


def sealed(embedding: Floats) -> str:
    """An embedding (D,) as a text that only this server's key makes."""
    return _serializer().dumps(base64.b64encode(embedding.astype(np.float32).tobytes()).decode())


def opened(text: str) -> Floats:
    """The reverse of ``sealed``. Raises ApiError, 400, for any other text, and for one that is too old."""
    try:
        return np.frombuffer(base64.b64decode(_serializer().loads(text, max_age=LASTS)), np.float32)
    except (BadData, ValueError, TypeError) as error:
        raise errors.bad_argument("That was too long ago. Recognize the picture again, then name the face.") from error


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or b"", salt="a face")
