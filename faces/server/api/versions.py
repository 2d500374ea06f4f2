"""The versions of the API: which one a request names, and the words that later ones spell differently."""

from __future__ import annotations

from flask import request

PREFIX = "FACE_PREFIX"  # in the WSGI environment: the start of the path, up to the version, as the client wrote it
FIRST = ("/face/v1", "/face/v1.0")
LATER = {  # clients of v1.0 compare with what the service sent then, later ones with the constants of their SDK
    "NoGlasses": "noGlasses",
    "ReadingGlasses": "readingGlasses",
    "Sunglasses": "sunglasses",
    "headWear": "headwear",
    "nonstarted": "notStarted",
}


def spelled(answer: object) -> object:
    """Return an answer with its words as the version in the request's address spells them.

    answer: JSON with the words of v1.0, and no text of a user.
    """
    return answer if request.environ[PREFIX].lower() in FIRST else _spelled_later(answer)


def _spelled_later(answer: object) -> object:
    if isinstance(answer, dict):
        return {name: _spelled_later(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [_spelled_later(value) for value in answer]
    return LATER.get(answer, answer) if isinstance(answer, str) else answer
