"""The page Classify: name the class of a picture, with a classifier of ``faces train-classifier``."""

from __future__ import annotations

from flask import Blueprint, render_template

from faces.errors import ModelError
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.pages import pictures
from faces.server.pages.context import page_services
from faces.server.pages.error_pages import message_of
from faces.server.pages.picture_classifier import THRESHOLD

SHOWN_CLASSES = 5  # the most probable ones

routes = Blueprint("classify", __name__)


@routes.get("/classify")
def form() -> str:
    """Show the form."""
    return _page()


@routes.post("/classify")
def upload() -> str | tuple[str, int]:
    """Classify an uploaded picture."""
    try:
        with services().vision.open_image(pictures.uploaded()) as image:
            verdict = page_services().classifier.decide(image)
            view = pictures.view(image)
    except ApiError as error:
        return _page(problem_text=message_of(error)), error.status
    except ModelError:  # the page itself explains it
        return _page(), 404
    ranked = sorted(verdict.probabilities.items(), key=lambda item: -item[1])
    return _page(view=view, verdict=verdict, ranked=ranked[:SHOWN_CLASSES])


def _page(**values: object) -> str:
    classifier = page_services().classifier
    missing = damaged = None
    classes: tuple[str, ...] = ()
    try:
        classes = classifier.classes()
    except ModelError as error:
        missing, damaged = not classifier.model.exists(), str(error)
    return render_template(
        "classify.html",
        classes=classes,
        missing=missing,
        damaged=damaged,
        threshold=THRESHOLD,
        **values,
    )
