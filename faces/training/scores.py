"""Score predictions, per class and per group of people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.metrics.groups import Group, Grouped, describe_gap, gap_to_json, summary, with_unit
from faces.metrics.intervals import Z_95, wilson
from faces.metrics.markdown import joined, table
from faces.metrics.wording import between, percent
from faces.training.data.labelled import AGE, LabelledImages
from faces.types import Floats

Indices = NDArray[np.intp]

GROUPED_BY = ("gender", "age_group", "ethnicity")
MIN_PROBABILITY = 1e-7  # keeps the cross-entropy finite


@dataclass(frozen=True, slots=True)
class ChoiceScore:
    """Scores of predictions of one of C classes.

    count: photographs.
    balanced_accuracy: mean recall of the classes that occur.
    loss: mean cross-entropy, in nats.
    precision: by class; None if it was never predicted.
    recall: by class; None if it never occurs.
    support: photographs of each class.
    confusion: (C, C), one row per true class, one column per predicted class.
    """

    target: str
    classes: tuple[str, ...]
    count: int
    accuracy: float
    balanced_accuracy: float
    loss: float
    precision: tuple[float | None, ...]
    recall: tuple[float | None, ...]
    support: tuple[int, ...]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class NumberScore:
    """Scores of predictions of a number, in its unit.

    bias: mean of prediction minus truth.
    within_5: share of predictions that are off by at most 5.
    """

    target: str
    count: int
    mean_absolute_error: float
    median_absolute_error: float
    bias: float
    within_5: float


Score = ChoiceScore | NumberScore


def score(data: LabelledImages, target: str, predicted: Floats) -> Score:
    """Score the predictions of a target for N photographs; those without a label are ignored.

    predicted: float32 (N, C), probabilities of C classes; or (N,) or (N, 1), numbers.

    Raises ValueError if no photograph has a label.
    """
    known = data.known(target)
    if not known.any():
        raise ValueError(f"no photograph has a label of {target}")
    truth, answers = data.labels[target][known], predicted[known]
    if target == AGE:
        return score_number(target, truth, answers)
    return score_choice(target, data.classes[target], truth, answers)


def score_choice(target: str, classes: Sequence[str], truth: Indices, probabilities: Floats) -> ChoiceScore:
    """Score predictions of one of C classes.

    truth: intp (N,), N > 0, class indices.
    probabilities: float32 (N, C).
    """
    answers, count = probabilities.argmax(axis=1), len(classes)
    confusion = np.bincount(truth * count + answers, minlength=count**2).reshape(count, count)
    correct, support, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    recall = _shares(correct, support)
    chances = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return ChoiceScore(
        target=target,
        classes=tuple(classes),
        count=len(truth),
        accuracy=float(correct.sum() / len(truth)),
        balanced_accuracy=float(np.mean([share for share in recall if share is not None])),
        loss=float(-np.log(np.maximum(chances, MIN_PROBABILITY)).mean()),
        precision=_shares(correct, predicted),
        recall=recall,
        support=tuple(support.tolist()),
        confusion=tuple(map(tuple, confusion.tolist())),
    )


def score_number(target: str, truth: Floats, predicted: Floats) -> NumberScore:
    """Score predictions of a number.

    truth: float32 (N,), N > 0.
    predicted: float32 (N,) or (N, 1).
    """
    differences = predicted.reshape(len(truth)).astype(np.float64) - truth
    errors = np.abs(differences)
    return NumberScore(
        target=target,
        count=len(truth),
        mean_absolute_error=float(errors.mean()),
        median_absolute_error=float(np.median(errors)),
        bias=float(differences.mean()),
        within_5=float((errors <= 5).mean()),
    )


def score_groups(
    data: LabelledImages, target: str, predicted: Floats, by: Sequence[Sequence[str]] | None = None
) -> tuple[Grouped, ...]:
    """Return the accuracy, or the mean absolute error of ages, for each group of people.

    predicted: as in ``score``.
    by: targets to group by, one grouping each; None: each of ``GROUPED_BY`` that the data has labels of, and all
        together.
    """
    if by is None:
        labelled = tuple(name for name in GROUPED_BY if name in data.classes)
        by = [*((name,) for name in labelled), *([labelled] if len(labelled) > 1 else [])]
    known, age = data.known(target), target == AGE
    truth, answers = data.labels[target][known], predicted[known]
    if age:
        value = np.abs(answers.reshape(len(truth)).astype(np.float64) - truth)
    else:
        value = (answers.argmax(axis=1) == truth).astype(np.float64)
    measure, unit = ("mean absolute error", "years") if age else ("accuracy", "")
    people = data[known]
    return tuple(
        Grouped(target, measure, tuple(names), tuple(_groups(people, names, value, age)), age, unit) for names in by
    )


def _groups(data: LabelledImages, by: Sequence[str], value: NDArray[np.float64], unbounded: bool) -> Iterator[Group]:
    labels = np.stack([data.labels[name] for name in by], axis=1)
    for group in np.unique(labels[(labels >= 0).all(axis=1)], axis=0):
        values = value[(labels == group).all(axis=1)]
        mean, count = float(values.mean()), len(values)
        low, high = _interval(values) if unbounded else wilson(mean, count)
        names = tuple(data.classes[target][index] for target, index in zip(by, group, strict=True))
        yield Group(names, count, mean, low, high)


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of a mean, by the normal distribution."""
    spread = Z_95 * float(values.std()) / len(values) ** 0.5
    return float(values.mean()) - spread, float(values.mean()) + spread


