"""What is compared with each other: sets of models, and recognizers that are trained already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faces import recognizers
from faces.detectors import BUILT_IN
from faces.errors import FacesError, UsageError
from faces.evaluation.photographs import Models
from faces.recognizers import FaceRecognizer
from faces.types import Fingerprint
from faces.versions import LE, RECOGNIZER

VERSION = "version:"  # of retrain.py, in output/


@dataclass(frozen=True, slots=True)
class Candidate:
    """A detector and an embedder, and the folder of a recognizer that was trained with them, if it is one."""

    name: str
    models: Models
    recognizer: Path | None = None


def parse(text: str, models: Models) -> Candidate:
    """What ``--compare`` names: ``built-in``, ``DETECTOR+EMBEDDER``, an embedder's file, ``version:3`` or a folder.

    models: for what is not named, as are those of a recognizer. Raises UsageError.
    """
    detector, embedder, confidence = models
    path = Path("output", "versions", text.removeprefix(VERSION)) if text.startswith(VERSION) else Path(text)
    if text == BUILT_IN:
        return Candidate(text, (BUILT_IN, BUILT_IN, confidence))
    if path.is_dir():
        if not (path / RECOGNIZER).is_file():
            raise UsageError(f"{text}: a folder without {RECOGNIZER}; models are named as DETECTOR+EMBEDDER")
        return Candidate(text, models, path)
    if text.startswith(VERSION):
        raise UsageError(f"{text}: there is no {path}; retrain.py --list shows the versions")
    if "+" in text and not path.is_file():
        detector, _, embedder = (part.strip() for part in text.rpartition("+"))
    else:
        embedder = text
    return Candidate(text, (detector or BUILT_IN, embedder or BUILT_IN, confidence))


def load(folder: Path, fingerprint: Fingerprint) -> FaceRecognizer:
    """The recognizer in a folder. Raises FacesError when these models are not its own, or it knows no distances."""
    recognizer, _ = recognizers.load(folder / RECOGNIZER, folder / LE, fingerprint)
    if not isinstance(recognizer, FaceRecognizer):
        raise FacesError(f"{folder / RECOGNIZER}: the recipe's, which knows no distances; run: python train_model.py")
    return recognizer
