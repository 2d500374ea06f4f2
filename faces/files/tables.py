"""CSV files that spreadsheets show as they are: no cell is run as a formula, and no accent is lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from faces.errors import UsageError
from faces.files.writing import write_bytes

BOM = "\ufeff"  # at the beginning of a file, by which Excel knows UTF-8
FORMULAS = tuple("=+-@\t\r\n＝＋－＠")  # what a text begins with that a spreadsheet takes for a formula

OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}  # as spreadsheets of some countries write, and text files


def require_commas(path: Path, heading: str) -> None:
    """Raise UsageError if the columns of a CSV file are separated by something else.

    path: of the file, for the message.
    heading: its first line.
    """
    for separator, name in OTHER_SEPARATORS.items():
        if separator in heading and "," not in heading:
            raise UsageError(f"{path}: its columns are separated by {name}, not by commas; save it with commas")


def cell(value: object) -> object:
    """Return a value for a CSV file; a text that spreadsheets would run as a formula begins with an apostrophe.

    >>> cell("=1+1"), cell("Ada"), cell(-0.5)
    ("'=1+1", 'Ada', -0.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def write_csv(path: Path, headings: Sequence[str], rows: Iterable[Sequence[object]], errors: str) -> None:
    """Write a table as CSV for spreadsheets, replacing the file atomically.

    errors: what becomes of bytes in file names that are no UTF-8, as for ``str.encode``.
    Raises FacesError if the file cannot be written.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([headings, *([cell(value) for value in row] for row in rows)])
    write_bytes(path, (BOM + text.getvalue()).encode("utf-8", errors))
