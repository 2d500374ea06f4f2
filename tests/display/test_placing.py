"""Where labels go: beside their boxes, inside the picture, and beside each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from faces.display.placing import Places

WH = 640, 480


def places(boxes: list[tuple[int, int, int, int]], size: tuple[int, int] = (90, 20)) -> list[tuple[int, int, int, int]]:
    """The places of a label for each box, xyxy."""
    taken = Places(np.array(boxes, np.intp), WH)
    corners = [taken.take(k, size) for k in range(len(boxes))]
    return [(x, y, x + size[0], y + size[1]) for x, y in corners]


def overlap(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


@pytest.mark.parametrize(
    ("box", "corner"),
    [
        ((100, 100, 200, 220), (100, 80)),  # above
        ((100, 10, 200, 110), (100, 110)),  # no room above: below
        ((600, 100, 640, 150), (550, 80)),  # at the right edge: aligned with it
        ((-30, 100, 50, 180), (0, 80)),
        ((-10, -10, 660, 500), (0, 0)),  # all of the picture
    ],
)
def test_a_label_alone(box: tuple[int, int, int, int], corner: tuple[int, int]) -> None:
    assert places([box])[0][:2] == corner


def test_a_second_label_of_a_box_is_below_it() -> None:
    taken = Places(np.array([(100, 100, 200, 220)], np.intp), WH)
    assert taken.take(0, (90, 20)) == (100, 80)
    assert taken.take(0, (60, 30), below=True) == (100, 220)


def test_faces_close_to_each_other_have_labels_apart() -> None:
    """Of people side by side whose labels are wider than they are, one behind the other, and the same place twice."""
    for boxes in (
        [(100 + 40 * k, 200, 138 + 40 * k, 240) for k in range(8)],
        [(200 + 5 * k, 200 + 5 * k, 300 + 5 * k, 300 + 5 * k) for k in range(6)],
        [(300, 200, 340, 250)] * 5,
        [(600, 0, 640, 40)] * 5,
    ):
        found = places(boxes)
        assert not any(overlap(a, b) for a, b in combinations(found, 2)), found
        assert all(x1 >= 0 and x2 <= WH[0] and y1 >= 0 and y2 <= WH[1] for x1, y1, x2, y2 in found)


def test_a_label_leaves_other_faces_free_where_it_can() -> None:
    """There is a face just above: the label is below its own."""
    first, second = (100, 100, 200, 200), (100, 210, 200, 310)
    assert places([first, second])[1][:2] == (100, 310)


def test_a_picture_without_room_for_all_has_all_labels_inside() -> None:
    found = places([(300, 200, 340, 250)] * 60, size=(300, 100))
    assert all(x1 >= 0 and x2 <= WH[0] and y1 >= 0 and y2 <= WH[1] for x1, y1, x2, y2 in found)
    assert places([(0, 0, 10, 10)], size=(2000, 20))[0][:2] == (0, 10)
