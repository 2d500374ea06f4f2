"""Text for the terminal: tables, plurals, warnings, errors."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from faces.cli.progress import print_line

# What moves the cursor, changes colours, or reverses the order of letters: C0, C1, line separators, and Unicode's
# directional overrides and isolates; and the bytes of names that are no UTF-8.
_CONTROL = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_NO_UTF8 = range(0xDC80, 0xDD00)
_ESCAPES = {code: chr(code).encode("unicode_escape").decode() for code in (*_CONTROL, *_NO_UTF8)}
_ESCAPES_OF_LINES = {code: escape for code, escape in _ESCAPES.items() if chr(code) not in "\n\t"}


def plural(number: int, singular: str, plural: str) -> str:
    """Return a number with its noun, such as ``1 person`` or ``3 people``."""
    return f"{number} {singular if number == 1 else plural}"


def escaped(text: str, lines: bool = False) -> str:
    r"""Return a text with escapes in place of control characters, which file names may contain.

    lines: leave line breaks and tabs.

    >>> print(escaped("red\x1b[0m"))
    red\x1b[0m
    """
    return text.translate(_ESCAPES_OF_LINES if lines else _ESCAPES)


def tell(text: str) -> None:
    """Print a line about the progress to stderr, at once."""
    print_line(escaped(text), sys.stderr)


def warn(text: str) -> None:
    """Print a warning to stderr."""
    tell(f"warning: {text}")


def complain(text: str) -> None:
    """Print an error to stderr, without stopping the command."""
    tell(f"error: {text}")


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table with columns as wide as their cells; numbers are right-aligned, control characters escaped."""
    cells = [[escaped(str(cell)) for cell in row] for row in [headings, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    numeric = [all(isinstance(row[column], (int, float)) for row in rows) for column in range(len(headings))]
    lines = []
    for row in cells:
        columns = zip(row, widths, numeric, strict=True)
        lines.append("  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in columns))
    return "\n".join(line.rstrip() for line in lines)
