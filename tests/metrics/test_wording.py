"""Shares in words."""

from __future__ import annotations

from math import nan

import pytest

from faces.metrics.wording import percent, points


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (nan, "–"),
        (0, "0.0%"),
        (0.00047, "0.047%"),
        (0.0012, "0.12%"),
        (0.0099, "0.99%"),
        (0.01, "1.0%"),
        (0.5, "50.0%"),
        (0.996, "99.6%"),
        (0.999, "99.90%"),
        (0.9996, "99.96%"),
        (0.99996, "99.996%"),
        (1, "100.0%"),
        (1 - 1e-15, "100.0%"),
    ],
)
def test_rare_errors_are_never_rounded_to_none(value: float, said: str) -> None:
    assert percent(value) == said


def test_points() -> None:
    assert points(0.078) == "7.8 points" and points(0.0036) == "0.36 points"
