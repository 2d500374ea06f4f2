"""Photographs that lie on their side or head."""

from __future__ import annotations

import numpy as np
import pytest

from faces.detection.turns import MARGIN, best_turn
from faces.pipeline import Pipeline
from faces.synthetic.people import CAST
from faces.synthetic.scenes import portrait
from faces.types import Faces, Image

QUARTERS = (0, 1, 2, 3)


class Looking:
    """Finds one face, around the only white pixel, with a score for each look."""

    def __init__(self, *scores: float) -> None:
        self.scores, self.looks = iter(scores), 0

    def __call__(self, image: Image) -> Faces:
        self.looks += 1
        score = next(self.scores)
        if score == 0:
            return Faces.empty()
        [[y, x]] = np.argwhere(image[:, :, 0])
        box = np.array([[x - 1, y - 2, x + 2, y + 4]], np.float32)  # upright in this turn
        points = np.array([[[x, y], [x + 1, y], [x, y + 1], [x, y + 2], [x + 1, y + 2]]], np.float32)
        return Faces(box, np.array([score], np.float32), points, "five-points")


def picture() -> Image:
    image: Image = np.zeros((50, 80, 3), np.uint8)
    image[20, 30] = 255
    return image


def test_a_convincing_face_is_looked_at_once() -> None:
    detect = Looking(0.95)
    assert best_turn(detect, picture(), 0.9).score == pytest.approx([0.95])
    assert detect.looks == 1
    assert len(best_turn(Looking(0), picture(), None)) == 0  # a detector that is never turned


@pytest.mark.parametrize(
    ("scores", "size", "first_step"),
    [
        ((0, 0.95, 0, 0), (6, 3), (0, 1)),
        ((0, 0, 0.95, 0), (6, 3), (0, -1)),
        ((0, 0, 0, 0.95), (3, 6), (-1, 0)),
        ((0.88, 0.7, 0.7, 0.88 + MARGIN / 2), (3, 6), (1, 0)),  # not surely better than as it is
        ((0.6, 0.7, 0.7, 0.85), (3, 6), (1, 0)),  # better, but not convincing
    ],
)
def test_the_surest_turn_counts_in_pixels_of_the_image(
    scores: tuple[float, ...], size: tuple[float, float], first_step: tuple[float, float]
) -> None:
    faces = best_turn(Looking(*scores), picture(), 0.9)
    assert faces.landmarks is not None
    assert tuple(faces.landmarks[0, 1] - faces.landmarks[0, 0]) == first_step  # from one eye to the other
    low, high = faces.xyxy[0, :2], faces.xyxy[0, 2:]
    assert tuple(high - low) == size
    assert (low <= [30, 20]).all()
    assert (high >= [31, 21]).all()  # the white pixel


@pytest.mark.parametrize("quarters", QUARTERS)
def test_a_photograph_on_its_side_gives_the_same_embedding(quarters: int) -> None:
    pipeline = Pipeline.load(threads=1)
    upright = portrait(CAST[0], np.random.default_rng(0)).image
    image = np.ascontiguousarray(np.rot90(upright, quarters))
    known = pipeline.find(upright)[1][0]
    faces, embeddings = pipeline.find(image)
    assert len(faces) == 1
    assert float(embeddings[0] @ known) > 0.95
    assert pipeline.best_face(image).xyxy == pytest.approx(faces.xyxy, abs=20)
