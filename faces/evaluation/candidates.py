"""What ``--compare`` compares: sets of models, and trained recognizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from faces import records
from faces.embedding.embedders import ACCURACIES, BUILT_IN, DEFAULT, FAST
from faces.errors import FacesError, UsageError
from faces.evaluation import photographs
from faces.evaluation.figures.results import Identification, Verification
from faces.evaluation.photographs import Photographs
from faces.extraction.workers import Models
from faces.model_choice import Named, choose
from faces.recognition import recognizer_files
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint
from faces.versions.versions import LE, RECOGNIZER

NOTHING_NAMED = Named()
VERSION = "version:"  # followed by the number of a version that retrain.py made, in output/


@dataclass(frozen=True, slots=True)
class Candidate:
    """A detector and an embedder to evaluate.

    recognizer: folder of a recognizer that was trained with these models; None to train one.
    note: a line for the user, such as that the recognizer's models are not the built-in ones.
    """

    name: str
    models: Models
    recognizer: Path | None = None
    note: str = ""


def parse_all(texts: Sequence[str], models: Models, named: Named = NOTHING_NAMED) -> list[Candidate]:
    """Return a candidate for each different value of ``--compare``; without values, the models alone.

    Raises UsageError as ``parse`` does.
    """
    if texts:
        return [parse(text, models, named) for text in dict.fromkeys(texts)]
    name = BUILT_IN if set(models[:2]) == {BUILT_IN} else "+".join(models[:2])
    return [Candidate(name, models)]


def parse_models(texts: Sequence[str], models: Models, named: Named = NOTHING_NAMED) -> list[Candidate]:
    """Return candidates as ``parse_all`` does; recognizers are refused.

    Raises UsageError.
    """
    candidates = parse_all(texts, models, named)
    for candidate in candidates:
        if candidate.recognizer:
            raise UsageError(
                f"{candidate.name}: a recognizer is not used in verification; use: faces evaluate identification"
            )
    return candidates


def parse(text: str, models: Models, named: Named = NOTHING_NAMED) -> Candidate:
    """Return the candidate that one value of ``--compare`` names.

    text: ``built-in``, one of its accuracies, ``DETECTOR+EMBEDDER``, an embedder's file, ``version:3``, or a
        recognizer's folder.
    models: defaults for the parts that ``text`` does not name.
    named: the models that the user named: a recognizer is used with these, or else with its own.

    Raises UsageError if there is no such version, or no recognizer in the folder.
    """
    detector, embedder = models[:2]
    path = Path("output", "versions", text.removeprefix(VERSION)) if text.startswith(VERSION) else Path(text)
    if text == BUILT_IN:
        return Candidate(text, (BUILT_IN, BUILT_IN, *models[2:]))
    if text in ACCURACIES:
        note = "fast is the same as default: there is no faster embedder yet" if text == FAST else ""
        return Candidate(text, (BUILT_IN, BUILT_IN, models[2], DEFAULT if text == FAST else text), note=note)
    if path.is_dir():
        if not (path / RECOGNIZER).is_file():
            raise UsageError(f"{text}: a folder without {RECOGNIZER}; name models as DETECTOR+EMBEDDER")
        try:
            chosen = choose(**named, made_by=recognizer_files.models_of(path / LE), file=path / LE)
        except FacesError:  # ``load_recognizer`` says more
            return Candidate(text, models, path)
        own_models = chosen.detector, chosen.embedding_model, models[2], chosen.accuracy
        return Candidate(text, own_models, path, chosen.note)
    if text.startswith(VERSION):
        raise UsageError(f"{text}: there is no {path}; retrain.py --list shows the versions")
    if "+" in text and not path.is_file():
        detector, _, embedder = (part.strip() for part in text.rpartition("+"))
    else:
        embedder = text
    return Candidate(text, (detector or BUILT_IN, embedder or BUILT_IN, *models[2:]))


def load_recognizer(folder: Path, fingerprint: Fingerprint) -> FaceRecognizer:
    """Load the recognizer in a folder.

    Raises FacesError if it was trained with other models, or if it is the recipe's own SVM, which has no distances.
    """
    recognizer, _ = recognizer_files.load(folder / RECOGNIZER, folder / LE, fingerprint)
    if not isinstance(recognizer, FaceRecognizer):
        raise FacesError(
            f"{folder / RECOGNIZER}: a recognizer of the recipe's own scripts, which has no distances; run: faces train"
        )
    return recognizer


def training_hashes(folder: Path) -> frozenset[str]:
    """Return the SHA-256 of the photographs that the recognizer in a folder was trained on; empty without a record."""
    path = folder / RECOGNIZER
    with suppress(FacesError):
        if run := records.maker(path):
            manifests = [records.Manifest.load(records.beside(path), data.sha256) for data in run.data]
            return frozenset(sha256 for each in manifests for _, _, sha256, reason in each.rows() if not reason)
    return frozenset()


Result = TypeVar("Result", Verification, Identification)


def evaluate_each(
    candidates: Sequence[Candidate],
    embed: Callable[[Models], Photographs],
    evaluate: Callable[[Candidate, Photographs, float | None], Result],
    report_error: Callable[[str], object],
) -> list[Result]:
    """Return the result of each candidate that does not fail.

    embed: returns the photographs as some models see them; called once per set of models.
    evaluate: takes a candidate, its photographs, and the seconds per photograph: None for a single candidate.
    report_error: called with the message of each failure.

    Raises FacesError if the only candidate fails, or all of them.
    """
    single, results = len(candidates) == 1, list[Result]()
    embedded: dict[Models, tuple[Photographs, float | None]] = {}
    for candidate in candidates:
        models = candidate.models
        try:
            if models not in embedded:
                seen = embed(models)
                embedded[models] = seen, None if single else photographs.seconds_per_photograph(seen, models)
            results.append(evaluate(candidate, *embedded[models]))
        except FacesError as error:
            if single:
                raise
            report_error(str(error) if candidate.name in str(error) else f"{candidate.name}: {error}")
    if not results:
        raise FacesError("none of them could be evaluated")
    return results
