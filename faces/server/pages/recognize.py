"""The page Recognize: name the people in a picture or in front of the camera; unknown people can be enrolled."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from flask import Blueprint, render_template, request

from faces.server import errors
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.pages import attribute_words, pictures, signed_embeddings
from faces.server.pages.access import may
from faces.server.pages.context import enrolment_question, page_services, suggested_names
from faces.server.pages.error_pages import message_of
from faces.server.pages.language import display_name, percent, translate
from faces.server.pages.pictures import Mark, View
from faces.server.people.values import PersonMatch
from faces.types import Faces, Floats, Image

MIN_WIDTH_FOR_LINES = 0.12  # of the picture: attributes are written below wider faces only

routes = Blueprint("recognize", __name__)


@dataclass(frozen=True, slots=True)
class FaceResult:
    """A recognized face in a picture.

    match: the person; None for unknown.
    attributes: in words.
    signed_embedding, cut_out: needed to enrol the face or to correct its match, "" if this is not allowed; the cut-out
        is a JPEG in Base64.
    """

    match: PersonMatch | None
    attributes: tuple[str, ...]
    signed_embedding: str = ""
    cut_out: str = ""


@routes.get("/recognize")
def form() -> str:
    """Show the form."""
    return render_template("recognize.html")


@routes.post("/recognize")
def upload() -> str | tuple[str, int]:
    """Recognize the faces in a picture.

    The form field ``part`` selects the answer: "" is the page, ``result`` its results, ``live`` the marks over a video.
    """
    part = request.form.get("part", "")
    try:
        can_enrol = part != "live" and may("pages.recognize.enrol")
        view, results = _recognize(pictures.uploaded(), part == "live", can_enrol)
    except ApiError as error:
        template = "_result.html" if part else "recognize.html"
        return render_template(template, problem_text=message_of(error)), error.status
    if part == "live":
        return render_template("_live.html", view=view, results=results)
    template = "_result.html" if part == "result" else "recognize.html"
    return render_template(template, view=view, results=results, names=suggested_names())


@routes.post("/recognize/name")
def enrol() -> str | tuple[str, int]:
    """Enrol an unknown face of an earlier result."""
    template = "_named.html" if request.form.get("part") else "named.html"
    try:
        if not request.form.get("name", "").strip():
            raise errors.bad_argument("Enter a name.")
        embedding, image, photograph = signed_embeddings.face_in_form()
        if question := enrolment_question(request.form["name"], embedding):
            return render_template(template, question=question), 409
        cut_out = pictures.jpeg(pictures.shrink(image, pictures.CUT_OUT_SIDE))
        created, person = page_services().people.enrol(request.form["name"], embedding, cut_out, photograph)
    except ApiError as error:
        return render_template(template, problem_text=message_of(error)), error.status
    return render_template(template, person=person, created=created, cut_out=pictures.data_url(cut_out))


def _recognize(data: bytes, is_live: bool, can_enrol: bool) -> tuple[View, list[FaceResult]]:
    """Return a picture with its marks, and the faces in it from left to right; a live picture is on the page already.

    Raises ApiError if the file is not a picture, or is too small or too large.
    """
    vision = services().vision
    with vision.open_image(data) as image:
        faces, embeddings = vision.find(image)
        order = np.argsort(faces.xyxy[:, 0], kind="stable")  # numbered from left to right
        faces, embeddings = faces[order], embeddings[order]
        results = _results(image, faces, embeddings, can_enrol)
        marks = _marks(faces, results, image)
        view = View(image.shape[1], image.shape[0], marks) if is_live else pictures.view(image, marks)
    return view, results


def _results(image: Image, faces: Faces, embeddings: Floats, can_enrol: bool) -> list[FaceResult]:
    matches = _identify(embeddings)
    names = page_services().attributes
    attributes = attribute_words.describe(services().vision, image, faces, embeddings, names)
    results = []
    for row, (match, words) in enumerate(zip(matches, attributes, strict=True)):
        if can_enrol and (match is None or match.person_id):
            box = faces.xyxy[row]
            cut_out = pictures.cut_out(image, box, pictures.PHOTOGRAPH_SIDE, pictures.PHOTOGRAPH_MARGIN)
            signed = signed_embeddings.sign(embeddings[row])
            results.append(FaceResult(match, words, signed, base64.b64encode(cut_out).decode()))
        else:
            results.append(FaceResult(match, words))
    return results


def _identify(embeddings: Floats) -> list[PersonMatch | None]:
    own = page_services()
    matches = own.recognizer.identify(embeddings, own.exclusive) if own.recognizer else None
    if matches is None:
        return own.people.identify(embeddings, own.exclusive)
    return own.people.with_person_ids(matches, embeddings)


def _marks(faces: Faces, results: list[FaceResult], image: Image) -> tuple[Mark, ...]:
    marks = []
    for number, (box, result) in enumerate(zip(pictures.boxes(faces), results, strict=True), 1):
        match = result.match
        if match:
            label = f"{display_name(match.name)} {percent(match.confidence)}"
        else:
            label = f"{number} {translate('unknown')}"
        has_lines = box[2] >= MIN_WIDTH_FOR_LINES * image.shape[1]
        lines = result.attributes if has_lines else ()
        marks.append(Mark(*box, label=label, known=match is not None, lines=lines))
    return tuple(marks)
