"""Recognizers that were trained on a gallery: who is erased must not live on in them."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from faces.errors import FacesError
from faces.recognition import recognizer_files
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint, Floats
from faces.versions.versions import LE, RECOGNIZER, REPORT


def erase(folder: Path, embeddings: Floats, fingerprint: Fingerprint) -> tuple[str, ...]:
    """Erase the recognizers in a folder, and in its ``versions/``, that know one of the embeddings (N, D).

    One of which that cannot be told is erased, too. Their paths are returned. Raises FacesError.
    """
    if len(embeddings) == 0:
        return ()
    wanted = {row.tobytes() for row in embeddings}
    versions = [path for path in (folder / "versions").glob("*") if path.name.isdecimal() and path.is_dir()]
    found = [place for place in (folder, *sorted(versions)) if _knows(place, wanted, fingerprint)]
    try:
        for place in found:
            for name in (RECOGNIZER, LE, REPORT):
                (place / name).unlink(missing_ok=True)
            if place != folder:
                shutil.rmtree(place)
    except OSError as error:
        raise FacesError(f"cannot erase {error.filename}: {(error.strerror or str(error)).lower()}") from error
    return tuple((place / RECOGNIZER).as_posix() for place in found)


def _knows(folder: Path, wanted: set[bytes], fingerprint: Fingerprint) -> bool:
    if not (folder / RECOGNIZER).exists():
        return False
    with suppress(FacesError):
        recognizer, _ = recognizer_files.load(folder / RECOGNIZER, folder / LE, fingerprint)
        if isinstance(recognizer, FaceRecognizer):
            return any(row.tobytes() in wanted for row in recognizer.people_.embeddings)
    return True
