"""People in and out: what the scripts made is imported, and what the scripts read is exported."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from pathlib import Path

from flask import Blueprint, render_template, request, send_file
from werkzeug.wrappers import Response

from faces.errors import FacesError
from faces.server import errors
from faces.server.errors import ApiError
from faces.server.pages.failures import explained
from faces.server.pages.parts import parts
from faces.server.records import Imported
from faces.server.services import services

TOLD = 20  # files that were left out, by name

routes = Blueprint("exchange", __name__)


@routes.post("/people/import")
def load() -> str | tuple[str, int]:
    """A file, or a folder's; with ``part`` the answer is that part of a page, which counts on from ``before``."""
    template = "_imported.html" if request.form.get("part") else "imported.html"
    try:
        imported = _together(_before(), _imported())
    except ApiError as error:
        return render_template(template, problem_text=explained(error)), error.status
    except FacesError as error:
        return render_template(template, problem_text=str(error)), 400
    return render_template(template, imported=imported, told=TOLD, before=_written(imported))


@routes.get("/people/export/embeddings.pickle")
def embeddings() -> Response:
    data = io.BytesIO(parts().enrolment.export_embeddings())
    return send_file(data, "application/octet-stream", as_attachment=True, download_name="embeddings.pickle")


@routes.get("/people/export/dataset.zip")
def dataset() -> Response:
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed when it is sent)
    parts().enrolment.export_dataset(file)
    file.seek(0)
    return send_file(file, "application/zip", as_attachment=True, download_name="dataset.zip")


def _imported() -> Imported:
    enrolment = parts().enrolment
    folder = [(file.filename, file.stream) for file in request.files.getlist("folder") if file.filename]
    if folder:
        return enrolment.import_dataset(folder, services().vision)
    if not (single := request.files.get("file")):
        raise errors.bad_argument("Choose a file or a folder first.")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "upload"
        single.save(path)
        if zipfile.is_zipfile(path):
            return enrolment.import_dataset(path, services().vision)
        return enrolment.import_embeddings(path)


def _before() -> Imported:
    """What the parts of a folder that were sent before this one came to."""
    try:
        people, faces, known, left_out = json.loads(request.form.get("before") or "[0, 0, 0, []]")
        return Imported(int(people), int(faces), int(known), tuple((str(what), str(why)) for what, why in left_out))
    except (ValueError, TypeError) as error:
        raise errors.bad_argument("Request body is invalid.") from error


def _together(one: Imported, other: Imported) -> Imported:
    return Imported(
        one.people + other.people, one.faces + other.faces, one.known + other.known, one.left_out + other.left_out
    )


def _written(imported: Imported) -> str:
    return json.dumps([imported.people, imported.faces, imported.known, imported.left_out])
