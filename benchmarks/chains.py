"""Ways from photographs to a classifier, to be timed beside each other: ours, the recipe's, face_recognition's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Protocol

import numpy as np

from benchmarks import recipe
from faces.cli import text
from faces.datasets import Folder
from faces.errors import FacesError
from faces.extraction import workers
from faces.extraction.workers import Task
from faces.pipeline import Pipeline
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Floats

CORES = os.cpu_count() or 1
RECIPE, BUILT_IN, DLIB, FACE_RECOGNITION = "the recipe", "built-in", "dlib's models", "face_recognition, "
MODELS = {BUILT_IN: "built-in", DLIB: "dlib"}  # detector and embedder of our chains

Found = dict[Path, Floats]  # an embedding (D,) of each photograph with a face


class Chain(Protocol):
    """A way from files to a trained classifier."""

    name: str
    workers: int

    def embed(self, paths: Sequence[Path]) -> Found: ...

    def train(self, found: Found) -> object: ...


class Ours:
    """This project, as extract_embeddings.py and train_model.py go, with its processes running."""

    def __init__(self, name: str, count: int) -> None:
        models = (MODELS[name], MODELS[name], None, "default")
        self.name, self.workers = name, count
        self._fingerprint = Pipeline.load(*models).fingerprint
        self._processes = workers.Processes(Task(Folder(Path()), models), count)
        self.close = self._processes.close

    def embed(self, paths: Sequence[Path]) -> Found:
        done = workers.enrol(self._processes, map(str, paths), self._fingerprint)
        return {Path(path): one.embedding for path, one in done if one.embedding is not None}

    def train(self, found: Found) -> object:
        if not found:
            raise FacesError("no face in any of the photographs: there is nothing to measure")
        gallery = Gallery(np.stack(list(found.values())), people_of(found), fingerprint=self._fingerprint)
        return FaceRecognizer().fit(gallery)


class TheRecipe:
    """One photograph at a time; OpenCV takes as many cores as it likes."""

    name, workers = RECIPE, 1

    def __init__(self, embedder: Path) -> None:
        self.embed = recipe.Recipe(embedder).embed

    def train(self, found: Found) -> object:
        return recipe.train(list(found.values()), people_of(found))


class FaceRecognition:
    """face_recognition as its own examples use it: the closest encoding names a face, so nothing is trained."""

    workers = 1

    def __init__(self, model: str) -> None:
        import face_recognition  # type: ignore[import-not-found, import-untyped, unused-ignore]

        self.name, self._model, self._api = FACE_RECOGNITION + model, model, face_recognition

    def embed(self, paths: Sequence[Path]) -> Found:
        images = ((path, self._api.load_image_file(str(path))) for path in paths)
        faces = ((path, image, self._api.face_locations(image, model=self._model)) for path, image in images)
        found = ((path, self._api.face_encodings(image, boxes[:1])[0]) for path, image, boxes in faces if boxes)
        return {path: np.asarray(encoding, np.float32) for path, encoding in found}

    def train(self, found: Found) -> object:
        return None


def people_of(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(path.parent.name for path in paths)


def all_chains(embedder: Path, counts: Iterable[int], models: Iterable[str], running: ExitStack) -> list[Chain]:
    """What can be run here; a line on stderr for what cannot. Processes end with ``running``.

    embedder: the recipe's. counts: of processes, for ours. models: face_recognition's.
    """
    chains: list[Chain] = []
    if reason := recipe.missing():
        text.warn(f"{RECIPE} is left out: {reason}")
    else:
        chains.append(TheRecipe(embedder))
    for name, count in product(MODELS, counts):
        chains.append(running.enter_context(closing(Ours(name, count))))
    if all(map(find_spec, ("dlib", "face_recognition", "pkg_resources"))):
        chains += [FaceRecognition(model) for model in models]
    else:
        text.warn("face_recognition is left out: pip install --no-deps -r benchmarks/requirements.txt")
    return chains
