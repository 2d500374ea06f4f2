"""Attributes: what a face looks like. ``load`` picks the models by the names that ``--attributes`` takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faces.attributes.answers import Answers, Head
from faces.attributes.model import CUT, EMBEDDER, AttributeModel
from faces.attributes.pose import HEADS, head_pose
from faces.embedding import embedders
from faces.embedding.aligners import TEMPLATES, Aligner
from faces.errors import ModelError
from faces.pipeline import Pipeline
from faces.types import Faces, Floats, Image

__all__ = ["DEFAULT", "FOLDER", "NAMES", "Attributes", "load"]

FOLDER = Path(__file__).resolve().with_name("weights")
SOURCES: dict[str, tuple[str, tuple[str, ...]]] = {  # by name, the file that answers it and the heads it needs of that
    "gender": ("face_attributes.onnx", ("gender",)),
    "age": ("face_attributes.onnx", ("age", "age_group")),
    "glasses": ("glasses.onnx", ("glasses",)),
    "emotion": ("expression.onnx", ("emotion",)),
    "smile": ("expression.onnx", ("emotion",)),
    "ethnicity": ("face_attributes.onnx", ("ethnicity",)),
}
NAMES = (*SOURCES, "head_pose")
DEFAULT = ("gender", "age", "glasses", "emotion")  # never ethnicity, which only who asks for it is told
SMILE, HAPPY = Head("smile", unit="probability"), "happiness"


class Attributes:
    """Answers questions about faces, each model asked once for all faces of an image.

    wanted: of ``NAMES``. models: by file name. pipeline: which finds the faces, and embeds them where a model wants
    that. May be used from several threads at once.
    Raises ModelError when a model does not answer what is wanted.
    """

    def __init__(self, wanted: Sequence[str], models: dict[str, AttributeModel], pipeline: Pipeline) -> None:
        self._models = models
        self._pipeline, self._shares = pipeline, True
        if any(model.wants_embeddings for model in models.values()) and pipeline.embedder.spec.name != EMBEDDER:
            self._pipeline, self._shares = pipeline.with_embedder(embedders.load(embedders.BUILT_IN)), False
        self._aligner = Aligner(TEMPLATES[CUT])
        self._taken: dict[str, set[str]] = {}  # heads, by file
        heads: dict[str, Head] = {}
        for name in dict.fromkeys(wanted):
            if name == "head_pose":
                heads |= {head.name: head for head in HEADS}
                continue
            file, needed = SOURCES[name]
            self._taken.setdefault(file, set()).update(needed)
            there = {head.name: head for head in models[file].heads}
            if missing := [head for head in needed if head not in there]:
                raise ModelError(f"{file}: does not answer {missing[0]}, only {', '.join(there)}")
            if name == "smile":
                if HAPPY not in there["emotion"].classes:
                    raise ModelError(f"{file}: its emotions have no {HAPPY}, so that it cannot tell a smile")
                self._happy = there["emotion"].classes.index(HAPPY)
                heads["smile"] = SMILE
            else:
                heads |= {head: there[head] for head in needed}
        self.heads = tuple(heads.values())

    def of(self, image: Image, faces: Faces, embeddings: Floats | None = None) -> Answers:
        """The answers for N >= 0 faces with landmarks, as ``Pipeline.detect`` finds them.

        embeddings: float32 (N, D), what the pipeline made of them, where that is known already.
        Raises ValueError for faces without landmarks.
        """
        if len(faces) == 0:
            return Answers.unknown(self.heads, 0)
        values: dict[str, Floats] = {}
        if self._taken:
            chips = self._aligner.crop(image, faces)
            if embeddings is None or not self._shares:
                wanted = any(self._models[file].wants_embeddings for file in self._taken)
                embeddings = self._pipeline.embed(image, faces) if wanted else None
            for file, taken in self._taken.items():
                answers = self._models[file].answer(chips, embeddings)
                values |= {name: answers[name] for name in taken}
        if SMILE in self.heads:
            values["smile"] = np.ascontiguousarray(values["emotion"][:, self._happy, None])
        if HEADS[0] in self.heads:
            values |= {head.name: column[:, None] for head, column in zip(HEADS, head_pose(faces).T, strict=True)}
        return Answers(self.heads, {head.name: values[head.name] for head in self.heads})


def load(
    wanted: Sequence[str], pipeline: Pipeline, threads: int | None = None, folder: Path | None = None
) -> Attributes:
    """Those models of a folder (default: this package's ``weights``) that answer what is wanted, of ``NAMES``.

    pipeline: as for ``Attributes``. threads: within one model.
    Raises ModelError when one is missing, is none, or does not answer it.
    """
    files = dict.fromkeys(SOURCES[name][0] for name in wanted if name in SOURCES)
    folder = folder or FOLDER
    models = {}
    for file in files:
        if not (folder / file).is_file():
            asking = ",".join(name for name in wanted if SOURCES.get(name, ("",))[0] == file)
            raise ModelError(
                f"{folder / file}: no such model file; put it there again, or leave {asking} out of --attributes"
            )
        models[file] = AttributeModel(folder / file, threads)
    return Attributes(wanted, models, pipeline)
