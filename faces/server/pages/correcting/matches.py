"""Not this person: a recognized face that is somebody else."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from faces.server.errors import ApiError
from faces.server.pages import signed_embeddings
from faces.server.pages.context import page_services, suggested_names
from faces.server.pages.error_pages import message_of
from faces.server.pages.language import count

routes = Blueprint("matches", __name__)


@routes.post("/recognize/not")
def refuse() -> str | tuple[str, int]:
    """Remember that a face of an earlier result is not the person as whom it was recognized, and ask who it is."""
    template = "_refused.html" if request.form.get("part") else "refused.html"
    try:
        embedding, _, _ = signed_embeddings.face_in_form()
        person = page_services().people.corrections.refuse(request.form.get("person", ""), embedding)
    except ApiError as error:
        return render_template(template, problem_text=message_of(error)), error.status
    number = request.form.get("number", 1, int)
    face = number, request.form["face"], request.form["cut_out"]
    return render_template(template, person=person, face=face, names=suggested_names())


@routes.post("/people/<person_id>/refused/forget")
def forget(person_id: str) -> Response:
    """Erase the faces that are known not to be a person."""
    number = page_services().people.corrections.forget_refused(person_id)
    flash(count("{number} face was forgotten.", "{number} faces were forgotten.", number))
    return redirect(url_for("pages.people.person", person_id=person_id))
