"""Text for the terminal: tables, plurals, warnings, errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def plural(number: int, singular: str, plural: str) -> str:
    """Return a number with its noun, such as ``1 person`` or ``3 people``."""
    return f"{number} {singular if number == 1 else plural}"


def warn(text: str) -> None:
    """Print a warning to stderr."""
    print(f"warning: {text}", file=sys.stderr)


def complain(text: str) -> None:
    """Print an error to stderr, without stopping the command."""
    print(f"error: {text}", file=sys.stderr)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table with columns as wide as their cells; numbers are right-aligned."""
    cells = [[str(cell) for cell in row] for row in [headings, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    numeric = [all(isinstance(row[column], (int, float)) for row in rows) for column in range(len(headings))]
    lines = []
    for row in cells:
        columns = zip(row, widths, numeric, strict=True)
        lines.append("  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in columns))
    return "\n".join(line.rstrip() for line in lines)
