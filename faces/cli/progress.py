"""Progress bars on stderr, shown only in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

Progress = Callable[[int, int | None], None]
"""Takes the number of items done and their total, None if that is unknown."""


@contextmanager
def progress_bar(unit: str = "photo", description: str = "") -> Iterator[Progress]:
    """Yield a function ``advance(done, total)`` that moves a bar; its first call shows the bar.

    unit: what is counted, singular; ``B`` for bytes, whose bar is removed at the end.
    description: text in front of the bar.
    """
    with ExitStack() as stack:
        bar: Any = None

        def advance(done: int, total: int | None) -> None:
            nonlocal bar
            if bar is None:
                from tqdm import tqdm

                bytes_ = {"unit_scale": True, "leave": False} if unit == "B" else {}
                # The bar moves the cursor, which ``sys.stderr`` escapes. disable=None: shown in a terminal only
                terminal = {"file": sys.__stderr__ or sys.stderr, "disable": None}
                bar = stack.enter_context(tqdm(desc=description or None, unit=unit, **terminal, **bytes_))
            bar.total = total
            bar.update(done - bar.n)

        yield advance
