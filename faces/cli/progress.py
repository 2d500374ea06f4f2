"""Progress bars on stderr, shown only in a terminal, and lines of text that are printed above them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

Progress = Callable[[int, int | None], None]
"""Takes the number of items done and their total, None if that is unknown."""

_shown: list[Any] = []  # bars, by tqdm


@contextmanager
def progress_bar(unit: str = "photo", description: str = "") -> Iterator[Progress]:
    """Yield a function ``advance(done, total)`` that moves a bar; its first call shows the bar.

    unit: what is counted, singular; ``B`` for bytes, whose bar is removed at the end.
    description: text in front of the bar.
    """
    bar: Any = None

    def advance(done: int, total: int | None) -> None:
        nonlocal bar
        if bar is None:
            from tqdm import tqdm

            bytes_ = {"unit_scale": True, "leave": False} if unit == "B" else {}
            # The bar moves the cursor, which ``sys.stderr`` escapes. disable=None: shown in a terminal only
            terminal = {"file": sys.__stderr__ or sys.stderr, "disable": None}
            bar = tqdm(desc=description or None, unit=unit, **terminal, **bytes_)
            _shown.append(bar)
        bar.total = total
        bar.update(done - bar.n)

    try:
        yield advance
    finally:
        if bar is not None:
            _shown.remove(bar)
            bar.close()


def print_line(text: str, stream: TextIO) -> None:
    """Print a line at once; in a terminal with progress bars, above them."""
    bars = _shown if stream.isatty() else ()
    for bar in bars:
        bar.clear()
    print(text, file=stream, flush=True)
    for bar in bars:
        bar.refresh()
