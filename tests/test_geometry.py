"""Boxes and similarity transforms, against values worked out by hand and against invariances."""

from __future__ import annotations

import numpy as np
import pytest

from faces.geometry import iou, non_maximum_suppression, pixels_around, similarity, square, transform
from faces.types import Floats


def boxes(*rows: tuple[float, float, float, float]) -> Floats:
    return np.array(rows, np.float32).reshape(-1, 4)


def random_boxes(count: int, seed: int = 0) -> Floats:
    low = np.random.default_rng(seed).uniform(0, 50, (count, 2))
    return np.concatenate([low, low + np.random.default_rng(seed + 1).uniform(1, 50, (count, 2))], 1).astype(np.float32)


@pytest.mark.parametrize(
    ("scale", "down", "expected"),
    [(1.0, 0.0, (2, -1, 6, 3)), (2.0, 0.0, (0, -3, 8, 5)), (2.0, 0.5, (0, 1, 8, 9)), (1.0, -0.25, (2, -2, 6, 2))],
)
def test_square_of_a_box_of_8_by_2(scale: float, down: float, expected: tuple[float, ...]) -> None:
    assert square(boxes((0, 0, 8, 2)), scale=scale, down=down).tolist() == [list(expected)]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((0, 0, 2, 2), 1),
        ((1, 1, 3, 3), 1 / 7),
        ((0, 0, 2, 1), 1 / 2),
        ((2, 0, 4, 2), 0),  # touching
        ((5, 5, 6, 6), 0),
        ((1, 1, 1, 1), 0),  # of no area
        ((3, 3, -1, -1), 0),  # inside out
    ],
)
def test_iou_with_a_box_of_2_by_2(other: tuple[float, float, float, float], expected: float) -> None:
    assert iou(np.array([0, 0, 2, 2], np.float32), boxes(other)) == pytest.approx([expected])


def test_iou_of_two_empty_boxes_is_0() -> None:
    assert iou(np.zeros(4, np.float32), boxes((0, 0, 0, 0))).tolist() == [0]


def test_iou_is_symmetric_and_does_not_depend_on_shift_or_scale() -> None:
    every = random_boxes(20)
    table = np.stack([iou(box, every) for box in every])
    assert np.array_equal(table, table.T)
    moved = every * 3 + np.array([7, -40, 7, -40], np.float32)
    assert np.allclose(np.stack([iou(box, moved) for box in moved]), table, atol=1e-5)


def test_suppression_keeps_the_best_of_each_heap_best_first() -> None:
    found = boxes((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60), (51, 50, 61, 60), (100, 0, 110, 10))
    score = np.array([0.5, 0.6, 0.9, 0.8, 0.7], np.float32)
    assert non_maximum_suppression(found, score, 0.5).tolist() == [2, 4, 1]


def test_suppression_lets_overlap_up_to_the_threshold_pass_and_prefers_the_first_of_equals() -> None:
    found, score = boxes((0, 0, 2, 2), (0, 0, 2, 1)), np.array([0.5, 0.5], np.float32)
    assert non_maximum_suppression(found, score, 0.5).tolist() == [0, 1]
    assert non_maximum_suppression(found, score, 0.49).tolist() == [0]


def test_suppression_does_not_depend_on_the_order_given() -> None:
    found, score = random_boxes(40), np.random.default_rng(2).random(40, np.float32)
    order = np.random.default_rng(3).permutation(40)
    kept = non_maximum_suppression(found, score, 0.3)
    assert order[non_maximum_suppression(found[order], score[order], 0.3)].tolist() == kept.tolist()
    assert 1 < len(kept) < 40


@pytest.mark.parametrize("angle", [0, 30, 90, 180, -135])
@pytest.mark.parametrize("scale", [0.1, 1, 7])
def test_a_similarity_applied_to_points_is_recovered(angle: float, scale: float) -> None:
    cos, sin = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    matrix = np.array([[cos, -sin, 12], [sin, cos, -5]])
    points = np.random.default_rng(0).normal(0, 20, (5, 2))
    assert np.allclose(similarity(points, transform(matrix, points)), matrix)


def test_similarity_is_the_least_squares_one_and_never_a_reflection() -> None:
    rng = np.random.default_rng(0)
    source = rng.normal(size=(5, 2))
    target = source * [-1, 1] + rng.normal(0, 0.1, (5, 2))
    best = similarity(source, target)
    assert np.allclose(best[0, :2], best[1, 1::-1] * [1, -1])  # (a, -b; b, a)

    def error(matrix: np.ndarray) -> float:
        return float(((transform(matrix, source) - target) ** 2).sum())

    for step in 1e-3 * rng.normal(size=(50, 4)):
        other = np.array(
            [
                [best[0, 0] + step[0], best[0, 1] - step[1], best[0, 2] + step[2]],
                [best[1, 0] + step[1], best[1, 1] + step[0], best[1, 2] + step[3]],
            ]
        )
        assert error(other) > error(best)


def test_similarity_of_coinciding_points_is_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity(np.ones((5, 2)), np.zeros((5, 2)))


def test_transform_by_hand() -> None:
    matrix = np.array([[0.0, -2, 10], [2, 0, 20]])  # a quarter turn, twice the size, a shift
    assert transform(matrix, np.array([[1, 0], [0, 1], [3, 4]])).tolist() == [[10, 22], [8, 20], [2, 26]]


def test_no_boxes_and_no_points() -> None:
    none = boxes()
    assert square(none, scale=2, down=1).shape == (0, 4)
    assert iou(np.ones(4, np.float32), none).shape == (0,)
    assert non_maximum_suppression(none, np.zeros(0, np.float32), 0.5).tolist() == []
    assert transform(np.eye(2, 3), np.zeros((0, 5, 2))).shape == (0, 5, 2)


@pytest.mark.parametrize(
    ("box", "margin", "expected"),
    [
        ((10, 20, 30, 60), 5, (5, 15, 35, 65)),
        ((10, 20, 30, 60), (2.6, 1.4), (7, 19, 33, 61)),
        ((-10, -10, 30, 300), 5, (0, 0, 35, 100)),
        ((10.4, 10.4, 10.4, 10.4), 0, (10, 10, 11, 11)),
        ((500, 20, 510, 30), 0, (199, 20, 200, 30)),
    ],
)
def test_a_box_with_a_margin_in_whole_pixels(
    box: tuple[float, ...], margin: float | tuple[float, float], expected: tuple[int, ...]
) -> None:
    assert pixels_around(np.array(box, np.float32), np.asarray(margin), 200, 100) == expected
