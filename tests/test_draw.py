"""Boxes and labels, on pictures of any size and names in any script."""

from __future__ import annotations

import numpy as np
import pytest

from faces.draw import KNOWN, UNKNOWN, annotate
from faces.types import Faces, Image, Matches
from tests.fakes import faces_at


def matches(*names: str | None) -> Matches:
    candidates = tuple(name or "Ada" for name in names)
    ones = np.full(len(names), 0.75, np.float32)
    return Matches(names, candidates, ones, ones)


def grey(height: int, width: int) -> Image:
    return np.full((height, width, 3), 128, np.uint8)


def changed(image: Image) -> tuple[int, int, int, int]:
    """The box, xyxy, around everything that is not grey any more."""
    rows, columns = np.nonzero((image != 128).any(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def has(image: Image, colour: tuple[int, int, int]) -> bool:
    return bool((image == colour).all(axis=2).any())


def test_a_box_and_a_label_above_it() -> None:
    image = grey(300, 400)
    drawn = annotate(image, faces_at((100, 100, 200, 220)), matches("Ada"))
    x1, y1, x2, y2 = changed(drawn)
    assert (image == 128).all()  # the picture itself is left alone
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert abs(x1 - 100) <= 2
    assert y1 < 90
    assert abs(x2 - 200) <= 2
    assert abs(y2 - 220) <= 2
    assert (drawn[150:170, 120:180] == 128).all()  # the face is not covered


def test_known_and_unknown_have_different_colours() -> None:
    box = faces_at((100, 100, 200, 200))
    known, unknown = annotate(grey(300, 400), box, matches("Ada")), annotate(grey(300, 400), box, matches(None))
    assert (has(known, KNOWN), has(known, UNKNOWN)) == (True, False)
    assert (has(unknown, KNOWN), has(unknown, UNKNOWN)) == (False, True)


def test_no_faces_change_nothing() -> None:
    image = grey(30, 40)
    drawn = annotate(image, Faces.empty(), matches())
    assert np.array_equal(drawn, image)
    assert drawn is not image


@pytest.mark.parametrize(
    "box", [(100, 0, 200, 100), (350, 100, 450, 200), (-50, -50, 20, 20), (0, 250, 80, 350), (-10, -10, 410, 310)]
)
def test_labels_stay_inside_the_picture(box: tuple[int, ...]) -> None:
    """The label's height and width are those it has in the middle of a picture."""
    free = annotate(grey(300, 400), faces_at((150, 150, 250, 250)), matches("Ada Lovelace"))
    drawn = annotate(grey(300, 400), faces_at(box), matches("Ada Lovelace"))

    def letters(image: Image) -> int:
        return int((image > 230).all(axis=2).sum())

    assert letters(free) > 50
    assert letters(drawn) == letters(free)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (10, 400), (400, 10), (24, 24)])
def test_tiny_pictures_keep_their_size(shape: tuple[int, int]) -> None:
    drawn = annotate(grey(*shape), faces_at((0, 0, shape[1], shape[0]), (-5, -5, 1, 1)), matches("Ada", None))
    assert drawn.shape == (*shape, 3)
    assert (drawn != 128).any()


def test_labels_grow_with_the_picture() -> None:
    heights = []
    for scale in (1, 3, 9):
        drawn = annotate(grey(250 * scale, 250 * scale), faces_at((60, 150, 80, 170)), matches("Ada"))
        rows = np.nonzero((drawn == KNOWN).all(axis=2).sum(axis=1) > 15 * scale)[0]
        heights.append(rows.max() - rows.min())
    assert heights[0] < heights[1] < heights[2]
    assert heights[2] > 3 * heights[0]


@pytest.mark.parametrize(
    "name",
    ["Zoë Łukasz", "李小龍", "Владимир", "مريم", "नीना", "😀", "e\u0301", "\u0301", "a\nb", "\u202eA", "", "x" * 300],
)
def test_names_in_any_script(name: str) -> None:
    drawn = annotate(grey(200, 300), faces_at((50, 80, 150, 180)), matches(name))
    assert drawn.shape == (200, 300, 3)
    assert has(drawn, KNOWN)


def test_faces_and_matches_must_agree() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        annotate(grey(50, 50), faces_at((0, 0, 9, 9)), matches())
