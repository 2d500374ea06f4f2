"""The page Train: enrol a person with a name and a picture."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from flask import Blueprint, render_template, request

from faces.server import errors
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.limits import MAX_IMAGE_BYTES
from faces.server.pages import pictures, signed_embeddings
from faces.server.pages.context import enrolment_question, page_services, suggested_names
from faces.server.pages.error_pages import message_of
from faces.server.pages.language import decimal, translate
from faces.server.pages.pictures import Mark, View
from faces.types import Floats, Image

MAX_BYTES = 3 << 20  # of a picture on this page

MAX_CHOICES = 24  # faces of a picture of which one can be enrolled: the largest

routes = Blueprint("train", __name__)


class UnsuitablePictureError(Exception):
    """A picture cannot be used to enrol a person.

    message: for the user, in the user's language.
    view: the picture with its faces; None if it cannot be shown.
    choices: the faces of which one can be enrolled: of each the signed embedding and the cut-out, a JPEG in Base64.
    """

    def __init__(self, message: str, view: View | None = None, choices: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.message, self.view, self.choices = message, view, choices


@routes.get("/train")
def form() -> str:
    """Show the form."""
    return _page()


@routes.post("/train")
def enrol() -> str | tuple[str, int]:
    """Enrol a person."""
    name = request.form.get("name", "")
    try:
        if not name.strip():
            raise errors.bad_argument("Enter a name.")
        if "face" in request.form:  # of the picture before: chosen of several, or after a question
            embedding, image, data = signed_embeddings.face_in_form()
            cut_out = pictures.jpeg(pictures.shrink(image, pictures.CUT_OUT_SIDE))
            face = signed_embeddings.sign(embedding), base64.b64encode(data).decode()
        else:
            data = pictures.uploaded()
            embedding, image, box = _single_face(data)
            cut_out = pictures.cut_out(image, box)
            face = _signed(embedding, image, box)
        if question := enrolment_question(name, embedding):
            return _page(name=name.strip(), question=question, face=face), 409
        created, person = page_services().people.enrol(name, embedding, cut_out, data)
    except ApiError as error:
        return _page(name=name, problem_text=message_of(error)), error.status
    except UnsuitablePictureError as error:
        return _page(name=name, problem_text=error.message, view=error.view, choices=error.choices), 400
    return _page(person=person, created=created, cut_out=pictures.data_url(cut_out))


def _single_face(data: bytes) -> tuple[Floats, Image, Floats]:
    """Return the embedding (D,) of the only face in a picture, the picture, and the face's box: float32 (4,), xyxy, px.

    Raises UnsuitablePictureError for a picture that is too large or does not show exactly one face, and ApiError if
    the file is not a picture.
    """
    too_large = translate(
        "The picture is {size} MB. Use one smaller than 3 MB, or take one with the camera.",
        size=decimal(len(data) / 2**20),
    )
    if len(data) > MAX_IMAGE_BYTES:  # not even decoded
        raise UnsuitablePictureError(too_large)
    vision = services().vision
    with vision.open_image(data) as image:
        faces, embeddings = vision.find(image)
        marks = [Mark(*box, label=str(number), known=False) for number, box in enumerate(pictures.boxes(faces), 1)]
        if len(data) >= MAX_BYTES:
            raise UnsuitablePictureError(too_large, pictures.view(image, marks))
        if len(faces) != 1:
            none = "No face was found in this picture. Use one with a larger face, seen from the front."
            several = "There are {number} faces in this picture. Choose the one of this person."
            message = translate(several if len(faces) else none, number=len(faces))
            each = zip(embeddings, faces.xyxy, strict=True)
            choices = [_signed(embedding, image, box) for embedding, box in each][:MAX_CHOICES]
            raise UnsuitablePictureError(message, pictures.view(image, marks), choices)
        return embeddings[0], image, faces.xyxy[0]


def _signed(embedding: Floats, image: Image, box: Floats) -> tuple[str, str]:
    """Return a signed embedding, and the cut-out to enrol it from: a JPEG in Base64."""
    larger = pictures.cut_out(image, box, pictures.PHOTOGRAPH_SIDE, pictures.PHOTOGRAPH_MARGIN)
    return signed_embeddings.sign(embedding), base64.b64encode(larger).decode()


def _page(**values: object) -> str:
    return render_template("train.html", names=suggested_names(), **values)
