"""The record of a model's held-out photographs: found again whatever the order, and none is found of other data."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest

from faces.training.data import held_out


def files(*numbers: int) -> np.ndarray[Any, Any]:
    return np.array([hashlib.sha256(str(number).encode()).hexdigest() for number in numbers], "S64")


@pytest.fixture
def about() -> dict[str, Any]:
    """A model that was trained with photographs 0 to 5, validated with 6 and 7, and tested with 8 and 9."""
    parts = tuple(np.isin(np.arange(10), part) for part in (range(6), (6, 7), (8, 9)))
    return json.loads(json.dumps({"side": 64, held_out.HELD_OUT: held_out.record(files(*range(10)), parts)}))


def test_the_parts_are_found_in_any_order(about: dict[str, Any]) -> None:
    parts = held_out.find(about, files(9, 0, 6, 3, 8, 7))
    assert parts is not None
    assert [part.nonzero()[0].tolist() for part in parts] == [[1, 3], [2, 5], [0, 4]]


def test_photographs_that_were_added_are_trained_with(about: dict[str, Any]) -> None:
    parts = held_out.find(about, files(100, 8, 101))
    assert parts is not None
    assert [part.nonzero()[0].tolist() for part in parts] == [[0, 2], [], [1]]


def test_other_photographs_have_no_parts(about: dict[str, Any]) -> None:
    assert held_out.find(about, files(100, 101)) is None
    assert held_out.find(about, files()) is None


@pytest.mark.parametrize(
    "recorded", [None, [], {}, {"test": 5}, {"test": "?"}, {"test": "AAAA"}, {"test": "", "validation": None}]
)
def test_what_is_no_record_says_nothing(recorded: object) -> None:
    assert held_out.find({held_out.HELD_OUT: recorded}, files(1, 2)) is None
    assert held_out.find({}, files(1, 2)) is None
