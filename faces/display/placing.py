"""Find places for labels: beside their boxes, inside the picture, and not over one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.intp]

LABEL_COST = 1000  # of a pixel of another label that is covered; a pixel of a box costs 1


class Places:
    """The places of labels in a picture.

    boxes: intp (N, 4), px; a label covers as little of them as it can.
    wh: width and height of the picture, px.
    """

    def __init__(self, boxes: Whole, wh: tuple[int, int]) -> None:
        self._boxes = boxes.reshape(-1, 4)
        self._wh = wh
        self._taken = np.zeros((0, 4), np.intp)

    def take(self, k: int, size: tuple[int, int], below: bool = False) -> tuple[int, int]:
        """Return the top left corner of a label of box ``k``, and keep its place free of the next ones.

        It is above its box, aligned with its left side, unless that is outside the picture or another label is there:
        then it is below it, aligned otherwise, or beyond a label that is there.

        size: width and height of the label, px.
        below: prefer the place below the box.
        """
        width, height = size
        left, top, right, bottom = self._boxes[k].tolist()
        first, second = (bottom, top - height) if below else (top - height, bottom)
        lines = [first, second, *(self._taken[:, 1] - height).tolist(), *self._taken[:, 3].tolist()]
        x, y = np.meshgrid([left, right - width, (left + right - width) // 2], lines)
        corners = np.stack([x.ravel(), y.ravel()], axis=1)
        limits = np.maximum(np.array(self._wh) - size, 0)
        moved = np.clip(corners, 0, limits)
        places = np.concatenate([moved, moved + size], axis=1)
        away = np.abs(moved[:, 0] - left) + np.minimum(np.abs(moved[:, 1] - first), 1 + np.abs(moved[:, 1] - second))
        cost = LABEL_COST * _covered(places, self._taken) + _covered(places, self._boxes) + height * away
        best = places[int(cost.argmin())]
        self._taken = np.concatenate([self._taken, best[None]])
        return int(best[0]), int(best[1])


def _covered(places: Whole, others: Whole) -> Whole:
    """Return the area that each of (M, 4) places shares with all (N, 4) others: intp (M,), px."""
    low = np.maximum(places[:, None, :2], others[None, :, :2])
    high = np.minimum(places[:, None, 2:], others[None, :, 2:])
    return np.asarray(np.maximum(high - low, 0).prod(axis=2).sum(axis=1), np.intp)
