"""Import and export of people on the page People, as files of the scripts."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from faces.server import errors
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.pages.context import page_services
from faces.server.pages.error_pages import detail_of, message_of
from faces.server.people.values import ImportResult

SHOWN_FILES = 20  # of those left out

routes = Blueprint("import_export", __name__)


@dataclass(frozen=True, slots=True)
class ImportTotal:
    """The sum of the results of all parts of an import.

    people, faces, known: see ``ImportResult``.
    left_out_count: number of files left out.
    left_out: (path, reason) of the first of them.
    """

    people: int = 0
    faces: int = 0
    known: int = 0
    left_out_count: int = 0
    left_out: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_json(cls, text: str) -> ImportTotal:
        """Read the result of ``to_json``; "" is zero. Raises ApiError 400 for any other text."""
        try:
            *numbers, left_out = json.loads(text or "[0, 0, 0, 0, []]")
            people, faces, known, left_out_count = (int(value) for value in numbers)
            pairs = tuple((str(path), str(reason)) for path, reason in left_out)
            return cls(people, faces, known, left_out_count, pairs)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise errors.bad_argument("Request body is invalid.") from error

    def to_json(self) -> str:
        """Return the total as JSON, for the request with the next part."""
        return json.dumps([self.people, self.faces, self.known, self.left_out_count, self.left_out])

    def plus(self, result: ImportResult) -> ImportTotal:
        """Return the total with the result of another part added."""
        return ImportTotal(
            self.people + result.people,
            self.faces + result.faces,
            self.known + result.known,
            self.left_out_count + len(result.left_out),
            (*self.left_out, *result.left_out)[:SHOWN_FILES],
        )


@routes.route("/people/import", methods=["GET", "POST"])
def upload() -> Response | str | tuple[str, int]:
    """Import a file or a folder; without one, as when the result's address is opened again, show the people.

    With the form field ``part`` the answer is a part of the page, and ``before`` holds the total of the parts before.
    """
    if request.method == "GET":
        return redirect(url_for("pages.people.list_people"))
    template = "_imported.html" if request.form.get("part") else "imported.html"
    try:
        total = ImportTotal.from_json(request.form.get("before", "")).plus(_import_uploaded())
    except ApiError as error:
        return render_template(template, problem_text=message_of(error), detail=detail_of(error)), error.status
    return render_template(template, imported=total)


@routes.get("/people/export/embeddings.pickle")
def embeddings() -> Response:
    """Send the embeddings of all people."""
    data = io.BytesIO(page_services().people.export_embeddings())
    return send_file(data, "application/octet-stream", as_attachment=True, download_name="embeddings.pickle")


@routes.get("/people/export/dataset.zip")
def dataset() -> Response:
    """Send the stored photographs."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed once it is sent)
    page_services().people.export_dataset(file)
    file.seek(0)
    return send_file(file, "application/zip", as_attachment=True, download_name="dataset.zip")


def _import_uploaded() -> ImportResult:
    people = page_services().people
    folder = [(file.filename, file.stream) for file in request.files.getlist("folder") if file.filename]
    if folder:
        return people.import_dataset(folder, services().vision)
    if not (upload := request.files.get("file")):
        raise errors.bad_argument("Choose a file or a folder.")
    with tempfile.TemporaryDirectory() as place:
        zipped = zipfile.is_zipfile(upload.stream)
        upload.stream.seek(0)
        path = Path(place, f"{Path(place).name}.{'zip' if zipped else 'pickle'}")  # never the name in the upload
        upload.save(path)
        try:
            return people.import_dataset(path, services().vision) if zipped else people.import_embeddings(path)
        except ApiError as error:
            message = error.message.replace(path.name, upload.filename or "")
            raise ApiError(error.status, error.code, message) from error.__cause__
