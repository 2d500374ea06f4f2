"""Bring back who was removed or merged by mistake, or erase the removed before their grace is over."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, url_for
from werkzeug.wrappers import Response

from faces.server.pages.context import page_services
from faces.server.pages.language import display_name, translate
from faces.server.pages.people import describe_removal

routes = Blueprint("removals", __name__)


@routes.post("/people/removed/<id_>/undo")
def undo(id_: str) -> Response:
    """Undo a removal or a merge."""
    person = page_services().people.removals.undo(id_)
    flash(translate("{name} is back.", name=display_name(person.name)))
    return redirect(url_for("pages.people.person", person_id=person.id))


@routes.post("/people/removed/<id_>/erase")
def erase(id_: str) -> Response:
    """Erase at once what was removed."""
    flash(describe_removal(page_services().people.removals.erase(id_)))
    return redirect(url_for("pages.people.list_people"))
