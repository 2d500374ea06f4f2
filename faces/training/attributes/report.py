"""Measure an attribute model on the test faces, and write its card, report and plots."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from faces.attributes.model import AttributeModel
from faces.errors import FacesError
from faces.files.writing import write_bytes
from faces.metrics import markdown
from faces.metrics.groups import Grouped
from faces.records import Recorder
from faces.training import model_card, plots, scores
from faces.training.attributes.dataset import AttributeOptions, LabelledFaces
from faces.training.data.held_out import HELD_OUT
from faces.training.fitting import History
from faces.training.scores import ChoiceScore, Score


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of a model, and its page in Markdown.

    introduction: what was measured, for a model that is only evaluated.
    file: the page that was written.
    """

    figures: tuple[Score, ...]
    groups: tuple[Grouped, ...]
    introduction: str
    file: Path

    @property
    def text(self) -> str:
        """The tables, in Markdown."""
        return self.introduction + scores.markdown(self.figures, self.groups)

    def record(self, recorder: Recorder) -> None:
        """Record the accuracy, or the mean absolute error, of each target."""
        for score in self.figures:
            if isinstance(score, ChoiceScore):
                recorder.figure(f"{score.target}_accuracy", score.accuracy)
            else:
                recorder.figure(f"{score.target}_mean_absolute_error", score.mean_absolute_error)


def evaluate(
    options: AttributeOptions, model: AttributeModel, faces: LabelledFaces, history: History | None = None
) -> Evaluation:
    """Measure a model on the test faces, and write STEM.md, STEM_report.json and plots beside the output.

    The files of a model that is only evaluated are called STEM_evaluation, and leave its own files alone.

    history: of the training.

    Raises FacesError if the classes differ from the data's, or the model predicts none of its labels.
    """
    test = faces.parts[2]
    data = faces.data[test]
    _require_same_classes(options, model, faces)
    predictions = model.answer(faces.crops.images[test], faces.crops.embeddings[test])
    figures, groups = scores.evaluate(data, predictions)
    if not figures:
        raise FacesError(f"{options.evaluate}: predicts none of {', '.join(data.labels)}")
    stem = f"{options.output.stem}_evaluation" if options.evaluate else options.output.stem
    file = options.output.with_name(f"{stem}.md")
    introduction = f"Measured on {_measured_on(options, faces)}\n\n" if options.evaluate else ""
    evaluation = Evaluation(figures, groups, introduction, file)
    for score in figures:
        if isinstance(score, ChoiceScore):
            plot = file.with_name(f"{stem}_{score.target}.png")
            plots.confusion(np.array(score.confusion), score.classes, plot)
    content = _report(model, faces, evaluation, history)
    write_bytes(file.with_name(f"{stem}_report.json"), f"{json.dumps(content, indent=1)}\n".encode())
    if options.evaluate:
        page = f"# {options.evaluate.name}\n\n{evaluation.text}"
    else:
        page = model_card.render(_card(options, model, faces), figures, groups)
    write_bytes(file, page.encode("utf-8", "backslashreplace"))
    return evaluation


def _require_same_classes(options: AttributeOptions, model: AttributeModel, faces: LabelledFaces) -> None:
    for head in model.heads:
        if (classes := faces.data.classes.get(head.name, head.classes)) != head.classes:
            predicted, labelled = ", ".join(head.classes), ", ".join(classes)
            raise FacesError(
                f"{options.evaluate}: {head.name} is one of {predicted}; in {options.dataset} it is one of {labelled}"
            )


def _report(
    model: AttributeModel, faces: LabelledFaces, evaluation: Evaluation, history: History | None
) -> dict[str, Any]:
    return {
        "model": {key: value for key, value in model.about.items() if key != HELD_OUT},
        "faces": faces.sizes,
        "guessed": int((~faces.crops.found[faces.parts[2]]).sum()),
        "left_out": len(faces.data.left_out),
        "test": scores.to_json(evaluation.figures, evaluation.groups),
        "history": history.metrics if history else None,
    }


def _measured_on(options: AttributeOptions, faces: LabelledFaces) -> str:
    """Say which faces a model was measured on, and whether it was trained with them."""
    assert options.evaluate is not None
    count, model = f"{faces.sizes['test']:,} photographs of {options.dataset.name}", options.evaluate.name
    if faces.parts[0].any():
        return f"{count} that {model} was neither trained nor validated with."
    return (
        f"all {count}: the files, labels or targets differ from those that {model} was trained with. It may have been"
        " trained with some of them, in which case the figures are too good."
    )


def _card(options: AttributeOptions, model: AttributeModel, faces: LabelledFaces) -> model_card.Card:
    about, sizes = model.about, faces.sizes
    source = options.source or f"{len(faces.data):,} photographs."
    return model_card.Card(
        name=options.output.stem.replace("_", " ").capitalize(),
        summary="A small network that predicts attributes of a face. It can be wrong; only its probabilities show how"
        " sure it is.",
        predicts=_predictions(model),
        images=_input(model),
        sources=(model_card.Source(options.dataset.name, source, options.terms, faces.sha256),),
        architecture=f"Architecture `{about.get('architecture', 'unknown')}` (faces/training/networks.py), trained by",
        command=str(about.get("command", "")),
        seed=int(about.get("seed", 0)),
        split=f"{sizes['test']:,} photographs that it was neither trained ({sizes['training']:,}) nor validated"
        f" ({sizes['validation']:,}) with. Copies, and photographs of one person according to the embeddings, are in"
        " the same part. Other people with several photographs may be in two parts, which makes the figures too good.",
    )


def _predictions(model: AttributeModel) -> tuple[str, ...]:
    return tuple(
        f"{head.name}: {f'a probability of each of {markdown.joined(head.classes)}' if head.classes else head.unit}"
        for head in model.heads
    )


def _input(model: AttributeModel) -> str:
    side = model.about["side"]
    text = f"faces cut out with the aligner template `{model.template}`, {side} x {side} px, uint8 BGR"
    return f"{text}, and the built-in embedding of the same face." if model.wants_embeddings else f"{text}."
