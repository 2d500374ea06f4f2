"""Scores of predictions: of each class, and of each group of people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.metrics.groups import Group, Grouped, gap_in_words, gap_to_json, in_words, with_unit
from faces.metrics.intervals import SURE, wilson
from faces.metrics.markdown import joined, table
from faces.metrics.wording import between, percent
from faces.training.data.labelled import AGE, Labelled
from faces.types import Floats

Indices = NDArray[np.intp]

GROUPED_BY = ("gender", "age_group", "ethnicity")
TINY = 1e-7  # a probability of 0 would cost infinitely much


@dataclass(frozen=True, slots=True)
class ChoiceScore:
    """Predictions of a choice among C classes, for ``count`` photographs.

    loss: mean cross-entropy, in nats. balanced_accuracy: the mean recall of the classes that occur. precision, recall:
    of each class, None where none was predicted, or none occurs. confusion: C rows of C, the truth's rows.
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
    """Predictions of a number, in its unit. bias: the mean of prediction less truth. within_5: a share."""

    target: str
    count: int
    mean_absolute_error: float
    median_absolute_error: float
    bias: float
    within_5: float


Score = ChoiceScore | NumberScore


def score(data: Labelled, target: str, predicted: Floats) -> Score:
    """A target's predictions for N photographs, where there is a label.

    predicted: (N, C) probabilities of a choice, (N,) or (N, 1) of a number. Raises ValueError when none has a label.
    """
    known = data.known(target)
    if not known.any():
        raise ValueError(f"no photograph has a label of {target}")
    truth, answers = data.labels[target][known], predicted[known]
    return (
        of_number(target, truth, answers) if target == AGE else of_choice(target, data.classes[target], truth, answers)
    )


def of_choice(target: str, classes: Sequence[str], truth: Indices, probabilities: Floats) -> ChoiceScore:
    """truth: (N,), N > 0, indices of the C classes. probabilities: (N, C)."""
    answers, count = probabilities.argmax(axis=1), len(classes)
    confusion = np.bincount(truth * count + answers, minlength=count**2).reshape(count, count)
    right, support, given = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    recall = _shares(right, support)
    chances = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return ChoiceScore(
        target,
        tuple(classes),
        len(truth),
        accuracy=float(right.sum() / len(truth)),
        balanced_accuracy=float(np.mean([share for share in recall if share is not None])),
        loss=float(-np.log(np.maximum(chances, TINY)).mean()),
        precision=_shares(right, given),
        recall=recall,
        support=tuple(support.tolist()),
        confusion=tuple(map(tuple, confusion.tolist())),
    )


def of_number(target: str, truth: Floats, predicted: Floats) -> NumberScore:
    """truth: (N,), N > 0. predicted: (N,) or (N, 1)."""
    gap = predicted.reshape(len(truth)).astype(np.float64) - truth
    size = np.abs(gap)
    return NumberScore(
        target, len(truth), float(size.mean()), float(np.median(size)), float(gap.mean()), float((size <= 5).mean())
    )


def by_group(
    data: Labelled, target: str, predicted: Floats, by: Sequence[Sequence[str]] | None = None
) -> tuple[Grouped, ...]:
    """The figure of ``score`` for each group of people, by each of ``GROUPED_BY`` alone and by all together.

    Those that the data does not have labels of are left out.
    """
    there = tuple(name for name in GROUPED_BY if name in data.classes)
    by = [*((name,) for name in there), *([there] if len(there) > 1 else [])] if by is None else by
    known, age = data.known(target), target == AGE
    truth, answers = data.labels[target][known], predicted[known]
    if age:
        value = np.abs(answers.reshape(len(truth)).astype(np.float64) - truth)
    else:
        value = (answers.argmax(axis=1) == truth).astype(np.float64)
    some, measure = data[known], "mean absolute error" if age else "accuracy"
    unit = "years" if age else ""
    return tuple(
        Grouped(target, measure, tuple(names), tuple(_groups(some, names, value, age)), age, unit) for names in by
    )


