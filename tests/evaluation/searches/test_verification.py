"""Verification on points whose distances are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces.errors import FacesError
from faces.evaluation.searches.pairs import Pairs
from faces.evaluation.searches.verification import verify
from tests.evaluation.points import NO_FACE, apart, photographs

PLACES = {"a0": 0.0, "a10": 10, "a20": 20, "b90": 90, "b100": 100, "b40": 40, "none": NO_FACE}


def pairs(*each: tuple[str, str, bool, int | None]) -> Pairs:
    folds = [fold for *_, fold in each if fold is not None]
    return Pairs(
        tuple(Path(a) for a, *_ in each),
        tuple(Path(b) for _, b, *_ in each),
        np.array([same for *_, same, _ in each]),
        np.array(folds, np.intp) if folds else None,
    )


def test_the_best_threshold_without_folds() -> None:
    wanted = pairs(
        ("a0", "a10", True, None),
        ("a0", "a20", True, None),
        ("b90", "b40", True, None),
        ("a0", "b90", False, None),
        ("a20", "b40", False, None),
    )
    found = verify("points", wanted, photographs(PLACES))
    assert found.distance.tolist() == pytest.approx([apart(d) for d in (10, 20, 50, 90, 20)], abs=1e-6)
    assert found.thresholds == pytest.approx([apart(50)], abs=1e-6)  # one pair of two people is closer
    assert (found.accuracy.value, found.accuracy.count, found.standard_error) == (0.8, 5, None)
    assert found.right.tolist() == [True, True, True, True, False]
    assert found.accuracy.low < 0.8 < found.accuracy.high
    assert [mistake.description for mistake in found.mistakes] == ["different people, judged the same"]
    assert found.mistakes[0].photograph == Path("a20")
    assert all(point.accepted is None for point in found.tar)  # of two pairs
    assert (found.missing, found.no_face) == (0, ())


def test_the_threshold_of_a_fold_is_chosen_on_the_others() -> None:
    wanted = pairs(
        ("a0", "a10", True, 0),
        ("a0", "b40", False, 0),  # best up to 10 degrees
        ("b40", "b90", True, 1),
        ("a0", "b90", False, 1),  # best up to 50
        ("a10", "a20", True, 2),
        ("a0", "b100", False, 2),
    )
    found = verify("points", wanted, photographs(PLACES))
    assert found.thresholds == pytest.approx([apart(50), apart(10), apart(10)], abs=1e-6)
    assert found.right.tolist() == [True, False, False, True, True, True]
    assert found.accuracy.value == pytest.approx(np.mean([0.5, 0.5, 1]))
    assert found.standard_error == pytest.approx(np.std([0.5, 0.5, 1], ddof=1) / np.sqrt(3))


MISSING = pairs(
    ("a0", "a10", True, None), ("a0", "b90", False, None), ("a0", "none", True, None), ("none", "b90", False, None)
)


def test_a_missing_face_is_an_error_whatever_the_truth() -> None:
    found = verify("points", MISSING, photographs(PLACES))
    assert found.accuracy.value == 0.5
    assert found.right.tolist() == [True, True, False, False]
    assert found.distance.tolist()[2:] == [np.inf, np.inf]
    assert found.counted.tolist()[2:] == [np.inf, -np.inf]
    assert (found.missing, found.no_face, found.skipped) == (2, (Path("none"),), False)
    assert found.auc.value == pytest.approx(0.25)
    assert [mistake.description for mistake in found.mistakes] == ["no face found"] * 2


def test_missing_faces_can_be_left_out() -> None:
    found = verify("points", MISSING, photographs(PLACES), skip_missing=True)
    assert (found.accuracy.value, len(found.same), found.auc.value) == (1, 2, 1)
    assert (found.missing, found.no_face, found.skipped) == (2, (Path("none"),), True)


def test_leaving_out_may_leave_no_pair_of_one_kind() -> None:
    wanted = pairs(("a0", "a10", True, None), ("a0", "none", False, None))
    with pytest.raises(FacesError, match="whose faces were not found: there is no pair of two people"):
        verify("points", wanted, photographs(PLACES), skip_missing=True)


def test_no_face_at_all() -> None:
    wanted = pairs(("a0", "none", True, None), ("none", "b90", False, None))
    with pytest.raises(FacesError, match="no face found in both photographs of any of the 2 pairs"):
        verify("points", wanted, photographs(PLACES))


def test_rates_where_there_are_enough_pairs() -> None:
    rng = np.random.default_rng(0)
    places = {f"{k}": float(rng.uniform(0, 180)) for k in range(400)}
    names = list(places)
    others = [(a, b, False, None) for a, b in zip(names[:200], names[200:], strict=True)]
    genuine = [(name, name, True, None) for name in names[:50]]
    found = verify("points", pairs(*others, *genuine), photographs(places))
    one_percent, tenth, _ = found.tar
    assert one_percent.threshold is not None and one_percent.accepted is not None
    assert (found.distance[~found.same] <= one_percent.threshold).sum() == 2
    assert (one_percent.accepted.value, one_percent.accepted.count) == (1, 50)
    assert (tenth.accepted, tenth.impostors) == (None, 200)
