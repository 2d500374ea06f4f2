"""Which models a command uses: those that the user names, else the gallery's own, else the built-in ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from faces.detection import registry as detectors
from faces.embedding import registry as embedders
from faces.embedding.embedders import BEST, DEFAULT
from faces.errors import ModelError
from faces.models import zoo
from faces.types import Fingerprint

MOVE_GALLERY = "retrain.py --models built-in moves it to the built-in ones"
MOVE_DATABASE = "faces move-database moves it to the built-in ones"


class Named(TypedDict, total=False):
    """The models that a user names; None for what is not named."""

    detector: str | None
    embedding_model: str | None
    accuracy: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A detector, an embedder and its accuracy, as the command line's options name them.

    note: a line for the user if models of a gallery are used that are not the built-in ones; empty otherwise.
    """

    detector: str
    embedding_model: str
    accuracy: str
    note: str = ""


def choose(
    detector: str | None = None,
    embedding_model: str | None = None,
    accuracy: str | None = None,
    made_by: Fingerprint | None = None,
    file: str | Path = "the gallery",
    how_to_move: str = MOVE_GALLERY,
) -> Choice:
    """Return the models to use.

    detector, embedding_model, accuracy: what the user names, as for ``Pipeline.load``; None for what is not named.
    made_by: the models of the gallery, recognizer or database; None if there is none, or it does not say.
    file: its name, and ``how_to_move``, what moves it to other models, for messages.
    Raises ModelError if the gallery's models are not known, or their files are not where they belong.
    """
    if made_by is None:
        return Choice(detector or detectors.BUILT_IN, embedding_model or embedders.BUILT_IN, accuracy or DEFAULT)
    taken = []
    try:
        if detector is None:
            detector = detectors.named_by(made_by.detector)
            taken.append((detector, f"the detector {detector}"))
        if embedding_model is None:
            embedding_model = embedders.named_by(made_by.embedder)
            taken.append((embedding_model, f"the embedder {embedding_model}"))
            if accuracy is None and zoo.is_best(made_by.embedder.name):
                accuracy = BEST
                taken.append((accuracy, f"--accuracy {accuracy}"))
    except ModelError as error:
        raise ModelError(f"{file} was made with other models: {error} ({how_to_move})") from error
    note = _note(taken)
    text = f"{file} was made with {note}: these are used ({how_to_move})" if note else ""
    return Choice(detector, embedding_model, accuracy or DEFAULT, text)


def _note(taken: list[tuple[str, str]]) -> str:
    """Return a description of the models that are not the built-in ones; empty if all are.

    taken: name and description of each that comes from a gallery.
    """
    others = [(name, description) for name, description in taken if name != detectors.BUILT_IN]
    descriptions = [description for name, description in others if name != detectors.DLIB]
    dlib = [description for name, description in others if name == detectors.DLIB]
    return " and ".join([*(["dlib's models"] if len(dlib) == 2 else dlib), *descriptions])
