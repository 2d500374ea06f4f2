"""Responses that several routes share."""

from __future__ import annotations

from flask import Response

from faces.server.store.schema import Face, Person

Json = dict[str, object]


def empty(status: int = 200) -> Response:
    """Return a response with neither a body nor a content type."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def person_json(person: Person) -> Json:
    """Return a person as the API describes one."""
    return {
        "personId": person.id,
        "persistedFaceIds": [face.id for face in person.faces],
        "name": person.name,
        "userData": person.user_data,
    }


def face_json(face: Face) -> Json:
    """Return a persisted face as the API describes one."""
    return {"persistedFaceId": face.id, "userData": face.user_data}
