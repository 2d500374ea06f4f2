"""Face regions, their boxes, and how boxes turn with a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of a picture's width and height, from its top left corner."""

UPRIGHT = 1  # the EXIF orientation of a picture that is stored as it is displayed
INVERSE = {6: 8, 8: 6}  # the other orientations are their own inverses
SAME_SHAPE = 0.01  # of the ratio of the sides: two shapes that differ by less move no box by more of the picture


@dataclass(frozen=True, slots=True)
class Region:
    """A face that a program has marked.

    name: of the person; empty if the program does not know it.
    box: in the picture as displayed.
    source: where it was read, for messages: ``MWG regions of photo.jpg.xmp``.
    """

    name: str
    box: Box
    source: str


class Frame(NamedTuple):
    """A picture as it is stored: the coordinates that programs use in metadata.

    width, height: px, before it is turned.
    orientation: of EXIF, 1 to 8: how the stored picture is turned for display.
    """

    width: int
    height: int
    orientation: int = UPRIGHT

    @property
    def displayed(self) -> tuple[int, int]:
        """Width and height of the picture as displayed, px."""
        return (self.height, self.width) if self.orientation > 4 else (self.width, self.height)

    def orientation_for(self, width: float, height: float) -> int | None:
        """Return how regions turn for display that were made for a picture of some size, or None if they do not fit.

        Most programs mark faces in the stored picture; some in the displayed one.
        width, height: px, or of any picture of the same shape.
        """
        if same_shape((width, height), (self.width, self.height)):
            return self.orientation
        return UPRIGHT if same_shape((width, height), self.displayed) else None


def same_shape(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether two widths and heights have about the same ratio.

    >>> same_shape((4000, 3000), (160, 120)), same_shape((4000, 3000), (3000, 4000))
    (True, False)
    """
    first, second = one[0] * other[1], one[1] * other[0]
    return first > 0 and second > 0 and abs(first / second - 1) <= SAME_SHAPE


def turned(box: Box, orientation: int) -> Box:
    """Return a box of a stored picture in the displayed one.

    orientation: of EXIF, 1 to 8.

    >>> turned((0.0, 0.0, 0.25, 0.5), 6)  # its left top corner comes to the right
    (0.5, 0.0, 1.0, 0.25)
    """
    x1, y1, x2, y2 = box
    if orientation > 4:  # 5 to 8 also swap the axes
        x1, y1, x2, y2 = y1, x1, y2, x2
    if orientation in (2, 3, 6, 7):
        x1, x2 = 1 - x2, 1 - x1
    if orientation in (3, 4, 7, 8):
        y1, y2 = 1 - y2, 1 - y1
    return x1, y1, x2, y2


def turned_back(box: Box, orientation: int) -> Box:
    """Return a box of a displayed picture in the stored one: the inverse of ``turned``."""
    return turned(box, INVERSE.get(orientation, orientation))


def of_centre(x: float, y: float, width: float, height: float) -> Box:
    """Return the box around a centre."""
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def of_corner(left: float, top: float, width: float, height: float) -> Box:
    """Return the box below and to the right of its left top corner."""
    return left, top, left + width, top + height


def centre(box: Box) -> tuple[float, float, float, float]:
    """Return x and y of a box's centre, its width and its height."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]


def within_picture(box: Box) -> Box:
    """Return the part of a box that lies in the picture.

    Raises ValueError with the reason if there is none.
    """
    if not all(map(math.isfinite, box)):
        raise ValueError("has no numbers as its place")
    if box[2] <= box[0] or box[3] <= box[1]:
        raise ValueError("has no size")
    left, top, right, bottom = (min(max(value, 0.0), 1.0) for value in box)
    if right <= left or bottom <= top:
        raise ValueError("lies outside of the picture")
    return left, top, right, bottom


def same_face(one: Box, other: Box) -> bool:
    """Return whether two programs may mean the same face: the centre of each box lies in the other.

    Programs differ in how much of a head their boxes hold.
    """
    return _holds_centre(one, other) and _holds_centre(other, one)


def _holds_centre(box: Box, other: Box) -> bool:
    x, y, _, _ = centre(other)
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes; 0 if both are empty."""
    wide = max(min(one[2], other[2]) - max(one[0], other[0]), 0.0)
    high = max(min(one[3], other[3]) - max(one[1], other[1]), 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (areas - wide * high) if areas > wide * high else 0.0
