"""Wilson's interval, against values from the literature."""

from __future__ import annotations

import pytest

from faces.metrics.intervals import wilson


@pytest.mark.parametrize(
    ("share", "count", "low", "high"), [(0.8, 10, 0.490, 0.943), (0.0, 10, 0.0, 0.278), (1.0, 20, 0.839, 1.0)]
)
def test_wilson(share: float, count: int, low: float, high: float) -> None:
    assert wilson(share, count) == pytest.approx((low, high), abs=5e-4)


def test_of_nothing_anything_may_be_true() -> None:
    assert wilson(float("nan"), 0) == (0.0, 1.0)


def test_all_and_none_are_within() -> None:
    for count in range(1, 300):
        assert (wilson(0.0, count)[0], wilson(1.0, count)[1]) == (0, 1)
