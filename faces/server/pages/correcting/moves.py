"""Faces that belong to somebody else: move them to another person, or split them off as a new one."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from faces.server import errors
from faces.server.errors import ApiError
from faces.server.pages.context import page_services
from faces.server.pages.error_pages import message_of
from faces.server.pages.language import count, display_name

routes = Blueprint("moves", __name__)


@routes.post("/people/<person_id>/move")
def move(person_id: str) -> Response:
    """Move the chosen faces of a person to the person with a name, or to a new one."""
    people, faces, name = page_services().people, request.form.getlist("face"), request.form.get("name", "")
    people.person(person_id)
    try:
        if not name.strip():
            raise errors.bad_argument("Enter a name.")
        _, other = people.corrections.move(person_id, faces, name)
    except ApiError as error:
        if error.status not in (400, 403):
            raise
        flash(message_of(error), "problem")
        return redirect(url_for("pages.people.person", person_id=person_id))
    one, several = "{number} face is now one of {name}.", "{number} faces are now those of {name}."
    flash(count(one, several, len(set(faces)), name=display_name(other.name)))
    return redirect(url_for("pages.people.person", person_id=other.id))