def _groups(data: Labelled, by: Sequence[str], value: NDArray[np.float64], unbounded: bool) -> Iterator[Group]:
    labels = np.stack([data.labels[name] for name in by], axis=1)
    for of in np.unique(labels[(labels >= 0).all(axis=1)], axis=0):
        values = value[(labels == of).all(axis=1)]
        mean, count = float(values.mean()), len(values)
        low, high = _interval(values) if unbounded else wilson(mean, count)
        yield Group(tuple(data.classes[name][at] for name, at in zip(by, of, strict=True)), count, mean, low, high)


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Of a mean, by the normal distribution."""
    spread = SURE * float(values.std()) / len(values) ** 0.5
    return float(values.mean()) - spread, float(values.mean()) + spread


def _shares(part: Indices, whole: Indices) -> tuple[float | None, ...]:
    return tuple(float(p / w) if w else None for p, w in zip(part, whole, strict=True))


def to_json(scores: Sequence[Score], groups: Sequence[Grouped] = ()) -> dict[str, Any]:
    """What ``json.dumps`` takes, by target; groups with too few faces are marked."""
    found: dict[str, Any] = {one.target: asdict(one) for one in scores}
    for each in groups:
        rows = [{**asdict(group), "enough": group.enough} for group in each.groups]
        rows = [{**row, "of": dict(zip(each.by, row["of"], strict=True))} for row in rows]
        target = found.setdefault(each.target, {})
        target.setdefault("groups", {})[" x ".join(each.by)] = rows
        target.setdefault("gaps", {})[" x ".join(each.by)] = gap_to_json(each)
    return found


def markdown(scores: Sequence[Score], groups: Sequence[Grouped] = ()) -> str:
    """Tables: of all targets, of each choice's classes with its confusions, and of each target's groups."""
    parts = [_summary(scores)] if scores else []
    for one in scores:
        if isinstance(one, ChoiceScore):
            parts.append(f"### {one.target}: of each class\n\n{_classes(one)}\n\n{_confusion(one)}")
    for each in groups:
        parts.append(f"### {each.target}: by {joined(each.by)}\n\n{_group_table(each)}\n\n{in_words(each)}")
    return "\n\n".join(parts) + "\n"


def _summary(scores: Sequence[Score]) -> str:
    rows: list[Sequence[str]] = []
    for one in scores:
        if isinstance(one, NumberScore):
            off = f"mean absolute error {one.mean_absolute_error:.2f}, median {one.median_absolute_error:.2f}"
            rows.append((one.target, f"{one.count:,}", f"{off}, bias {one.bias:+.2f}, {one.within_5:.1%} within 5", ""))
        else:
            right = f"accuracy {one.accuracy:.2%}, balanced {one.balanced_accuracy:.2%}"
            rows.append((one.target, f"{one.count:,}", right, f"{one.loss:.3f}"))
    return table(("target", "faces", "how good", "loss"), rows)


def _classes(one: ChoiceScore) -> str:
    columns = zip(one.classes, one.precision, one.recall, one.support, strict=True)
    rows = [(name, _percent(precision), _percent(recall), f"{count:,}") for name, precision, recall, count in columns]
    return table(("class", "precision", "recall", "faces"), rows)


def _confusion(one: ChoiceScore) -> str:
    rows = [(name, *map(str, row)) for name, row in zip(one.classes, one.confusion, strict=True)]
    return table(("truth \\ said", *one.classes), rows)


def _group_table(grouped: Grouped) -> str:
    unit = grouped.unit
    rows = []
    for group in grouped.groups:
        low_to_high = f"{with_unit(group.low, unit)} to {with_unit(group.high, unit)}" if unit else between(group)
        figure = with_unit(group.value, unit) if group.enough else f"({with_unit(group.value, unit)}: too few to tell)"
        rows.append((*group.of, f"{group.count:,}", figure, low_to_high))
    if gap := gap_in_words(grouped):
        rows.append(("gap", *[""] * len(grouped.by), *gap))
    return table((*grouped.by, grouped.cases, grouped.measure, "95 % interval"), rows)


def _percent(share: float | None) -> str:
    return "–" if share is None else percent(share)


def evaluate(data: Labelled, predictions: Mapping[str, Floats]) -> tuple[tuple[Score, ...], tuple[Grouped, ...]]:
    """``score`` and ``by_group`` of every target that is predicted and has labels."""
    targets = [target for target in predictions if target in data.labels and data.known(target).any()]
    scores = tuple(score(data, target, predictions[target]) for target in targets)
    return scores, tuple(each for target in targets for each in by_group(data, target, predictions[target]))
