"""Groups that the attribute models guess, where nobody has told them. The models are themselves uneven."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2

from faces.attributes import predictor
from faces.errors import ImageError
from faces.evaluation.groups.labelled import Groups
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.processes import mapped

BY = ("gender", "age_group", "ethnicity")
WANTED = ("gender", "age", "ethnicity")
AT_ONCE = 16  # photographs
WARNING = (
    "groups are predicted by models that are wrong more often for some of these groups than for others"
    " (docs/attributes.md): take them for a hint, and tell the groups yourself where you can"
)


def predict(paths: Sequence[Path], processes: int = 1, progress: Callable[[int], object] = lambda _: None) -> Groups:
    """Gender, age group and ethnicity of the best face of each photograph, as they look to the built-in models.

    A photograph without a face belongs to no group. Raises ModelError when a model is missing, and FacesError when a
    process dies.
    """
    predictor.load(WANTED, Pipeline.load(threads=1), 1)  # says what is wrong before there are processes
    each = list(dict.fromkeys(paths))
    of: dict[str, tuple[str, ...]] = {}
    jobs = [each[at : at + AT_ONCE] for at in range(0, len(each), AT_ONCE)]
    for job, labels in zip(jobs, mapped(_predict, jobs, processes, _start), strict=True):
        of |= {str(path): label for path, label in zip(job, labels, strict=True)}
        progress(len(job))
    return Groups(BY, of, predicted=True)


_models: tuple[Pipeline, predictor.Attributes] | None = None  # of this process


def _start() -> None:
    global _models
    cv2.setNumThreads(1)
    pipeline = Pipeline.load(threads=1)
    _models = pipeline, predictor.load(WANTED, pipeline, 1)


def _predict(paths: Sequence[Path]) -> list[tuple[str, ...]]:
    return [_labels(path) for path in paths]


def _labels(path: Path) -> tuple[str, ...]:
    assert _models is not None
    pipeline, asked = _models
    try:
        image = read_image(path)
    except ImageError:
        return ("",) * len(BY)
    face = pipeline.best_face(image)
    if len(face) == 0:
        return ("",) * len(BY)
    answers = asked.of(image, face)
    classes = {head.name: head.classes for head in answers.heads}
    return tuple(classes[name][int(answers.values[name][0].argmax())] for name in BY)