def _shares(part: Indices, whole: Indices) -> tuple[float | None, ...]:
    return tuple(float(p / w) if w else None for p, w in zip(part, whole, strict=True))


def to_json(scores: Sequence[Score], groups: Sequence[Grouped] = ()) -> dict[str, Any]:
    """Return the scores by target, as ``json.dumps`` takes them; ``enough`` marks groups with enough faces."""
    content: dict[str, Any] = {score.target: asdict(score) for score in scores}
    for grouped in groups:
        rows = [{**asdict(group), "enough": group.enough} for group in grouped.groups]
        rows = [{**row, "of": dict(zip(grouped.by, row["of"], strict=True))} for row in rows]
        target = content.setdefault(grouped.target, {})
        target.setdefault("groups", {})[" x ".join(grouped.by)] = rows
        target.setdefault("gaps", {})[" x ".join(grouped.by)] = gap_to_json(grouped)
    return content


def markdown(scores: Sequence[Score], groups: Sequence[Grouped] = ()) -> str:
    """Return tables of all targets, of each target's classes and confusions, and of each target's groups."""
    parts = [_summary(scores)] if scores else []
    for score in scores:
        if isinstance(score, ChoiceScore):
            parts.append(f"### {score.target} by class\n\n{_classes(score)}\n\n{_confusion(score)}")
    for grouped in groups:
        heading = f"### {grouped.target} by {joined(grouped.by)}"
        parts.append(f"{heading}\n\n{_group_table(grouped)}\n\n{summary(grouped)}")
    return "\n\n".join(parts) + "\n"


def _summary(scores: Sequence[Score]) -> str:
    rows: list[Sequence[str]] = []
    for score in scores:
        if isinstance(score, NumberScore):
            errors = f"mean absolute error {score.mean_absolute_error:.2f}, median {score.median_absolute_error:.2f}"
            result = f"{errors}, bias {score.bias:+.2f}, {score.within_5:.1%} within 5"
            rows.append((score.target, f"{score.count:,}", result, ""))
        else:
            result = f"accuracy {score.accuracy:.2%}, balanced {score.balanced_accuracy:.2%}"
            rows.append((score.target, f"{score.count:,}", result, f"{score.loss:.3f}"))
    return table(("target", "faces", "result", "loss"), rows)


def _classes(score: ChoiceScore) -> str:
    columns = zip(score.classes, score.precision, score.recall, score.support, strict=True)
    rows = [(name, _percent(precision), _percent(recall), f"{count:,}") for name, precision, recall, count in columns]
    return table(("class", "precision", "recall", "faces"), rows)


def _confusion(score: ChoiceScore) -> str:
    rows = [(name, *map(str, row)) for name, row in zip(score.classes, score.confusion, strict=True)]
    return table(("true \\ predicted", *score.classes), rows)


def _group_table(grouped: Grouped) -> str:
    unit = grouped.unit
    rows = []
    for group in grouped.groups:
        low_to_high = f"{with_unit(group.low, unit)} to {with_unit(group.high, unit)}" if unit else between(group)
        figure = with_unit(group.value, unit) if group.enough else f"({with_unit(group.value, unit)}: too few to tell)"
        rows.append((*group.of, f"{group.count:,}", figure, low_to_high))
    if gap := describe_gap(grouped):
        rows.append(("gap", *[""] * len(grouped.by), *gap))
    return table((*grouped.by, grouped.cases, grouped.measure, "95 % interval"), rows)


def _percent(share: float | None) -> str:
    return "–" if share is None else percent(share)


def evaluate(data: LabelledImages, predictions: Mapping[str, Floats]) -> tuple[tuple[Score, ...], tuple[Grouped, ...]]:
    """Apply ``score`` and ``score_groups`` to each predicted target that has labels."""
    targets = [target for target in predictions if target in data.labels and data.known(target).any()]
    scores = tuple(score(data, target, predictions[target]) for target in targets)
    groups = (score_groups(data, target, predictions[target]) for target in targets)
    return scores, tuple(grouped for groupings in groups for grouped in groupings)
