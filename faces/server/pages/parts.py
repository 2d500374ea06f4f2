"""What the pages work with, besides the server's services."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from faces.server.enrolment import Enrolment
from faces.server.in_service import Followed
from faces.server.pages.classes import Classes

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
