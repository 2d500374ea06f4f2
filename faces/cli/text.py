"""Text for the terminal: tables, plurals, warnings, errors, progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence


def plural(number: int, one: str, many: str) -> str:
    """``1 person`` or ``3 people``."""
    return f"{number} {one if number == 1 else many}"


def warn(text: str) -> None:
    """A line on stderr that stops nothing."""
    print(f"warning: {text}", file=sys.stderr)


def complain(text: str) -> None:
    """A line on stderr of what failed, while the rest goes on."""
    print(f"error: {text}", file=sys.stderr)


def every(step: int, total: int, what: str, tell: Callable[[str], None]) -> Callable[[int], None]:
    """Hears how many are done of ``total``, and tells it at every ``step``-th and at the last."""
    before = 0

    def heard(done: int) -> None:
        nonlocal before
        if done // step > before // step or done == total:
            tell(f"{done:,} of {total:,} {what}")
        before = done

    return heard


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as they need; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in [headings, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    numeric = [all(isinstance(row[column], (int, float)) for row in rows) for column in range(len(headings))]
    lines = []
    for row in cells:
        columns = zip(row, widths, numeric, strict=True)
        lines.append("  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in columns))
    return "\n".join(line.rstrip() for line in lines)
