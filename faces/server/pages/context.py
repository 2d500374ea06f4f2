"""What the pages use, besides the services of the Face API."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from faces.server.api.context import services
from faces.server.pages.language import translate
from faces.server.pages.picture_classifier import PictureClassifier
from faces.server.people import people_group
from faces.server.people.enrolled_people import EnrolledPeople
from faces.server.people.served_recognizer import ServedRecognizer
from faces.server.store.schema import Person

EXTENSION = "faces.pages"  # key in ``Flask.extensions``
MAX_SUGGESTED_NAMES = 1000  # any other name can be typed


@dataclass(frozen=True, slots=True)
class PageServices:
    """The services of the pages.

    recognizer: names faces; None if the enrolled people do.
    exclusive: whether no two faces of a picture are given the same name.
    """

    people: EnrolledPeople
    classifier: PictureClassifier
    recognizer: ServedRecognizer | None = None
    exclusive: bool = True


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


def suggested_names() -> list[str]:
    """Return the names of enrolled people that a name field suggests, in alphabetical order."""
    with services().database.read() as session:
        if (group := people_group.find_group(session)) is None:
            return []
        names = select(Person.name).where(Person.collection_key == group.key).order_by(Person.name)
        return [name for name in session.scalars(names.limit(MAX_SUGGESTED_NAMES)) if name]
