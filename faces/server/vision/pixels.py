"""A limit of the pixels in work at one time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class PixelLimit:
    """Lets pictures into work, first come, first served, while all of them together are within a limit. Thread-safe.

    most: pixels in work at one time; a picture of more is in work alone.

    ``in_work``: pixels in work now, where a larger picture counts as ``most``.
    ``waiting``: pictures that wait now, in order.
    """

    def __init__(self, most: int) -> None:
        self.in_work = 0
        self.waiting: deque[object] = deque()
        self._most = most
        self._changed = Condition()

    @contextmanager
    def admit(self, pixels: int) -> Iterator[None]:
        """Wait for the turn of a picture, which is in work until the block ends. Blocks of one thread cannot be nested.

        pixels: of the picture.
        """
        pixels, ticket = min(pixels, self._most), object()
        with self._changed:
            self.waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self.waiting[0] is ticket and self.in_work + pixels <= self._most)
                self.in_work += pixels
            finally:
                self.waiting.remove(ticket)
                self._changed.notify_all()  # the next picture may fit, too
        try:
            yield
        finally:
            with self._changed:
                self.in_work -= pixels
                self._changed.notify_all()
