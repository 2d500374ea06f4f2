"""People in and out: what the scripts made is imported, and what the scripts read is exported."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from flask import Blueprint, render_template, request, send_file
from werkzeug.wrappers import Response

from faces.errors import FacesError
from faces.server import errors
from faces.server.enrolment import Imported
from faces.server.errors import ApiError
from faces.server.pages.language import say
from faces.server.pages.parts import parts
from faces.server.services import services

TOLD = 20  # files that were left out, by name

routes = Blueprint("exchange", __name__)


@routes.post("/people/import")
def load() -> str | tuple[str, int]:
    """A file, or a folder's; with ``part`` the answer is that part of a page, which counts on from ``before``."""
    template = "_imported.html" if request.form.get("part") else "imported.html"
    try:
        imported = _imported()
    except ApiError as error:
        return render_template(template, problem_text=say(error.message)), error.status
    except FacesError as error:
        return render_template(template, problem_text=str(error)), 400
    return render_template(template, imported=imported)


@routes.get("/people/export/embeddings.pickle")
def embeddings() -> Response:
    data = parts().enrolment.export_embeddings()
    return send_file(io.BytesIO(data), "application/octet-stream", as_attachment=True, download_name="embeddings.pickle")


@routes.get("/people/export/dataset.zip")
def dataset() -> Response:
    file = tempfile.TemporaryFile()
    parts().enrolment.export_dataset(file)
    file.seek(0)
    return send_file(file, "application/zip", as_attachment=True, download_name="dataset.zip")


def _imported() -> Imported:
    enrolment = parts().enrolment
    folder = [file for file in request.files.getlist("folder") if file.filename]
    single = request.files.get("file")
    if folder:
        return enrolment.import_dataset(((file.filename or "", file.read()) for file in folder), services().vision)
    if not single:
        raise errors.bad_argument("Choose a file or a folder first.")
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "upload"
        single.save(path)
        if zipfile.is_zipfile(path):
            return enrolment.import_dataset(path, services().vision)
        return enrolment.import_embeddings(path)
