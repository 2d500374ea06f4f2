"""Intervals of shares whose cases belong to few people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces.evaluation.figures.shares import Repeated, Share
from faces.evaluation.searches.trials import Trial
from faces.metrics.intervals import independent_cases, wilson


def test_one_photograph_a_person_is_wilsons() -> None:
    cases = np.arange(200) < 150
    share = Share.by_person(cases, range(200))
    assert (share.low, share.high) == pytest.approx(wilson(0.75, 200))
    assert share == Share.of(150, 200)


def test_photographs_that_are_alike_count_as_one() -> None:
    cases = np.repeat(np.arange(10) < 7, 20)
    assert Share.by_person(cases, np.repeat(np.arange(10), 20).tolist()).independent == pytest.approx(9)
    no_errors = independent_cases(np.ones(200, np.bool_), np.repeat(np.arange(10), 20).tolist())
    assert 10 < no_errors == pytest.approx(200 / 2.9)  # how alike they are is not known


def test_the_interval_by_person_holds_the_truth() -> None:
    """People who differ much: Wilson's interval of all photographs misses the truth half of the time."""
    rng, persons = np.random.default_rng(0), np.repeat(np.arange(60), 20)
    held, held_without = 0, 0
    for _ in range(400):
        each = rng.beta(1.5, 0.5, 60)  # each person's own share; 0.75 on average
        cases = rng.random(len(persons)) < each[persons]
        share, without = Share.by_person(cases, persons.tolist()), Share.of(int(cases.sum()), len(cases))
        held += share.low <= 0.75 <= share.high
        held_without += without.low <= 0.75 <= without.high
    assert held / 400 > 0.92
    assert held_without / 400 < 0.6


def test_splits_of_the_same_photographs_are_no_new_ones() -> None:
    share = Share.by_person(np.arange(50) < 40, range(50))
    many = Repeated((share,) * 10).whole
    assert (many.value, many.low, many.high) == pytest.approx((share.value, share.low, share.high))
    assert Repeated(()).whole.count == 0
    assert Repeated((share, Share.of(0, 0))).whole.count == 0


def test_one_person_is_one_case() -> None:
    assert independent_cases(np.arange(100) < 50, ["Ada"] * 100) == 1


def test_strangers_beside_folders_of_strangers() -> None:
    trial = Trial((), (), (), apart=Path("strangers"))
    shown = [
        trial.shown(Path(path)) for path in ("strangers/1.jpg", "strangers/Bob/1.jpg", "unknown/1.jpg", "Ada/1.jpg")
    ]
    assert shown == [Path("strangers/1.jpg"), Path("strangers/Bob"), Path("unknown/1.jpg"), Path("Ada")]
