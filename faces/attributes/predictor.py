"""Predict the attributes of faces, by the models that ``--attributes`` asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faces.attributes.answers import Answers, Head
from faces.attributes.children import less_sure
from faces.attributes.computed import COMPUTED
from faces.attributes.model import AttributeModel
from faces.attributes.registry import ATTRIBUTES, DEFAULT, FOLDER, NAMES, Attribute
from faces.embedding import embedders, registry
from faces.embedding.aligners import TEMPLATES, Aligner
from faces.errors import ModelError
from faces.models import zoo
from faces.pipeline import Pipeline
from faces.types import Faces, Floats, Image

__all__ = ["DEFAULT", "FOLDER", "NAMES", "Attributes", "load"]


class Attributes:
    """Predicts attributes; each model runs once for all faces of an image.

    wanted: names from ``registry.NAMES``.
    models: by file name.
    pipeline: the one that detects the faces. It embeds them where a model needs its embeddings; for models that take
    another embedder's, that one is loaded as well.
    threads: within one model of those that are loaded here.
    heads: the answers, in order.
    May be called from several threads at once. Raises ModelError if a model has no output for an attribute, or one that
    ``computed.COMPUTED`` needs is missing.
    """

    def __init__(
        self,
        wanted: Sequence[str],
        models: dict[str, AttributeModel],
        pipeline: Pipeline,
        threads: int | None = None,
    ) -> None:
        self._attributes = [ATTRIBUTES[name] for name in dict.fromkeys(wanted)]
        self._models = models
        self._computed = {each.name: COMPUTED[each.name](threads) for each in self._attributes if not each.file}
        self._pipeline = pipeline
        needed = {model.embedder for model in models.values() if model.wants_embeddings}
        self._others = {name: _with_embedder(pipeline, name) for name in needed if not _makes(pipeline, name)}
        self._aligners = {model.template: Aligner(TEMPLATES[model.template]) for model in models.values()}
        self._files = list(dict.fromkeys(attribute.file for attribute in self._attributes if attribute.file))
        self.heads = tuple(head for attribute in self._attributes for head in self._heads_of(attribute))

    def of(self, image: Image, faces: Faces, embeddings: Floats | None = None) -> Answers:
        """Predict the attributes of N >= 0 faces.

        image: uint8 (H, W, 3), BGR.
        faces: with landmarks, as ``Pipeline.detect`` returns them.
        embeddings: float32 (N, D) of the faces by the pipeline, if they are already computed.
        Raises ValueError for faces without landmarks.
        """
        if len(faces) == 0:
            return Answers.unknown(self.heads, 0)
        outputs = self._outputs(image, faces, embeddings)
        values: dict[str, Floats] = {}
        for attribute in self._attributes:
            if not attribute.file:
                values |= self._computed[attribute.name].of(image, faces)
            elif attribute.probabilities:
                for name, (head, label) in attribute.probabilities.items():
                    column = self._class_index(attribute, head, label)
                    values[name] = np.ascontiguousarray(outputs[attribute.file][head][:, column, None])
            else:
                values |= {name: outputs[attribute.file][name] for name in attribute.needs}
        return Answers(self.heads, {head.name: values[head.name] for head in self.heads})

    def _outputs(self, image: Image, faces: Faces, embeddings: Floats | None) -> dict[str, dict[str, Floats]]:
        """Return what each model answers, by file and head."""
        if not self._files:
            return {}
        models = {file: self._models[file] for file in self._files}
        made = {}
        for name in dict.fromkeys(model.embedder for model in models.values() if model.wants_embeddings):
            if name in self._others:
                made[name] = self._others[name].embed(image, faces)
            else:
                made[name] = self._pipeline.embed(image, faces) if embeddings is None else embeddings
        templates = {model.template for model in models.values()}
        crops = {template: self._aligners[template].crop(image, faces) for template in templates}
        outputs = {
            file: model.answer(crops[model.template], made.get(model.embedder)) for file, model in models.items()
        }
        for output in outputs.values():
            if "gender" in output and "age" in output:
                output["gender"] = less_sure(output["gender"], output["age"])
        return outputs

    def _heads_of(self, attribute: Attribute) -> tuple[Head, ...]:
        """Return the answers to one attribute; raise ModelError if its model has none."""
        if not attribute.file:
            return self._computed[attribute.name].heads
        heads = {head.name: head for head in self._models[attribute.file].heads}
        if missing := [name for name in attribute.needs if name not in heads]:
            raise ModelError(f"{attribute.file}: has no output {missing[0]}, only {', '.join(heads)}")
        if attribute.probabilities:
            for head, label in attribute.probabilities.values():
                self._class_index(attribute, head, label)
            return tuple(Head(name, unit="probability") for name in attribute.probabilities)
        return tuple(heads[name] for name in attribute.needs)

    def _class_index(self, attribute: Attribute, name: str, label: str) -> int:
        """Return the column of a class of a head; raise ModelError if there is none."""
        [head] = [head for head in self._models[attribute.file].heads if head.name == name]
        if label not in head.classes:
            raise ModelError(f"{attribute.file}: {name} has no class {label}, which {attribute.name} needs")
        return head.classes.index(label)


def load(
    wanted: Sequence[str], pipeline: Pipeline, threads: int | None = None, folder: Path | None = None
) -> Attributes:
    """Load the models that predict some attributes.

    wanted: names from ``registry.NAMES``.
    pipeline: as for ``Attributes``.
    threads: within one model.
    folder: of the model files; by default those of this package.
    Raises ModelError if a file or a network in the cache is missing, is not an attribute model, or has no output for an
    attribute.
    """
    folder = folder or FOLDER
    models = {}
    for file in dict.fromkeys(ATTRIBUTES[name].file for name in wanted):
        if not file:
            continue
        if not (folder / file).is_file():
            names = ",".join(name for name in wanted if ATTRIBUTES[name].file == file)
            raise ModelError(f"{folder / file}: no such model file; restore it, or leave {names} out of --attributes")
        models[file] = AttributeModel(folder / file, threads)
    return Attributes(wanted, models, pipeline, threads)


def _makes(pipeline: Pipeline, embedder: str) -> bool:
    """Return whether a pipeline makes the embeddings of a row of the model table, of however many views."""
    spec, wanted = pipeline.embedder.spec, zoo.MODELS[embedder]
    return spec.name == wanted.name and spec.dimension == wanted.dimension


def _with_embedder(pipeline: Pipeline, embedder: str) -> Pipeline:
    [name] = [name for name, row in registry.PACKAGED.items() if row == embedder]
    return pipeline.with_embedder(embedders.load(name))
