"""A name and a picture of one person: enrolled, and found from then on."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from faces.server import errors
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.pages import names, pictures
from faces.server.pages.context import parts
from faces.server.pages.failures import reason
from faces.server.pages.language import say
from faces.server.pages.pictures import Mark, View
from faces.server.vision import vision
from faces.types import Floats

MOST_BYTES = 3 << 20  # of a picture here

routes = Blueprint("train", __name__)


class UnfitError(Exception):
    """Why a picture does not do, and the picture, as far as it can be shown."""

    def __init__(self, reason: str, view: View | None = None) -> None:
        super().__init__(reason)
        self.reason, self.view = reason, view


@routes.get("/train")
def form() -> str:
    return _page()


@routes.post("/train")
def enrol() -> str | tuple[str, int]:
    name = request.form.get("name", "")
    try:
        if not name.strip():
            raise errors.bad_argument("Say who this is: a name is missing.")
        data = pictures.uploaded()
        embedding, cut_out = _one_face(data)
        created, person = parts().enrolment.enrol(name, embedding, cut_out, data)
    except ApiError as error:
        return _page(name=name, problem_text=reason(error)), error.status
    except UnfitError as unfit:
        return _page(name=name, problem_text=unfit.reason, view=unfit.view), 400
    return _page(person=person, created=created, cut_out=pictures.address(cut_out))


def _one_face(data: bytes) -> tuple[Floats, bytes]:
    """The embedding (D,) and the cut-out of the only face. Raises UnfitError, and ApiError for what is no picture."""
    too_large = "The picture has {size:.1f} MB. Use one of less than 3 MB, or take one with the camera."
    too_large = say(too_large, size=len(data) / 2**20)
    if len(data) > vision.MOST_BYTES:  # which is not even looked at
        raise UnfitError(too_large)
    own = services().vision
    image = own.decode(data)
    faces = own.detect(image)
    marks = [Mark(*box, label=str(number), known=False) for number, box in enumerate(pictures.boxes(faces), 1)]
    if len(data) >= MOST_BYTES:
        raise UnfitError(too_large, pictures.view(image, marks))
    if len(faces) != 1:
        none = "No face was found in this picture. Use one in which the face is larger, or seen from the front."
        several = "There are {number} faces in this picture. Use one that shows this person alone."
        raise UnfitError(say(several if len(faces) else none, number=len(faces)), pictures.view(image, marks))
    return own.embed(image, faces)[0], pictures.cut_out(image, faces.xyxy[0])


def _page(**what: object) -> str:
    return render_template("train.html", names=names.known(), **what)
