"""Thresholds and error rates, against counting."""

from __future__ import annotations

import numpy as np
import pytest

from faces.evaluation.figures.curves import best_accuracy
from faces.recognition.thresholds import OperatingPoint, far_per_person, measure_operating_points, threshold_at


def accuracy(distance: np.ndarray, same: np.ndarray, threshold: float) -> float:
    return float(((distance <= threshold) == same).mean())


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("digits", [1, 8])  # with one digit, many distances are equal
def test_best_accuracy_is_that_of_trying_every_threshold(seed: int, digits: int) -> None:
    rng = np.random.default_rng(seed)
    same = rng.random(30) < 0.5
    distance = (rng.normal(np.where(same, 1.0, 1.6), 0.4).clip(0.1)).round(digits).astype(np.float32)
    best, threshold = best_accuracy(distance, same)
    assert best == max(accuracy(distance, same, t) for t in [0, *distance])
    assert accuracy(distance, same, threshold) == best


@pytest.mark.parametrize(
    ("distance", "same", "expected"),
    [
        ([1, 2], [True, False], (1, 1)),
        ([1, 1], [True, False], (0.5, 0)),  # no threshold parts them
        ([1, 2, np.inf, np.inf], [True, True, True, False], (0.75, 2)),  # faces that were not found
        ([3], [True], (1, 3)),
        ([3], [False], (1, 0)),
        ([2, 1], [True, False], (0.5, 0)),
    ],
)
def test_best_accuracy_by_hand(distance: list[float], same: list[bool], expected: tuple[float, float]) -> None:
    assert best_accuracy(np.array(distance, np.float32), np.array(same)) == expected


def test_best_accuracy_without_pairs() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        best_accuracy(np.zeros(0, np.float32), np.zeros(0, bool))


def test_operating_points_are_the_shares_that_they_claim() -> None:
    rng = np.random.default_rng(0)
    impostor, genuine = rng.normal(1.4, 0.1, 100_001), rng.normal(0.8, 0.2, 1000)
    points = measure_operating_points(
        impostor.astype(np.float32), genuine.astype(np.float32), (0.001, 0.01, 0.1), "drawn"
    )
    for point, far in zip(points, (0.001, 0.01, 0.1), strict=True):
        assert (point.far, point.pairs) == (far, "drawn")
        assert (impostor <= point.threshold).mean() == pytest.approx(far, rel=0.05)
        assert point.tar == pytest.approx((genuine <= point.threshold).mean(), abs=1e-3)


POINTS = tuple(OperatingPoint(t, far, None, "") for far, t in ((1e-3, 0.3), (1e-2, 0.4), (1e-1, 0.6)))


@pytest.mark.parametrize(
    ("far", "threshold"),
    [
        (1e-3, 0.3),
        (1e-2, 0.4),
        (1e-1, 0.6),
        (10**-2.5, 0.35),
        (10**-1.5, 0.5),  # halfway, in the logarithm
        (1e-4, 0.2),
        (1e-5, 0.1),
        (1e-9, 0.0),  # on with the slope, but no distance is below 0
        (10**-0.5, 0.7),
    ],
)
def test_threshold_at_by_hand(far: float, threshold: float) -> None:
    assert threshold_at(POINTS, far) == pytest.approx(threshold)


def test_threshold_at_never_falls() -> None:
    thresholds = [threshold_at(POINTS, far) for far in np.geomspace(1e-7, 0.9, 100)]
    assert thresholds == sorted(thresholds)


@pytest.mark.parametrize(("points", "far"), [(POINTS, 0), (POINTS, 1), (POINTS, -0.1), (POINTS[:1], 0.1), ((), 0.1)])
def test_threshold_at_without_an_answer(points: tuple[OperatingPoint, ...], far: float) -> None:
    with pytest.raises(ValueError, match="no threshold"):
        threshold_at(points, far)


@pytest.mark.parametrize("fpir", [1e-6, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("people", [1, 2, 10, 100_000])
def test_far_per_person_adds_up(fpir: float, people: int) -> None:
    far = far_per_person(fpir, people)
    assert 1 - (1 - far) ** people == pytest.approx(fpir, rel=1e-3)
    assert far == pytest.approx(fpir) if people == 1 else far < fpir
