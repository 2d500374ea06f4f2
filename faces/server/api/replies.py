"""What several routes answer: nothing, a person, a face."""

from __future__ import annotations

from flask import Response

from faces.server.store.schema import Face, Person

Json = dict[str, object]


def empty(status: int = 200) -> Response:
    """No body at all, and no content type either."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    return response


def person_json(person: Person) -> Json:
    return {
        "personId": person.id,
        "persistedFaceIds": [face.id for face in person.faces],
        "name": person.name,
        "userData": person.user_data,
    }


def face_json(face: Face) -> Json:
    return {"persistedFaceId": face.id, "userData": face.user_data}
