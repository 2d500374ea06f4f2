"""Error rates by threshold, against counting by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from faces.evaluation.figures.curves import at_rate, auc_and_eer, curve
from faces.types import Floats


def floats(*values: float) -> Floats:
    return np.array(values, np.float32)


def drawn(count: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Others about 1.3 apart, genuine about 1.1: they overlap; to two digits, so that some are equal."""
    rng = np.random.default_rng(seed)
    return rng.normal(1.3, 0.1, count).round(2).astype(np.float32), rng.normal(1.1, 0.1, count).round(2).astype(
        np.float32
    )


def test_curve_by_hand() -> None:
    found = curve(floats(0.5, 0.7), floats(0.2, 0.5, np.inf, 0.1))
    assert found.threshold.tolist() == pytest.approx([-np.inf, 0.1, 0.2, 0.5, 0.7])
    assert found.impostor_rate.tolist() == [0, 0, 0, 0.5, 1]
    assert found.genuine_rate.tolist() == [0, 0.25, 0.5, 0.75, 0.75]  # without a face nobody is let in


def test_curve_of_nobody_else() -> None:
    found = curve(floats(), floats(0.2))
    assert found.impostor_rate.tolist() == [0, 0]


def test_area_by_brute_force() -> None:
    others, genuine = drawn(300)
    closer = (genuine[:, None] < others).mean() + (genuine[:, None] == others).mean() / 2
    auc, _ = auc_and_eer(others, genuine)
    assert auc.value == pytest.approx(closer)
    assert auc.low < auc.value < auc.high


def test_equal_error_rate_by_brute_force() -> None:
    others, genuine = drawn(2000)
    gaps = {t: abs((others <= t).mean() - (genuine > t).mean()) for t in np.concatenate([others, genuine])}
    closest = min(gaps, key=lambda t: gaps[t])
    _, eer = auc_and_eer(others, genuine)
    assert eer.value == pytest.approx((others <= closest).mean(), abs=0.02)
    assert eer.low < eer.value < eer.high


def test_what_can_be_told_apart_and_what_cannot() -> None:
    perfect = auc_and_eer(floats(0.8, 0.9), floats(0.1, 0.2))
    hopeless = auc_and_eer(floats(0.1, 0.2), floats(0.8, 0.9))
    same = auc_and_eer(floats(0.5, 0.5), floats(0.5, 0.5))
    assert [one.value for one in (*perfect, *hopeless, *same)] == [1, 0, 0, 1, 0.5, 0.5]


def test_missing_faces_are_errors_at_any_threshold() -> None:
    auc, eer = auc_and_eer(floats(-np.inf, 0.9), floats(0.1, np.inf))
    assert auc.value == pytest.approx(0.25)
    assert eer.value == pytest.approx(0.5)


def test_the_interval_is_the_same_each_time_and_covers_other_samples() -> None:
    auc, eer = auc_and_eer(*drawn(1000))
    assert (auc, eer) == auc_and_eer(*drawn(1000))
    others = [auc_and_eer(*drawn(1000, seed)) for seed in range(1, 21)]
    assert sum(auc.low <= one.value <= auc.high for one, _ in others) >= 12
    assert sum(eer.low <= one.value <= eer.high for _, one in others) >= 12


def test_at_rate_is_the_loosest_threshold_that_keeps_it() -> None:
    others = np.arange(1, 201, dtype=np.float32) / np.float32(100)  # 0.01, 0.02, ... 2
    found = at_rate(others, floats(0.005, 0.025, 0.03, 0.5), 0.01)
    assert found.threshold is not None and found.accepted is not None
    assert 0.0299 < found.threshold < 0.03  # two of 200 are within
    assert (found.accepted.value, found.accepted.count, found.impostors) == (0.5, 4, 200)


def test_at_rate_of_equal_distances_never_lets_more_in() -> None:
    others = floats(*[0.1] * 5, *[0.9] * 195)
    found = at_rate(others, floats(0.1), 0.01)
    assert found.threshold is not None and (others <= found.threshold).mean() <= 0.01


@pytest.mark.parametrize(("count", "told"), [(0, False), (99, False), (100, True)])
def test_too_few_to_tell(count: int, told: bool) -> None:
    found = at_rate(np.ones(count, np.float32), floats(0.5), 0.01)
    assert (found.accepted is not None, found.threshold is not None, found.impostors) == (told, told, count)


def test_a_million_pairs() -> None:
    rng = np.random.default_rng(0)
    others, genuine = (rng.normal(mean, 0.1, 500_000).astype(np.float32) for mean in (1.4, 0.8))
    auc, _ = auc_and_eer(others, genuine)
    assert auc.high - auc.low < 1e-4
    assert len(curve(others, genuine).threshold) > 100_000


def test_no_error_of_few_pairs_is_not_sure_to_be_none() -> None:
    auc, eer = auc_and_eer(np.full(40, 1, np.float32), np.full(20, 0.5, np.float32))
    assert (auc.value, auc.high, eer.value, eer.low) == (1, 1, 0, 0)
    assert (auc.low, eer.high) == pytest.approx((0.839, 0.161), abs=1e-3)
