"""Predict the groups of unlabelled people with the attribute models. The models are themselves uneven."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from faces.attributes import predictor
from faces.errors import ImageError
from faces.evaluation.groups.labelled import Groups
from faces.evaluation.photographs import ignore_progress
from faces.extraction.workers import Progress
from faces.images import read_image
from faces.pipeline import Pipeline, process_pipeline
from faces.processes import mapped

GROUPINGS = ("gender", "age_group", "ethnicity")
ATTRIBUTES = ("gender", "age", "ethnicity")
BATCH_PHOTOGRAPHS = 16
WARNING = (
    "groups are predicted by models that are wrong more often for some of these groups than for others"
    " (docs/attributes.md): treat them as a hint, and label the groups yourself if you can"
)


def predict(paths: Sequence[Path], processes: int = 1, progress: Progress = ignore_progress) -> Groups:
    """Predict gender, age group and ethnicity of the best face in each photograph.

    progress: called with the number of photographs done, and the total.

    A photograph without a face gets no label. Raises ModelError if a model is missing, FacesError if a process dies.
    """
    predictor.load(ATTRIBUTES, Pipeline.load(threads=1), 1)  # fails before there are processes
    unique = list(dict.fromkeys(paths))
    labels: dict[str, tuple[str, ...]] = {}
    batches = [unique[start : start + BATCH_PHOTOGRAPHS] for start in range(0, len(unique), BATCH_PHOTOGRAPHS)]
    for batch, predicted in zip(batches, mapped(_predict, batches, processes), strict=True):
        labels |= {str(path): label for path, label in zip(batch, predicted, strict=True)}
        progress(len(labels), len(unique))
    return Groups(GROUPINGS, labels, predicted=True)


@cache
def _process_predictor() -> predictor.Attributes:
    return predictor.load(ATTRIBUTES, process_pipeline(), 1)


def _predict(paths: Sequence[Path]) -> list[tuple[str, ...]]:
    return [_labels(path) for path in paths]


def _labels(path: Path) -> tuple[str, ...]:
    try:
        image = read_image(path)
    except ImageError:
        return ("",) * len(GROUPINGS)
    face = process_pipeline().best_face(image)
    if len(face) == 0:
        return ("",) * len(GROUPINGS)
    answers = _process_predictor().of(image, face)
    classes = {head.name: head.classes for head in answers.heads}
    return tuple(classes[name][int(answers.values[name][0].argmax())] for name in GROUPINGS)
