"""What the page uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from flask import current_app

from faces.photos.grouping import FALSE_MERGE
from faces.photos.library import Library
from faces.recognition.recognizers import Recognizer

EXTENSION = "faces.photos"  # key in ``Flask.extensions``


@dataclass(frozen=True, slots=True)
class Naming:
    """A library to name, and how it is grouped again after each answer.

    false_merge, recognizer: as for ``faces.photos.regrouping.regroup``.
    answering: held while an answer is taken, so that each is about what the one before left.
    """

    path: Path
    false_merge: float = FALSE_MERGE
    recognizer: Recognizer | None = None
    answering: Lock = field(default_factory=Lock)


def services() -> Naming:
    """Return the services of the current application."""
    installed = current_app.extensions[EXTENSION]
    assert isinstance(installed, Naming)
    return installed


@contextmanager
def library() -> Iterator[Library]:
    """Open the library for a request."""
    with Library(services().path) as opened:
        yield opened
