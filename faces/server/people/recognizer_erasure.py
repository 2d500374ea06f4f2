"""What was made of erased faces, trained recognizers and tables that name the people: find, erase and replace it."""

from __future__ import annotations

import logging
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
from faces.recognition.training import Training, train_recognizer
from faces.types import Fingerprint, Floats
from faces.versions.versions import LE, RECOGNIZER, REPORT

log = logging.getLogger(__name__)


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
    for place in _places(folder):
        sweep(place)
    affected = recognizers_with(folder, embeddings, fingerprint)
    try:
        for place in (Path(path).parent for path in affected):
            for name in (RECOGNIZER, LE, REPORT):
                (place / name).unlink(missing_ok=True)
            if place != folder:
                shutil.rmtree(place)
    except OSError as error:
        raise FacesError(f"cannot erase {error.filename}: {reason_of(error)}") from error
    return affected


def recognizers_with(folder: Path, embeddings: Floats, fingerprint: Fingerprint) -> tuple[str, ...]:
    """Return the paths of the recognizers that ``erase_recognizers`` would erase; its parameters are the same."""
    erased = {row.tobytes() for row in embeddings}
    affected = [place for place in _places(folder) if erased and _contains(place, erased, fingerprint)]
    return tuple((place / RECOGNIZER).as_posix() for place in affected)


def in_service(gallery: Path, fingerprint: Fingerprint) -> FaceRecognizer:
    """Return the recognizer beside a gallery file, or an untrained one with default options if there is none."""
    with suppress(FacesError):
        recognizer, _ = recognizer_files.load(gallery.with_name(RECOGNIZER), gallery.with_name(LE), fingerprint)
        if isinstance(recognizer, FaceRecognizer):
            return recognizer
    return FaceRecognizer()


def train_again(gallery: Path, like: FaceRecognizer) -> Training:
    """Train a recognizer on a gallery file and write it beside that file, as ``train_model.py`` does.

    like: has the options.

    Raises FacesError if it cannot be trained or written.
    """
    files = gallery, gallery.with_name(RECOGNIZER), gallery.with_name(LE)
    return train_recognizer(
        *files, fpir=like.fpir, threshold=like.threshold, classifier=like.classifier, warn=log.warning
    )


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


def _places(folder: Path) -> list[Path]:
    """Return the folder and those of the versions in it, which may contain recognizers."""
    versions = [path for path in (folder / "versions").glob("*") if path.name.isdecimal() and path.is_dir()]
    return [folder, *sorted(versions)]


def _contains(folder: Path, erased: set[bytes], fingerprint: Fingerprint) -> bool:
    if not (folder / RECOGNIZER).exists():
        return False
    with suppress(FacesError):
        recognizer, _ = recognizer_files.load(folder / RECOGNIZER, folder / LE, fingerprint)
        if isinstance(recognizer, FaceRecognizer):
            return any(row.tobytes() in erased for row in recognizer.people_.embeddings)
    return True
