"""Report the progress of long steps as lines of text."""

from __future__ import annotations

from collections.abc import Callable


def log_every(step: int, total: int, label: str, log: Callable[[str], None]) -> Callable[[int], None]:
    """Return a callback that takes the number done, and logs it at each multiple of ``step`` and at ``total``.

    label: what is counted and done, such as ``faces cut``.
    """
    before = 0

    def progress(done: int) -> None:
        nonlocal before
        if done // step > before // step or done == total:
            log(f"{done:,} of {total:,} {label}")
        before = done

    return progress
