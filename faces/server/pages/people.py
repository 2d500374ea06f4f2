"""Everyone enrolled: looked at, renamed, merged, erased."""

from __future__ import annotations

from itertools import accumulate, islice

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from faces.server import errors
from faces.server.errors import ApiError
from faces.server.pages.context import parts
from faces.server.pages.failures import reason
from faces.server.pages.language import called, count, say
from faces.server.people.values import PersonRecord, Removal

ON_A_PAGE = 48
TOLD, LETTERS = 20, 800  # of files, by name: the report travels in a cookie, of which browsers keep 4 KB

routes = Blueprint("people", __name__)


@routes.get("/people")
def everyone() -> str:
    """Those whose names contain the search's words, page by page."""
    wanted = request.args.get("search", "").strip()
    found = [one for one in parts().enrolment.people() if wanted.casefold() in one.name.casefold()]
    pages = max(1, -(-len(found) // ON_A_PAGE))
    number = min(max(request.args.get("page", 1, int), 1), pages)
    without = sum(not any(face.picture for face in one.faces) for one in found)
    shown = found[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
    return render_template(
        "people.html", people=shown, number=len(found), without=without, search=wanted, page=number, pages=pages
    )


@routes.get("/people/<person_id>")
def person(person_id: str) -> str:
    return _page(parts().enrolment.person(person_id))


@routes.post("/people/<person_id>/rename")
def rename(person_id: str) -> Response | tuple[str, int]:
    somebody = parts().enrolment.person(person_id)
    new = request.form.get("name", "")
    try:
        if not new.strip():
            raise errors.bad_argument("Say who this is: a name is missing.")
        renamed = parts().enrolment.rename(person_id, new)
    except ApiError as error:
        if error.status not in (400, 403, 409):
            raise
        return _page(somebody, problem_text=reason(error)), error.status
    flash(say("{old} is now called {new}.", old=called(somebody.name), new=called(renamed.name)))
    return redirect(url_for(".person", person_id=renamed.id))


@routes.post("/people/<person_id>/merge")
def merge(person_id: str) -> Response | tuple[str, int]:
    somebody = parts().enrolment.person(person_id)
    into = request.form.get("into", "")
    if not into or into == person_id:
        return _page(somebody, problem_text=say("Choose somebody else to merge with.")), 400
    merged = parts().enrolment.merge(person_id, into)
    flash(say("{old} and {new} are one person now.", old=called(somebody.name), new=called(merged.name)))
    return redirect(url_for(".person", person_id=merged.id))


@routes.get("/people/<person_id>/remove")
def ask_to_remove(person_id: str) -> str:
    return render_template("remove.html", person=parts().enrolment.person(person_id), face=None)


@routes.post("/people/<person_id>/remove")
def remove(person_id: str) -> Response:
    somebody = parts().enrolment.person(person_id)
    removal = parts().enrolment.remove_person(person_id)
    flash(say("{name} was removed.", name=called(somebody.name)) + " " + erased(removal))
    return redirect(url_for(".everyone"))


@routes.get("/people/<person_id>/faces/<face_id>/remove")
def ask_to_remove_face(person_id: str, face_id: str) -> str:
    somebody = parts().enrolment.person(person_id)
    for face in somebody.faces:
        if face.id == face_id:
            return render_template("remove.html", person=somebody, face=face)
    raise errors.persisted_face_not_found(face_id)


@routes.post("/people/<person_id>/faces/<face_id>/remove")
def remove_face(person_id: str, face_id: str) -> Response:
    removal = parts().enrolment.remove_face(person_id, face_id)
    flash(erased(removal))
    return redirect(url_for(".person", person_id=person_id))


@routes.get("/people/faces/<face_id>.jpg")
def cut_out(face_id: str) -> Response:
    return Response(parts().enrolment.cutout(face_id), mimetype="image/jpeg")


def erased(removal: Removal) -> str:
    """What is gone, and what is not, in sentences."""
    number = (
        count("{number} face", "{number} faces", removal.faces),
        count("{number} embedding", "{number} embeddings", removal.faces),
        count("{number} photograph", "{number} photographs", removal.photographs),
    )
    told = [say("Erased: {what}.", what=", ".join(number))]
    if removal.models:
        told.append(say("Erased as well, since they knew this face: {files}.", files=_listed(removal.models)))
        told.append(say("Run train_model.py for new ones."))
    if removal.dataset:
        told.append(say("Photographs that are still in the data set: {files}.", files=_listed(removal.dataset)))
    if removal.pending:
        told.append(say("The gallery's file is not up to date yet: {why}", why=removal.pending))
    return " ".join(told)


def _listed(files: tuple[str, ...]) -> str:
    """The first of one file or more, and how many more there are."""
    ends = accumulate(len(file) for file in files)
    shown = max(1, sum(end <= LETTERS for end in islice(ends, TOLD)))
    some, more = ", ".join(files[:shown]), len(files) - shown
    return say("{files} and {number} more", files=some, number=more) if more else some


def _page(person: PersonRecord, **what: object) -> str:
    others = [one for one in parts().enrolment.people() if one.id != person.id]
    return render_template("person.html", person=person, others=others, **what)
