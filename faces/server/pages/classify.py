"""What a picture is of, by a classifier of ``train_classifier.py``."""

from __future__ import annotations

from flask import Blueprint, render_template

from faces.errors import ModelError
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.pages import pictures
from faces.server.pages.classes import THRESHOLD
from faces.server.pages.context import parts
from faces.server.pages.failures import reason

SHOWN = 5  # classes, the likeliest first

routes = Blueprint("classify", __name__)


@routes.get("/classify")
def form() -> str:
    return _page()


@routes.post("/classify")
def upload() -> str | tuple[str, int]:
    try:
        image = services().vision.decode(pictures.uploaded())
        verdict = parts().classes.decide(image)
    except ApiError as error:
        return _page(problem_text=reason(error)), error.status
    except ModelError:  # which the page itself explains
        return _page(), 404
    ranked = sorted(verdict.probabilities.items(), key=lambda item: -item[1])
    return _page(view=pictures.view(image), verdict=verdict, ranked=ranked[:SHOWN])


def _page(**what: object) -> str:
    missing = damaged = None
    names: tuple[str, ...] = ()
    try:
        names = parts().classes.names()
    except ModelError as error:
        missing, damaged = not parts().classes.model.exists(), str(error)
    return render_template("classify.html", names=names, missing=missing, damaged=damaged, threshold=THRESHOLD, **what)
