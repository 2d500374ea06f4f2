"""Figures of predictions, against values worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces.metrics import groups
from faces.metrics.groups import Group, Grouped
from faces.training import model_card, scores
from faces.training.data.labelled import AGE_GROUPS, LabelledImages
from faces.training.model_card import Card, Source
from faces.training.scores import ChoiceScore, NumberScore


def people(count: int = 80) -> LabelledImages:
    """Half of each gender; ages 10, 30, 50, 70 in turn; nobody's ethnicity."""
    ages = np.resize([10.0, 30, 50, 70], count).astype(np.float32)
    labels: dict[str, np.ndarray] = {
        "gender": np.repeat([0, 1], count // 2).astype(np.intp),
        "age": ages,
        "age_group": np.resize([0, 1, 1, 2], count).astype(np.intp),
    }
    return LabelledImages(
        tuple(Path(str(at)) for at in range(count)), labels, {"gender": ("male", "female"), "age_group": AGE_GROUPS}
    )


def test_a_choice() -> None:
    truth = np.array([0, 0, 0, 1])
    predictions = np.array([[0.8, 0.2, 0], [0.6, 0.4, 0], [0.3, 0.7, 0], [0.1, 0.9, 0]], np.float32)
    score = scores.score_choice("pet", ("cat", "dog", "fish"), truth, predictions)
    assert (score.accuracy, score.count, score.support) == (0.75, 4, (3, 1, 0))
    assert score.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)  # nobody is a fish
    assert score.precision == (1.0, 0.5, None)
    assert score.recall[0] == pytest.approx(2 / 3) and score.recall[1:] == (1.0, None)
    assert score.confusion == ((2, 1, 0), (0, 1, 0), (0, 0, 0))
    assert score.loss == pytest.approx(-np.log([0.8, 0.6, 0.3, 0.9]).mean())


def test_certain_and_wrong_is_dear_but_finite() -> None:
    assert 10 < scores.score_choice("pet", ("a", "b"), np.array([0]), np.array([[0, 1]], np.float32)).loss < 20


def test_as_scikit_learn_has_them() -> None:
    from sklearn import metrics

    random = np.random.default_rng(0)
    truth, predictions = random.integers(0, 4, 300), random.random((300, 4)).astype(np.float32)
    predictions /= predictions.sum(axis=1, keepdims=True)
    score, answers = scores.score_choice("x", tuple("abcd"), truth, predictions), predictions.argmax(axis=1)
    assert score.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, answers))
    assert score.precision == pytest.approx(tuple(metrics.precision_score(truth, answers, average=None)))
    assert score.recall == pytest.approx(tuple(metrics.recall_score(truth, answers, average=None)))
    assert score.loss == pytest.approx(metrics.log_loss(truth, predictions), rel=1e-5)
    assert np.array(score.confusion).tolist() == metrics.confusion_matrix(truth, answers).tolist()


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_a_number(shape: tuple[int, ...]) -> None:
    score = scores.score_number(
        "age", np.array([10, 20, 30, 40], np.float32), np.array([12, 20, 26, 50.0]).reshape(shape)
    )
    assert score == NumberScore("age", 4, 4.0, 3.0, 2.0, 0.75)


def test_only_where_there_is_a_label() -> None:
    data = people(4)
    data.labels["gender"][0], data.labels["age"][1] = -1, np.nan
    right = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    assert scores.score(data, "gender", right).count == 3
    assert scores.score(data, "age", np.zeros((4, 1), np.float32)).count == 3
    data.labels["gender"][:] = -1
    with pytest.raises(ValueError, match="no photograph"):
        scores.score(data, "gender", right)


def test_each_group_and_all_together() -> None:
    data = people()
    predictions = np.eye(2, dtype=np.float32)[np.where(data.labels["age"] == 70, 0, data.labels["gender"])]
    by_gender, by_age, by_both = scores.score_groups(data, "gender", predictions)
    assert [(group.of, group.count, group.value) for group in by_gender.groups] == [
        (("male",), 40, 1.0),
        (("female",), 40, 0.75),
    ]
    assert [(str(group), group.count, group.value) for group in by_age.groups] == [
        ("young", 20, 1.0),
        ("adult", 40, 1.0),
        ("elderly", 20, 0.5),
    ]
    assert by_both.by == ("gender", "age_group")
    assert str(by_both.groups[-1]) == "female, elderly"
    assert (by_both.groups[-1].value, by_both.groups[-1].enough) == (0.0, False)
    low, high = by_gender.groups[1].low, by_gender.groups[1].high
    assert (round(low, 3), round(high, 3)) == (0.598, 0.858)  # Wilson's, of 30 among 40


