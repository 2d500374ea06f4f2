"""What is shown: questions, groups, people, answers, and faces, which are cut out of the photographs each time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import cv2
from flask import Blueprint, make_response, render_template
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from faces.errors import FacesError
from faces.photos import answers, contents, groups
from faces.photos.finding import best_faces
from faces.photos.groups import Group
from faces.photos.library import Library
from faces.photos.pictures import crop
from faces.photos.questions import WHO, Question, questions
from faces.photos.records import Face
from faces.photos.sheets import perhaps
from faces.server.photos.context import library

BEST, ALL = 18, 500  # faces of a group on its page, at most: at first, and when all are asked for
CARDS, ANSWERS = 60, 20  # groups, and answers, on a page
SIDE = 192  # px of a cut-out
CUTOUTS = 2000  # kept in memory, never in a file: about 10 kB each
MISSING = (  # in place of a face whose file is gone
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="#8794944d"/>'
    '<g fill="#879494"><circle cx="32" cy="25" r="11"/><path d="M11 58c2-14 11-19 21-19s19 5 21 19z"/></g></svg>'
)

routes = Blueprint("shown", __name__)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, the face that stands for it, and how many faces it was about."""

    answer: answers.Answer
    face: int | None
    number: int


def state_of(opened: Library, group: Group) -> str:
    """Return what changes with a group's faces and name, so that a form tells which state it was filled in for."""
    text = repr((groups.faces_of(opened, group.id), group.person, group.ignored))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def group_of(opened: Library, number: int) -> Group | None:
    """Return a group; None if there is none with this number."""
    return next((group for group in groups.groups(opened) if group.id == number), None)


def cover(group: int) -> int | None:
    """Return the face that stands for a group; None if no file shows one."""
    with library() as opened:
        return next((face.id for face in best_faces(opened, group, 1)), None)


def question_page(after: int) -> str:
    """Show a question. after: number of questions to leave for later."""
    with library() as opened:
        asked = questions(opened)
        if not asked:
            return render_template("photos/done.html", people=groups.people(opened))
        after = after if 0 <= after < len(asked) else 0
        question = asked[after]
        later = after + 1 if after + 1 < len(asked) else None
        if question.kind == WHO and question.group:
            return _group_page(opened, question.group, left=len(asked), later=later, question=question)
        alike = [group for group in groups.groups(opened) if group.person == question.person]
        known = best_faces(opened, alike[0].id, 6) if alike else []
        return render_template("photos/is_it.html", question=question, known=known, left=len(asked), later=later)


@routes.get("/groups")
def list_groups() -> str:
    """Show the groups without a name, largest first."""
    return _cards("photos/groups.html", named=False)


@routes.get("/people")
def list_people() -> str:
    """Show the people who have names."""
    return _cards("photos/people_named.html", named=True)


@routes.get("/groups/<int:number>")
def group(number: int) -> str:
    """Show a group with its best faces."""
    with library() as opened:
        return _group_page(opened, number)


@routes.get("/groups/<int:number>/all")
def whole_group(number: int) -> str:
    """Show a group with all of its faces."""
    with library() as opened:
        return _group_page(opened, number, most=ALL)


@routes.get("/groups/<int:number>/merge")
def others(number: int) -> str:
    """Show the groups that may be the same person."""
    with library() as opened:
        one = group_of(opened, number)
        if one is None:
            raise NotFound
        listed = [other for other in groups.groups(opened) if other.id != number and not other.ignored]
        listed.sort(key=lambda other: other.person is None)  # people first; then the largest
        return render_template("photos/merge.html", group=one, state=state_of(opened, one), others=listed[:CARDS])


@routes.get("/answers")
def list_answers() -> str:
    """Show the last answers."""
    with library() as opened:
        last = [one for one in answers.answers(opened) if one.source == answers.PERSON][: -ANSWERS - 1 : -1]
    said = [Said(one, one.faces[0] if one.faces else None, len(one.faces)) for one in last]
    return render_template("photos/answers.html", said=said)


@routes.get("/faces/<int:number>.jpg")
def face(number: int) -> Response:
    """Send a face, cut out of the first of its files that can be read; a placeholder if none can."""
    with library() as opened:
        files = list(contents.faces(opened, ids=[number]))
    if not files:
        raise NotFound
    picture = next((picture for one in files if (picture := _cutout(one))), None)
    response = make_response(picture or MISSING)
    response.mimetype = "image/jpeg" if picture else "image/svg+xml"
    return response


def _cards(template: str, named: bool) -> str:
    with library() as opened:
        listed = [
            one for one in groups.groups(opened, unknown=not named) if not named or (one.person and not one.ignored)
        ]
        if named:
            listed.sort(key=lambda one: (one.person or "").casefold())
    return render_template(template, groups=list(islice(listed, None if named else CARDS)), number=len(listed))


def _group_page(
    opened: Library,
    number: int,
    most: int = BEST,
    left: int | None = None,
    later: int | None = None,
    question: Question | None = None,
) -> str:
    one = group_of(opened, number)
    if one is None:
        raise NotFound
    return render_template(
        "photos/group.html",
        group=one,
        state=state_of(opened, one),
        faces=best_faces(opened, number, BEST) if most == BEST else _all_faces(opened, number, most),
        most=most,
        names=list(groups.people(opened)),
        perhaps=perhaps(question) if question else "",
        question=question,
        left=left,
        later=later,
    )


def _all_faces(opened: Library, group: int, most: int) -> list[Face]:
    """Return each face once, also if several files show it."""
    return list({one.id: one for one in contents.faces(opened, group=group, best_first=True)}.values())[:most]


def _cutout(one: Face) -> bytes | None:
    try:
        return _encoded(one)
    except FacesError:
        return None


@lru_cache(maxsize=CUTOUTS)
def _encoded(one: Face) -> bytes:
    """Return a face as JPEG. Raises FacesError if it cannot be read: nothing is remembered, as a disk may come back."""
    image = crop(one, SIDE)
    if image is None:
        raise FacesError(f"{one.path}: cannot be read any more")
    return bytes(cv2.imencode(".jpg", image)[1])
