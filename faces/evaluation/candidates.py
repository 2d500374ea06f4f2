"""What is compared with each other: sets of models, and recognizers that are trained already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from faces import records
from faces.embedding.embedders import ACCURACIES, BUILT_IN
from faces.errors import FacesError, UsageError
from faces.evaluation import photographs
from faces.evaluation.figures.results import Identification, Verification
from faces.evaluation.photographs import Photographs
from faces.extraction.task import Models
from faces.recognition import recognizer_files
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint
from faces.versions.versions import LE, RECOGNIZER

VERSION = "version:"  # of retrain.py, in output/


@dataclass(frozen=True, slots=True)
class Candidate:
    """A detector and an embedder, and the folder of a recognizer that was trained with them, if it is one."""

    name: str
    models: Models
    recognizer: Path | None = None


def chosen(texts: Sequence[str], models: Models) -> list[Candidate]:
    """Those that ``--compare`` names, each once, or the models alone where it names none. Raises UsageError."""
    if texts:
        return [parse(text, models) for text in dict.fromkeys(texts)]
    name = BUILT_IN if set(models[:2]) == {BUILT_IN} else "+".join(models[:2])
    return [Candidate(name, models)]


def models_alone(texts: Sequence[str], models: Models) -> list[Candidate]:
    """As ``chosen``, of verification, where a recognizer has no say. Raises UsageError."""
    found = chosen(texts, models)
    for one in found:
        if one.recognizer:
            raise UsageError(f"{one.name}: a recognizer has no say in verification; use: evaluate.py identification")
    return found


def parse(text: str, models: Models) -> Candidate:
    """What ``--compare`` names: ``built-in``, one of its accuracies, ``DETECTOR+EMBEDDER``, an embedder's file,
    ``version:3``, or a recognizer's folder.

    models: for what is not named, as are those of a recognizer. Raises UsageError.
    """
    detector, embedder = models[:2]
    path = Path("output", "versions", text.removeprefix(VERSION)) if text.startswith(VERSION) else Path(text)
    if text == BUILT_IN:
        return Candidate(text, (BUILT_IN, BUILT_IN, *models[2:]))
    if text in ACCURACIES:
        return Candidate(text, (BUILT_IN, BUILT_IN, models[2], text))
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
    return Candidate(text, (detector or BUILT_IN, embedder or BUILT_IN, *models[2:]))


def load(folder: Path, fingerprint: Fingerprint) -> FaceRecognizer:
    """The recognizer in a folder. Raises FacesError when these models are not its own, or it knows no distances."""
    recognizer, _ = recognizer_files.load(folder / RECOGNIZER, folder / LE, fingerprint)
    if not isinstance(recognizer, FaceRecognizer):
        raise FacesError(f"{folder / RECOGNIZER}: the recipe's, which knows no distances; run: python train_model.py")
    return recognizer


def learnt(folder: Path) -> frozenset[str]:
    """SHA-256 of the photographs that the recognizer in a folder was trained on; none where no record tells."""
    path = folder / RECOGNIZER
    with suppress(FacesError):
        if run := records.maker(path):
            read = [records.Manifest.load(records.beside(path), one.sha256) for one in run.data]
            return frozenset(sha256 for one in read for _, _, sha256, reason in one.rows() if not reason)
    return frozenset()


Result = TypeVar("Result", Verification, Identification)


def compare(
    candidates: Sequence[Candidate],
    look: Callable[[Models], Photographs],
    evaluate: Callable[[Candidate, Photographs, float | None], Result],
    complain: Callable[[str], object],
) -> list[Result]:
    """Each one's result, but for those that fail, of whom ``complain`` is told. Of one alone no time is measured.

    look: at the photographs with some models. evaluate: what they saw, with the seconds for a photograph.
    Raises FacesError when there is one alone and it fails, or all do.
    """
    alone, found = len(candidates) == 1, list[Result]()
    seen: dict[Models, tuple[Photographs, float | None]] = {}
    for candidate in candidates:
        models = candidate.models
        try:
            if models not in seen:
                looked = look(models)
                seen[models] = looked, None if alone else photographs.seconds(looked, models)
            found.append(evaluate(candidate, *seen[models]))
        except FacesError as error:
            if alone:
                raise
            complain(str(error) if candidate.name in str(error) else f"{candidate.name}: {error}")
    if not found:
        raise FacesError("none of them could be evaluated")
    return found
