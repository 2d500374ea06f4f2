"""What the pages use, besides the services of the Face API."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import current_app, request
from sqlalchemy import select

from faces.attributes.predictor import DEFAULT
from faces.server.api.context import services
from faces.server.pages.language import display_name, percent, translate
from faces.server.pages.picture_classifier import PictureClassifier
from faces.server.people import identification, people_group
from faces.server.people.enrolled_people import EnrolledPeople
from faces.server.people.served_recognizer import ServedRecognizer
from faces.server.store.schema import Person
from faces.server.vision.open_challenges import OpenChallenges
from faces.types import Floats

EXTENSION = "faces.pages"  # key in ``Flask.extensions``
MAX_SUGGESTED_NAMES = 1000  # any other name can be typed


@dataclass(frozen=True, slots=True)
class PageServices:
    """The services of the pages.

    recognizer: names faces; None if the enrolled people do.
    exclusive: whether no two faces of a picture are given the same name.
    challenges: those that were not answered yet.
    attributes: what the pages say of a face, as for ``attribute_words.describe``.
    """

    people: EnrolledPeople
    classifier: PictureClassifier
    recognizer: ServedRecognizer | None = None
    exclusive: bool = True
    attributes: tuple[str, ...] = DEFAULT
    challenges: OpenChallenges = field(default_factory=OpenChallenges)


def page_services() -> PageServices:
    """Return the services of the current application."""
    installed = current_app.extensions[EXTENSION]
    assert isinstance(installed, PageServices)
    return installed


def names_source() -> str:
    """Return a sentence that tells which recognizer names faces; "" without ``serve.py --recognizer``."""
    if (recognizer := page_services().recognizer) is None:
        return ""
    label = recognizer.label()
    if not label:
        return translate("There is no recognizer in service. Names come from the people enrolled here.")
    kind, _, number = label.partition(" ")
    if kind == "version":
        return translate("Names come from version {number} of the recognizer.", number=number)
    return translate("Names come from the recognizer {file}.", file=label)


def enrolment_question(name: str, embedding: Floats) -> str:
    """Return what to ask before a face is enrolled as a person; "" for nothing, or once it was answered.

    The answer is the form field ``anyway``: the name for which it was given.

    embedding: float32 (D,), unit length.
    """
    name, own = name.strip(), services()
    if request.form.get("anyway") == name:
        return ""
    doubt = identification.doubt(own.database, own.indexes, own.confidence, name, embedding)
    if doubt is None:
        return ""
    if doubt.match is None:
        return translate("This does not look like the other faces of {name}. Save it all the same?", name=name)
    other, share = display_name(doubt.match.name), percent(doubt.match.confidence)
    question = "This looks like {other}, {share}. Save it as {name} all the same?"
    return translate(question, other=other, share=share, name=name)


def suggested_names() -> list[str]:
    """Return the names of enrolled people that a name field suggests, in alphabetical order."""
    with services().database.read() as session:
        if (group := people_group.find_group(session)) is None:
            return []
        names = select(Person.name).where(Person.collection_key == group.key).order_by(Person.name)
        return [name for name in session.scalars(names.limit(MAX_SUGGESTED_NAMES)) if name]
