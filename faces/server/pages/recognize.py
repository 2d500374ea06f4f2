"""Who is in a picture, or before the camera: boxes, names, what faces look like; who is unknown can be named."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from flask import Blueprint, render_template, request

from faces.server import errors
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.pages import attribute_words, names, pictures, sealed_faces
from faces.server.pages.context import parts
from faces.server.pages.failures import reason
from faces.server.pages.language import called, percent, say
from faces.server.pages.pictures import Mark, View
from faces.server.people.values import Candidate
from faces.types import Faces, Floats, Image

WORDY = 0.12  # of the picture's width: a face has to be as wide for what it looks like to be written below it

routes = Blueprint("recognize", __name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A face in a picture. who: None for unknown. seal and cut_out: with which it can be named; "" where it cannot."""

    who: Candidate | None
    look: tuple[str, ...]
    seal: str = ""
    cut_out: str = ""


@routes.get("/recognize")
def form() -> str:
    return render_template("recognize.html")


@routes.post("/recognize")
def upload() -> str | tuple[str, int]:
    """The form ``part``: nothing for a page, ``result`` for what is new on it, ``live`` for the boxes over a video."""
    part = request.form.get("part", "")
    try:
        own, image = services(), services().vision.decode(pictures.uploaded())
        faces = own.vision.detect(image)
        faces = faces[np.argsort(faces.xyxy[:, 0], kind="stable")]  # numbers run from left to right
        embeddings = own.vision.embed(image, faces)
        found = _found(image, faces, embeddings, to_name=part != "live")
    except ApiError as error:
        template = "_result.html" if part else "recognize.html"
        return render_template(template, problem_text=reason(error)), error.status
    marks = _marks(faces, found, image)
    if part == "live":
        return render_template("_live.html", view=View(image.shape[1], image.shape[0], marks), found=found)
    template = "_result.html" if part == "result" else "recognize.html"
    return render_template(template, view=pictures.view(image, marks), found=found, names=names.known())


@routes.post("/recognize/name")
def name() -> str | tuple[str, int]:
    """Enrol a face that was found before."""
    template = "_named.html" if request.form.get("part") else "named.html"
    try:
        if not request.form.get("name", "").strip():
            raise errors.bad_argument("Say who this is: a name is missing.")
        embedding = sealed_faces.opened(request.form.get("face", ""))
        photograph = _cut_out(request.form.get("cut_out", ""))
        image = services().vision.decode(photograph)
        cut_out = pictures.jpeg(pictures.smaller(image, pictures.CUT_OUT))
        created, person = parts().enrolment.enrol(request.form["name"], embedding, cut_out, photograph)
    except ApiError as error:
        return render_template(template, problem_text=reason(error)), error.status
    return render_template(template, person=person, created=created, cut_out=pictures.address(cut_out))


def _found(image: Image, faces: Faces, embeddings: Floats, to_name: bool) -> list[Found]:
    who = _who(embeddings)
    look = attribute_words.of(services().vision, image, faces, embeddings)
    found = []
    for row, (candidate, words) in enumerate(zip(who, look, strict=True)):
        if candidate is None and to_name:
            cut_out = pictures.cut_out(image, faces.xyxy[row], pictures.PHOTOGRAPH, pictures.ROOM)
            found.append(Found(None, words, sealed_faces.sealed(embeddings[row]), base64.b64encode(cut_out).decode()))
        else:
            found.append(Found(candidate, words))
    return found


def _who(embeddings: Floats) -> list[Candidate | None]:
    own = parts()
    matches = own.recognizer.identify(embeddings) if own.recognizer else None
    return own.enrolment.identify(embeddings) if matches is None else own.enrolment.named(matches)


def _marks(faces: Faces, found: list[Found], image: Image) -> tuple[Mark, ...]:
    marks = []
    for number, (box, one) in enumerate(zip(pictures.boxes(faces), found, strict=True), 1):
        label = f"{called(one.who.name)} {percent(one.who.confidence)}" if one.who else f"{number} {say('unknown')}"
        wide = box[2] >= WORDY * image.shape[1]
        marks.append(Mark(*box, label=label, known=one.who is not None, lines=one.look if wide else ()))
    return tuple(marks)


def _cut_out(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise errors.unsupported_image() from error
