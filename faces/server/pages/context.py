"""What the pages work with, besides the server's services."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from faces.server.pages.classes import Classes
from faces.server.pages.language import say
from faces.server.people.enrolment import Enrolment
from faces.server.people.named_by import Followed

NAME = "faces.pages"


@dataclass(frozen=True, slots=True)
class Parts:
    """enrolment: the people. classes: the classifier of pictures. recognizer: whose names they are, if not those of the
    people enrolled."""

    enrolment: Enrolment
    classes: Classes
    recognizer: Followed | None = None


def parts() -> Parts:
    """Those of the application that answers now."""
    own = current_app.extensions[NAME]
    assert isinstance(own, Parts)
    return own


def by_whom() -> str:
    """Nothing where names come from the people enrolled here, as they do without ``serve.py --recognizer``."""
    if (recognizer := parts().recognizer) is None:
        return ""
    label = recognizer.label()
    if not label:
        return say("There is no recognizer in service now: names come from the people enrolled here.")
    kind, _, number = label.partition(" ")
    if kind == "version":
        return say("Names come from version {number} of the recognizer, which is in service.", number=number)
    return say("Names come from the recognizer {file}.", file=label)
