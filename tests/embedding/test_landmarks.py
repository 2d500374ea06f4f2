"""The regression trees: the quick way through them against walking them one split at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from faces.embedding.landmarks import SAMPLES, ShapePredictor, _paths_to_leaves
from faces.geometry import similarity
from faces.types import Faces, Floats, Image, ModelId
from tests.fakes import faces_at, noise

MEAN = np.array([0.9, 0.2, 0.6, 0.25, 0.1, 0.2, 0.4, 0.25, 0.5, 0.7], np.float32)


def walked(outcomes: Sequence[object]) -> int:
    """The leaf that a tree of depth 4 ends at: left, to 2i + 1, where split i is true, else right, to 2i + 2."""
    node = 0
    while node < 15:
        node = 2 * node + (1 if outcomes[node] else 2)
    return node - 15


def test_the_leaf_table_equals_walking_the_tree() -> None:
    table = _paths_to_leaves()
    assert table.shape == (1 << 15,)
    for number in range(1 << 15):
        outcomes = [number >> (14 - split) & 1 for split in range(15)]
        assert table[number] == walked(outcomes)
    assert np.bincount(table).tolist() == [1 << 11] * 16


def forest(cascades: int = 2, trees: int = 3, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "mean_shape": MEAN,
        "a": rng.integers(0, SAMPLES, (cascades, trees, 15)).astype(np.uint16),
        "b": rng.integers(0, SAMPLES, (cascades, trees, 15)).astype(np.uint16),
        "threshold": rng.uniform(-60, 60, (cascades, trees, 15)).astype(np.float32),
        "leaves": rng.normal(0, 0.02, (cascades, trees, 16, 10)).astype(np.float32),
        "anchor": rng.integers(0, 5, (cascades, SAMPLES)),
        "delta": rng.uniform(-0.15, 0.15, (cascades, SAMPLES, 2)).astype(np.float32),
    }


def fit_slowly(weights: dict[str, Any], image: Image, box: Floats) -> Floats:
    """dlib's shape_predictor, step by step; what lies outside the image is black."""
    grey = image.astype(int).sum(axis=2) // 3
    extent = box[2:] - box[:2] - 1
    shape = MEAN.astype(np.float64).reshape(5, 2)
    for step in range(len(weights["anchor"])):
        turn = similarity(MEAN.reshape(5, 2).astype(np.float64), shape)[:, :2]
        points = shape[weights["anchor"][step]] + weights["delta"][step] @ turn.T
        columns, rows = np.floor(points * extent + box[:2] + 0.5).astype(int).T
        inside = (columns >= 0) & (rows >= 0) & (columns < grey.shape[1]) & (rows < grey.shape[0])
        sampled = np.where(inside, grey[rows.clip(0, len(grey) - 1), columns.clip(0, grey.shape[1] - 1)], 0)
        for a, b, threshold, leaves in zip(
            *(weights[name][step] for name in ("a", "b", "threshold", "leaves")), strict=True
        ):
            shape = shape + leaves[walked(sampled[a] - sampled[b] > threshold)].reshape(5, 2)
    return np.asarray(shape * extent + box[:2], np.float32)


@pytest.mark.parametrize(
    "box", [(60, 40, 140, 120), (0, 0, 200, 160), (-30, -20, 50, 60), (150, 110, 230, 190), (80, 60, 101, 99)]
)
@pytest.mark.parametrize("levels", [256, 4])  # of brightness: with few, differences equal to a threshold are common
def test_points_are_those_of_the_slow_way(box: tuple[int, ...], levels: int) -> None:
    weights, image = forest(), noise(160, 200) // (256 // levels)
    if levels == 4:
        weights["threshold"] = np.random.default_rng(1).integers(-2, 2, weights["a"].shape).astype(np.float32)
    predictor = ShapePredictor(weights, ModelId("trees", "0" * 64))
    wanted = fit_slowly(weights, image, np.array(box, np.float32))
    assert np.abs(wanted - fit_slowly({**weights, "anchor": ()}, image, np.array(box, np.float32))).max() > 0.5
    assert np.allclose(predictor.fit(image, np.array(box, np.float32)), wanted, atol=1e-2)


@pytest.fixture
def still() -> ShapePredictor:
    """A predictor whose leaves move nothing: the mean shape, in every box."""
    return ShapePredictor({**forest(), "leaves": np.zeros((2, 3, 16, 10), np.float32)}, ModelId("still", "0" * 64))


def test_predict_names_the_points_from_the_subject_and_rounds_them(still: ShapePredictor) -> None:
    found = still.predict(noise(100, 100), faces_at((0, 0, 101, 101)))
    assert found.scheme == "eye-corners"
    assert found.landmarks is not None
    # The file begins with the left eye's outer corner, at 0.9: we with the right eye's, at 0.1.
    assert found.landmarks.tolist() == [[[10, 20], [40, 25], [60, 25], [90, 20], [50, 70]]]


def test_predict_takes_other_boxes_and_keeps_the_faces_own(still: ShapePredictor) -> None:
    faces = faces_at((0, 0, 10, 10), (5, 5, 9, 9))
    found = still.predict(noise(100, 100), faces, faces_at((0, 0, 101, 101), (0, 0, 51, 51)).xyxy)
    assert np.array_equal(found.xyxy, faces.xyxy)
    assert found.landmarks is not None
    assert found.landmarks[:, 4].tolist() == [[50, 70], [25, 35]]


@pytest.mark.parametrize("box", [(500, 500, 600, 600), (-300, -300, -200, -200), (10, 10, 10, 10), (40, 40, 41, 41)])
def test_boxes_outside_the_image_or_of_no_size_do_no_harm(still: ShapePredictor, box: tuple[int, ...]) -> None:
    found = still.predict(noise(50, 50), faces_at(box))
    assert found.landmarks is not None
    assert np.isfinite(found.landmarks).all()


def test_no_faces(still: ShapePredictor) -> None:
    assert len(still.predict(noise(50, 50), Faces.empty())) == 0
