"""The gender of small children is less sure; that of others, and which one is likelier, stays."""

from __future__ import annotations

import numpy as np
import pytest

from faces.attributes.children import TEMPERATURE, YOUNG, less_sure


@pytest.mark.parametrize("female", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_only_small_children_are_less_sure(female: float) -> None:
    gender = np.array([[1 - female, female]] * 3, np.float32)
    ages = np.array([[YOUNG - 0.1], [YOUNG], [40]], np.float32)
    child, *others = less_sure(gender, ages)
    assert np.allclose(others, gender[1:], atol=1e-6)
    assert child.sum() == pytest.approx(1, abs=1e-6)
    assert abs(child[1] - 0.5) <= abs(female - 0.5)
    assert np.sign(child[1] - 0.5) == np.sign(female - 0.5)
    if 0 < female < 1:
        odds = female / (1 - female)
        assert child[1] / child[0] == pytest.approx(odds ** (1 / TEMPERATURE), rel=1e-4)


def test_no_faces() -> None:
    assert less_sure(np.zeros((0, 2), np.float32), np.zeros((0, 1), np.float32)).shape == (0, 2)
