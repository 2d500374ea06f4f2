"""Embeddings of unknown faces, signed and sent with the page: the server stores nothing about unknown people."""

from __future__ import annotations

import base64

import numpy as np
from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer

from faces.server import errors
from faces.server.api.context import services
from faces.types import Floats, Image

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


def face_in_form() -> tuple[Floats, Image, bytes]:
    """Return the embedding (D,), the cut-out and the cut-out's file from a form with a face that was found before.

    Of several faces it is the one with the number in the form field ``choice``, from 1.

    Raises ApiError 400 for fields that this server did not make.
    """
    number = request.form.get("choice", 1, int) - 1
    try:
        face, cut_out = (request.form.getlist(field)[max(number, 0)] for field in ("face", "cut_out"))
        embedding, photograph = verify(face), base64.b64decode(cut_out, validate=True)
    except IndexError as error:
        raise errors.bad_argument("Request body is invalid.") from error
    except ValueError as error:
        raise errors.unsupported_image() from error
    with services().vision.open_image(photograph) as image:
        return embedding, image, photograph


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or b"", salt="a face")
