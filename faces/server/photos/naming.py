"""The answers of the page: each is taken only for what its form showed, and everything is grouped again after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from faces.errors import FacesError, UsageError
from faces.photos import answers, contents, groups
from faces.photos.groups import Group
from faces.photos.library import Library
from faces.photos.records import IGNORED
from faces.photos.regrouping import regroup
from faces.server.pages.language import count, translate
from faces.server.photos.context import library, services
from faces.server.photos.shown import group_of, state_of

NO_NAME = "This is no name for a person: use letters, and no slash."
TOGETHER = "They are not one person: they have faces in one picture. Take those out first."

routes = Blueprint("naming", __name__)


class Changed(Exception):  # noqa: N818 (no error: somebody was faster)
    """What a form was about is not as it was when the form was shown."""


@routes.post("/groups/<int:number>/name")
def name(number: int) -> Response:
    """Name a group."""
    person = request.form.get("name", "")
    with _group(number) as (opened, group):
        faces = groups.faces_of(opened, group.id)
        try:
            answers.name(opened, faces, person)
        except UsageError:
            flash(translate(NO_NAME), "problem")
            return redirect(url_for("pages.shown.group", number=number))
        _conclude(opened)
    flash(count("{number} face is {name}.", "{number} faces are {name}.", len(faces), name=" ".join(person.split())))
    return redirect(url_for("pages.home"))


@routes.post("/groups/<int:number>/ignore")
def ignore(number: int) -> Response:
    """Ignore a group for ever."""
    with _group(number) as (opened, group):
        faces = groups.faces_of(opened, group.id)
        answers.ignore(opened, faces)
        _conclude(opened)
    flash(count("{number} face is ignored.", "{number} faces are ignored.", len(faces)))
    return redirect(url_for("pages.home"))


@routes.post("/groups/<int:number>/split")
def split(number: int) -> Response:
    """Take the chosen faces out of a group: they are not the others."""
    with _group(number) as (opened, group):
        if not (chosen := _chosen(opened, group)):
            return redirect(url_for("pages.shown.group", number=number))
        rest = [face for face in groups.faces_of(opened, group.id) if face not in chosen]
        answers.different(opened, chosen, rest)
        _conclude(opened)
        there = group_of(opened, number)
    flash(count("{number} face is taken out.", "{number} faces are taken out.", len(chosen)))
    return redirect(url_for("pages.shown.group", number=number) if there else url_for("pages.home"))


@routes.post("/groups/<int:number>/not-this-person")
def not_this_person(number: int) -> Response:
    """Say that the chosen faces are not the group's person."""
    with _group(number) as (opened, group):
        if group.person is None:
            raise Changed
        if not (chosen := _chosen(opened, group)):
            return redirect(url_for("pages.shown.group", number=number))
        answers.not_person(opened, chosen, group.person)
        _conclude(opened)
        there = group_of(opened, number)
    flash(count("{number} face is not {name}.", "{number} faces are not {name}.", len(chosen), name=group.person))
    return redirect(url_for("pages.shown.group", number=number) if there else url_for("pages.home"))


@routes.post("/groups/<int:number>/merge")
def merge(number: int) -> Response:
    """Say that a group and another one are one person."""
    with _group(number) as (opened, group):
        other = group_of(opened, request.form.get("other", 0, int))
        if other is None or other.id == group.id:
            raise Changed
        mine, theirs = (groups.faces_of(opened, one.id) for one in (group, other))
        if answers.have_one_picture(opened, [*mine, *theirs]):
            flash(
                translate("They are not one person: they have faces in one picture. Take those out first."), "problem"
            )
            return redirect(url_for("pages.shown.group", number=number))
        if other.person:
            answers.name(opened, mine, other.person)
        elif group.person:
            answers.name(opened, theirs, group.person)
        else:
            answers.same(opened, [*mine, *theirs])
        _conclude(opened)
        became = next((face.group for face in contents.faces(opened, ids=mine[:1])), None)
    flash(translate("The two groups are one person."))
    return redirect(url_for("pages.shown.group", number=became or number))


@routes.post("/faces/<int:number>/<any(yes, no, ignore):said>")
def is_it(number: int, said: str) -> Response:
    """Answer whether a face without a group is a person."""
    person = request.form.get("person", "")
    with _answering() as opened:
        known = next(contents.faces(opened, ids=[number]), None)
        if (
            known is None
            or known.person
            or known.group
            or known.status == IGNORED
            or person not in groups.people(opened)
        ):
            raise Changed
        if said == "yes":
            answers.name(opened, [number], person)
            flash(count("{number} face is {name}.", "{number} faces are {name}.", 1, name=person))
        elif said == "no":
            answers.not_person(opened, [number], person)
            flash(count("{number} face is not {name}.", "{number} faces are not {name}.", 1, name=person))
        else:
            answers.ignore(opened, [number])
            flash(count("{number} face is ignored.", "{number} faces are ignored.", 1))
        _conclude(opened)
    return redirect(url_for("pages.home"))


@routes.post("/answers/<int:number>/undo")
def undo(number: int) -> Response:
    """Take an answer back."""
    with _answering() as opened:
        try:
            answers.undo(opened, number)
        except UsageError as error:
            raise Changed from error
        _conclude(opened)
    flash(translate("The answer is taken back."))
    return redirect(url_for("pages.shown.list_answers"))


@contextmanager
def _answering() -> Iterator[Library]:
    with services().answering, library() as opened:
        yield opened


@contextmanager
def _group(number: int) -> Iterator[tuple[Library, Group]]:
    """Open the library for an answer about a group. Raises Changed if it is not as the form showed it."""
    with _answering() as opened:
        group = group_of(opened, number)
        if group is None or state_of(opened, group) != request.form.get("state"):
            raise Changed
        yield opened, group


def _chosen(opened: Library, group: Group) -> list[int]:
    """Return the chosen faces; none, with a message, if they are none or all."""
    faces = set(groups.faces_of(opened, group.id))
    chosen = sorted(faces & set(request.form.getlist("face", int)))
    if not chosen:
        flash(translate("Choose the faces first."), "problem")
    elif len(chosen) == len(faces) and group.person is None:
        flash(translate("Leave at least one face: those that you choose are somebody else."), "problem")
        return []
    return chosen


def _conclude(opened: Library) -> None:
    """Group again, and write the readable table of answers: without it the answer is kept all the same."""
    regroup(opened, services().false_merge, services().recognizer)
    try:
        answers.write_corrections(opened)
    except FacesError as error:
        flash(str(error), "problem")
