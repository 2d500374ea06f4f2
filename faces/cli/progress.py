"""Progress bars on stderr, shown only in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

Progress = Callable[[int, int], None]
"""Takes the number of items done and their total."""


@contextmanager
def progress_bar(unit: str = "photo", description: str = "") -> Iterator[Progress]:
    """Yield a function ``advance(done, total)`` that moves a bar; its first call shows the bar.

    unit: what is counted, singular.
    description: text in front of the bar.
    """
    with ExitStack() as stack:
        bar: Any = None

        def advance(done: int, total: int) -> None:
            nonlocal bar
            if bar is None:
                from tqdm import tqdm

                bar = stack.enter_context(tqdm(total=total, desc=description or None, unit=unit, disable=None))
            bar.update(done - bar.n)

        yield advance
