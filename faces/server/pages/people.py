"""The page People: list, search, rename, merge and erase people."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, islice

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from faces.errors import FacesError
from faces.server import errors
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.limits import MAX_NAME
from faces.server.pages.context import page_services
from faces.server.pages.error_pages import message_of
from faces.server.pages.language import count, display_name, moment, translate
from faces.server.people import people_group, removal_preview
from faces.server.people.recognizer_erasure import in_service, train_again
from faces.server.people.values import FaceRecord, PersonRecord, Removal

PEOPLE_PER_PAGE = 48
MAX_FILES, MAX_CHARACTERS = 20, 800  # of file names in a message, which is sent in a cookie of at most 4 KB
ERASE = "erase"  # form field: erase at once
RETRAIN = "retrain"  # form field: train a recognizer on who is left
TYPED_NAME = "typed_name"  # session field: a name that was refused

routes = Blueprint("people", __name__)


@routes.get("/people")
def list_people() -> str:
    """List the people whose names contain the search text, page by page."""
    search = request.args.get("search", "").strip()
    people = [person for person in page_services().people.list_all() if search.casefold() in person.name.casefold()]
    pages = max(1, -(-len(people) // PEOPLE_PER_PAGE))
    page = min(max(request.args.get("page", 1, int), 1), pages)
    without_photograph = sum(not any(face.picture for face in person.faces) for person in people)
    return render_template(
        "people.html",
        people=people[(page - 1) * PEOPLE_PER_PAGE : page * PEOPLE_PER_PAGE],
        number=len(people),
        without_photograph=without_photograph,
        removed=[(row, moment(row.until)) for row in page_services().people.removals.listed()],
        search=search,
        page=page,
        pages=pages,
    )


@routes.get("/people/<person_id>")
def person(person_id: str) -> str:
    """Show a person; after a refused change with the reason, and with the name that was typed."""
    person = page_services().people.person(person_id)
    others = [other for other in page_services().people.list_all() if other.id != person.id]
    refused, typed = page_services().people.corrections.refused(person.id), session.pop(TYPED_NAME, None)
    return render_template("person.html", person=person, others=others, typed=typed, refused=refused)


@routes.post("/people/<person_id>/rename")
def rename(person_id: str) -> Response:
    """Rename a person."""
    person = page_services().people.person(person_id)
    name = request.form.get("name", "")
    try:
        if not name.strip():
            raise errors.bad_argument("Enter a name.")
        renamed = page_services().people.rename(person_id, name)
    except ApiError as error:
        if error.status not in (400, 403, 409):
            raise
        session[TYPED_NAME] = name[:MAX_NAME]
        return _refused(person_id, message_of(error))
    names = {"old": display_name(person.name), "new": display_name(renamed.name)}
    flash(translate("{old} is now called {new}.", **names))
    return redirect(url_for(".person", person_id=renamed.id))


@routes.post("/people/<person_id>/merge")
def merge(person_id: str) -> Response:
    """Merge a person into another one."""
    person = page_services().people.person(person_id)
    into = request.form.get("into", "")
    if not into or into == person_id:
        return _refused(person_id, translate("Choose another person to merge with."))
    merged = page_services().people.removals.merge(person_id, into)
    names = {"old": display_name(person.name), "new": display_name(merged.name)}
    flash(translate("{old} and {new} are now one person. You can undo this on the page People for a day.", **names))
    return redirect(url_for(".person", person_id=merged.id))


@routes.get("/people/<person_id>/remove")
def confirm_remove(person_id: str) -> str:
    """Ask whether to erase a person."""
    return _question(page_services().people.person(person_id))


@routes.post("/people/<person_id>/remove")
def remove(person_id: str) -> Response:
    """Erase a person."""
    person = page_services().people.person(person_id)
    train = _to_train()
    people = page_services().people
    remove_it = people.remove_person if ERASE in request.form else people.removals.remove_person
    removal = remove_it(person_id)
    flash(f"{translate('{name} was removed.', name=display_name(person.name))} {describe_removal(removal)}")
    train(removal)
    return redirect(url_for(".list_people"))


@routes.get("/people/<person_id>/faces/<face_id>/remove")
def confirm_remove_face(person_id: str, face_id: str) -> str:
    """Ask whether to erase a face."""
    person = page_services().people.person(person_id)
    for face in person.faces:
        if face.id == face_id:
            return _question(person, face)
    raise errors.persisted_face_not_found(face_id)


@routes.post("/people/<person_id>/faces/<face_id>/remove")
def remove_face(person_id: str, face_id: str) -> Response:
    """Erase a face."""
    train = _to_train()
    people = page_services().people
    remove_it = people.remove_face if ERASE in request.form else people.removals.remove_face
    removal = remove_it(person_id, face_id)
    flash(describe_removal(removal))
    train(removal)
    return redirect(url_for(".person", person_id=person_id))


@routes.get("/people/faces/<face_id>.jpg")
def cutout(face_id: str) -> Response:
    """Send the cut-out of a face."""
    return Response(page_services().people.cutout(face_id), mimetype="image/jpeg")


def _question(person: PersonRecord, face: FaceRecord | None = None) -> str:
    """Return the page that asks whether to erase a person or a face, and says what goes and what does not."""
    own, gallery = services(), page_services().people.gallery_path
    shown = removal_preview.preview(
        own.database, own.indexes, own.confidence, gallery, person.id, face.id if face else None
    )
    return render_template("remove.html", person=person, face=face, preview=shown, retrain=RETRAIN, erase=ERASE)


def _to_train() -> Callable[[Removal], None]:
    """Return what trains a recognizer on who is left, after a removal that erased some, if the form asks for it.

    Call it before the removal: the new recognizer has the options of the one that goes.
    """
    gallery = page_services().people.gallery_path
    if RETRAIN not in request.form or gallery is None:
        return lambda _: None
    with services().database.read() as database:
        before = in_service(gallery, people_group.fingerprint(database))

    def train(removal: Removal) -> None:
        try:
            if removal.pending:
                raise FacesError(removal.pending)
            trained = train_again(gallery, before).gallery
        except FacesError as error:
            flash(translate("No new recognizer could be trained: {reason}", reason=error), "problem")
            return
        people = count("{number} person", "{number} people", len(trained.people))
        one = "A new recognizer was trained on {number} face of {people}."
        several = "A new recognizer was trained on {number} faces of {people}."
        flash(count(one, several, len(trained), people=people))

    return train


def describe_removal(removal: Removal) -> str:
    """Return sentences that tell what was erased, or can be undone, and what was not."""
    if removal.until:
        undo = "You can undo this on the page People until {time}; then it is erased."
        sentences = [translate(undo, time=moment(removal.until))]
    else:
        items = (
            count("{number} face", "{number} faces", removal.faces),
            count("{number} embedding", "{number} embeddings", removal.faces),
            count("{number} photograph", "{number} photographs", removal.photographs),
        )
        sentences = [translate("Erased: {items}.", items=", ".join(items))]
    if removal.models:
        files = _file_list(removal.models)
        sentences.append(translate("Also erased, because they contained this face: {files}.", files=files))
        if RETRAIN not in request.form:
            sentences.append(translate("Run train_model.py to train a new recognizer."))
    if removal.dataset:
        files = _file_list(removal.dataset)
        sentences.append(translate("These photographs are still in the data set: {files}.", files=files))
    if removal.pending:
        reason = removal.pending
        sentences.append(translate("The gallery file is not up to date yet: {reason}", reason=reason))
    return " ".join(sentences)


def _file_list(files: tuple[str, ...]) -> str:
    """Return the first of N >= 1 file names, and the number of the others."""
    ends = accumulate(len(file) for file in files)
    shown = max(1, sum(end <= MAX_CHARACTERS for end in islice(ends, MAX_FILES)))
    names, more = ", ".join(files[:shown]), len(files) - shown
    return translate("{files} and {number} more", files=names, number=more) if more else names


def _refused(person_id: str, reason: str) -> Response:
    """Lead back to the person's page with a reason, so that the browser can load the page again."""
    flash(reason, "problem")
    return redirect(url_for(".person", person_id=person_id))
