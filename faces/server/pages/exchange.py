"""People in and out: what the scripts made is imported, and what the scripts read is exported."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, render_template, request, send_file
from werkzeug.wrappers import Response

from faces.server import errors
from faces.server.api.context import services
from faces.server.errors import ApiError
from faces.server.pages.context import parts
from faces.server.pages.failures import detail, reason
from faces.server.people.values import Imported

TOLD = 20  # files that were left out, by name

routes = Blueprint("exchange", __name__)


@dataclass(frozen=True, slots=True)
class Tally:
    """What all parts of an import came to: as ``Imported``, and of what was left out the number, and the first few."""

    people: int = 0
    faces: int = 0
    known: int = 0
    number_left_out: int = 0
    left_out: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, text: str) -> Tally:
        """The reverse of ``written``, or nothing yet. Raises ApiError, 400, for anything else."""
        try:
            *numbers, left_out = json.loads(text or "[0, 0, 0, 0, []]")
            people, faces, known, number = (int(value) for value in numbers)
            return cls(people, faces, known, number, tuple((str(what), str(why)) for what, why in left_out))
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise errors.bad_argument("Request body is invalid.") from error

    def written(self) -> str:
        return json.dumps([self.people, self.faces, self.known, self.number_left_out, self.left_out])

    def plus(self, part: Imported) -> Tally:
        return Tally(
            self.people + part.people,
            self.faces + part.faces,
            self.known + part.known,
            self.number_left_out + len(part.left_out),
            (*self.left_out, *part.left_out)[:TOLD],
        )


@routes.post("/people/import")
def load() -> str | tuple[str, int]:
    """A file, or a folder's; with ``part`` the answer is that part of a page, which counts on from ``before``."""
    template = "_imported.html" if request.form.get("part") else "imported.html"
    try:
        tally = Tally.read(request.form.get("before", "")).plus(_imported())
    except ApiError as error:
        return render_template(template, problem_text=reason(error), detail=detail(error)), error.status
    return render_template(template, imported=tally)


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
        zipped = zipfile.is_zipfile(single.stream)
        single.stream.seek(0)
        path = Path(place) / ("dataset.zip" if zipped else "embeddings.pickle")  # never the name that it came with
        single.save(path)
        if zipped:
            return enrolment.import_dataset(path, services().vision)
        return enrolment.import_embeddings(path)
