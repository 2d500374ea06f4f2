"""Write the results of an evaluation as JSON and as an HTML report, and record the files."""

from __future__ import annotations

import json
from pathlib import Path

from faces.evaluation.breakdowns import Breakdowns
from faces.evaluation.figures.results import Results
from faces.evaluation.json_results import to_json
from faces.evaluation.report import page
from faces.files.writing import write_bytes
from faces.records import Recorder


def json_text(results: Results, breakdowns: Breakdowns) -> str:
    """Return the JSON document that docs/evaluation.md describes."""
    return json.dumps(to_json(results, breakdowns.to_json()), ensure_ascii=False, indent=1)


def write_json(path: Path, results: Results, breakdowns: Breakdowns, record: Recorder) -> None:
    """Write the JSON document. Raises FacesError if that fails."""
    write_bytes(path, json_text(results, breakdowns).encode("utf-8", "backslashreplace") + b"\n")
    record.artefact(path)


def write_report(path: Path, results: Results, breakdowns: Breakdowns, record: Recorder, faces: bool) -> None:
    """Write the HTML report. faces: show photographs. Raises FacesError if that fails."""
    additions = page.Additions(
        command=record.command,
        robustness=breakdowns.robustness,
        groups=breakdowns.grouped,
        predicted=breakdowns.predicted,
    )
    page.write(path, results, additions, faces)
    record.artefact(path)
