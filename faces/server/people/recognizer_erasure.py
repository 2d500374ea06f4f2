"""Erase what was made of erased faces: trained recognizers, and tables that name the people."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from faces.errors import FacesError, reason_of
from faces.extraction.results import TABLES
from faces.files.temporary import sweep
from faces.recognition import recognizer_files
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint, Floats
from faces.versions.versions import LE, RECOGNIZER, REPORT


def erase_recognizers(folder: Path, embeddings: Floats, fingerprint: Fingerprint) -> tuple[str, ...]:
    """Erase the recognizers in a folder and its ``versions/`` that contain one of the embeddings.

    A recognizer that cannot be read is erased, too, and so is what a killed run left of one.

    folder: the folder of the gallery file.
    embeddings: float32 (N, D), of the erased faces.
    fingerprint: of the models in use.

    Returns the paths of the erased recognizers. Raises FacesError if a file cannot be erased.
    """
    if len(embeddings) == 0:
        return ()
    erased = {row.tobytes() for row in embeddings}
    versions = [path for path in (folder / "versions").glob("*") if path.name.isdecimal() and path.is_dir()]
    for place in (folder, *versions):
        sweep(place)
    affected = [place for place in (folder, *sorted(versions)) if _contains(place, erased, fingerprint)]
    try:
        for place in affected:
            for name in (RECOGNIZER, LE, REPORT):
                (place / name).unlink(missing_ok=True)
            if place != folder:
                shutil.rmtree(place)
    except OSError as error:
        raise FacesError(f"cannot erase {error.filename}: {reason_of(error)}") from error
    return tuple((place / RECOGNIZER).as_posix() for place in affected)


def erase_tables(folder: Path, people: Iterable[str]) -> None:
    """Erase the tables of the last extraction that name one of these people; the next extraction writes them again.

    folder: of the gallery file.
    people: their folders in the data set.
    Raises OSError.
    """
    named = [f"/{person}/".replace('"', '""') for person in people]
    for path in (folder / name for name in TABLES):
        if path.is_file():
            text = unicodedata.normalize("NFC", path.read_text("utf-8", "replace"))
            if any(name in text for name in named):
                path.unlink()


def _contains(folder: Path, erased: set[bytes], fingerprint: Fingerprint) -> bool:
    if not (folder / RECOGNIZER).exists():
        return False
    with suppress(FacesError):
        recognizer, _ = recognizer_files.load(folder / RECOGNIZER, folder / LE, fingerprint)
        if isinstance(recognizer, FaceRecognizer):
            return any(row.tobytes() in erased for row in recognizer.people_.embeddings)
    return True
