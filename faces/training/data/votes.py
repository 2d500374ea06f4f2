"""Read photographs with people's votes: a table with a column for each class, as FER+ has them.

Source: Barsoum and others, Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label
Distribution, ICMI 2016: networks learn more from the shares of the votes than from the majority.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError, UsageError
from faces.files.finding import SUFFIXES
from faces.files.tables import require_commas
from faces.training.data.labelled import UNKNOWN, LabelledImages

NO_CLASS = ("unknown", "nf")  # columns, in lower case, of votes for none of the classes; NF: no face
PATH = "path"


def read_votes(file: Path, target: str, images: Path | None = None) -> LabelledImages:
    """Read a table with a column ``path``; every other column is a class of the target, its cells the number of votes.

    A photograph is left out if most votes are for none of the classes (the columns ``unknown`` and ``NF``). If two
    classes have the most votes, its label is unknown, but the shares of the votes are learned all the same.

    images: folder that the paths are relative to; None: the file's own.

    Raises UsageError if it is no such table, and FacesError if no row can be used.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            require_commas(file, lines.readline())
            lines.seek(0)
            table = csv.DictReader(lines)
            columns = [name for name in table.fieldnames or () if name and name != PATH]
            names = [name for name in columns if name.lower() not in NO_CLASS]
            if PATH not in (table.fieldnames or ()) or len(names) < 2:
                raise UsageError(f"{file}: no table of votes: its first line must be path and the names of the classes")
            rows = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file}: not a readable CSV file in UTF-8 ({error})") from error
    columns = sorted(names) + [name for name in columns if name not in names]
    folder = images or file.parent
    paths: list[Path] = []
    votes: list[list[float]] = []
    left_out: list[tuple[Path, str]] = []
    for row in rows:
        path = folder / (row[PATH] or "").strip()
        counts = [_count(row[name]) for name in columns]
        if reason := _unusable(path, counts, len(names)):
            left_out.append((path, reason))
        else:
            paths.append(path)
            votes.append(counts)
    if not paths:
        why = f" (the first row: {left_out[0][1]})" if left_out else ""
        raise FacesError(f"{file}: no row with a photograph and votes for a class{why}")
    counted = np.array(votes, np.float32)
    shares = counted[:, : len(names)]
    return LabelledImages(
        tuple(paths),
        {target: _majority(counted)},
        {target: tuple(sorted(names))},
        tuple(left_out),
        {target: np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)},
    )


def _count(cell: str | None) -> float:
    """Return a number of votes; an empty cell is 0, and NaN is no number of votes."""
    try:
        count = float((cell or "").strip() or 0)
    except ValueError:
        return float("nan")
    return count if 0 <= count < float("inf") else float("nan")


def _unusable(path: Path, counts: list[float], classes: int) -> str | None:
    """Return why a row is left out.

    counts: of the classes, then of the columns in ``NO_CLASS``.
    """
    if path.suffix.lower() not in SUFFIXES:
        return "not the name of an image"
    if any(np.isnan(counts)):
        return "votes that are not numbers from 0"
    if sum(counts[:classes]) == 0:
        return "no vote for a class"
    if max(counts[classes:], default=0) >= max(counts[:classes]):
        return "most votes are for no class"
    return None


def _majority(votes: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the class with the most votes, intp (N,); unknown where there are several."""
    is_most = votes == votes.max(axis=1, keepdims=True)
    return np.where(is_most.sum(axis=1) == 1, votes.argmax(axis=1), UNKNOWN).astype(np.intp)
