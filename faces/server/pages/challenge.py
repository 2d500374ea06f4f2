"""The challenge on the page Recognize: what the person before the camera does, picture after picture."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from faces.display.challenges import measured
from faces.server import errors
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.pages import pictures
from faces.server.pages.context import page_services
from faces.server.pages.error_pages import message_of

NO_MESH = "The challenge needs the face mesh. Run: faces download-models mesh, and start the server again."
OVER = "This challenge is over. Start another one."

routes = Blueprint("challenge", __name__)


@routes.post("/recognize/challenge")
def ask() -> str | tuple[str, int]:
    """Begin a challenge, or with its id in the form field ``challenge`` look at the next picture."""
    challenges, vision = page_services().challenges, services().vision
    try:
        if not vision.has_mesh:
            raise errors.bad_argument(NO_MESH)
        if not (name := request.form.get("challenge", "")):
            name, challenge = challenges.begin()
        else:
            with vision.open_image(pictures.uploaded()) as image:
                faces = vision.candidates(image)
                meshes = vision.meshes(image, faces)
            assert meshes is not None
            answered = challenges.observe(name, faces, measured(meshes))
            if answered is None:
                raise errors.bad_argument(OVER)
            challenge = answered
    except ApiError as error:
        return render_template("_error.html", message=message_of(error)), error.status
    return render_template("_challenge.html", name=name, challenge=challenge)