def test_of_age_the_best_group_has_the_smallest_error() -> None:
    data = people()
    predictions = data.labels["age"] + np.where(data.labels["gender"] == 1, 4, 2).astype(np.float32)
    by_gender = scores.score_groups(data, "age", predictions[:, None], [["gender"]])[0]
    assert by_gender.measure == "mean absolute error"
    assert [str(group) for group in by_gender.ranked] == ["male", "female"]
    assert groups.summary(by_gender) == (
        "Best: male (2.0 years). Worst: female (4.0 years). Their 95 % intervals do not overlap."
    )


def test_too_few_are_never_the_best_or_the_worst() -> None:
    some = (Group(("a",), 29, 0.1, 0, 0.3), Group(("b",), 30, 0.5, 0.4, 0.6), Group(("c",), 99, 0.55, 0.4, 0.6))
    grouped = Grouped("x", "accuracy", ("letter",), some)
    assert groups.summary(grouped) == (
        "Best: c (55.0%). Worst: b (50.0%). 1 group has fewer than 30 faces: too few to tell."
    )
    assert "(10.0%: too few to tell)" in scores.markdown((), [grouped])


def test_the_gap_is_a_number() -> None:
    """Of error rates also how many times as often; whom nobody told is neither the best nor the worst."""
    some = (
        Group(("a",), 99, 0.001, 0.0006, 0.0015),
        Group(("b",), 99, 0.079, 0.04, 0.13),
        Group(("c",), 99, 0.05, 0, 1),
        Group((groups.UNLABELLED,), 99, 0.5, 0.4, 0.6),
        Group(("e",), 9, 0.9, 0, 1),
    )
    rates = Grouped("x", "false match rate", ("letter",), some, lower_is_better=True)
    gap = rates.gap
    assert gap is not None and (str(gap.best), str(gap.worst)) == ("a", "b")
    assert (gap.value, gap.times) == pytest.approx((0.078, 79))
    assert (gap.low, gap.high) == pytest.approx((0.039, 0.129), abs=1e-3)
    assert groups.describe_gap(rates) == ("7.8 points, 79 times as often", "3.9 to 12.9 points")
    assert "| gap |  | 7.8 points, 79 times as often | 3.9 to 12.9 points |" in scores.markdown((), [rates])
    assert json.loads(json.dumps(groups.gap_to_json(rates)))["worst"] == "b"
    never = replace(rates, groups=(Group(("a",), 99, 0, 0, 0.04), some[1]))
    assert never.gap is not None and never.gap.times is None
    assert replace(rates, groups=some[:1]).gap is None
    years = replace(rates, groups=(Group(("a",), 99, 2.4, 2, 2.8), Group(("b",), 99, 8.3, 8, 8.6)), unit="years")
    assert groups.describe_gap(years) == ("5.9 years", "5.4 to 6.4 years")


def test_everything_as_json_and_as_a_card() -> None:
    data = people()
    predictions = {
        "gender": np.eye(2, dtype=np.float32)[data.labels["gender"]],
        "age": data.labels["age"],
        "beard": np.zeros(80),
    }
    figures, groups = scores.evaluate(data, predictions)
    assert [score.target for score in figures] == ["gender", "age"]
    assert isinstance(figures[0], ChoiceScore)
    content = json.loads(json.dumps(scores.to_json(figures, groups), allow_nan=False))
    assert content["gender"]["groups"]["gender x age_group"][0]["of"] == {"gender": "male", "age_group": "young"}
    source = Source("UTKFace", "Faces.", "non-commercial research.", "ab12")
    card = Card(
        "face.onnx",
        "Guesses.",
        ("gender: male, female",),
        "faces of 112 px.",
        (source,),
        "A network.",
        "python train.py",
        7,
        "a tenth.",
        limits=("Hats.",),
    )
    text = model_card.render(card, figures, groups)
    for words in (
        "non-commercial research",
        "`ab12`",
        "    python train.py",
        "Seed: 7",
        "must not",
        "unevenly",
        "Hats.",
    ):
        assert words in text
    assert "| gender | 80 | accuracy 100.00%, balanced 100.00% |" in text
    assert "unevenly" not in model_card.render(card, figures)
