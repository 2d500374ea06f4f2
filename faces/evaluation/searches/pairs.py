"""Read pairs of photographs from LFW's text files or from CSV files.

LFW: ``name 1 4`` are two photographs of one person, ``name 1 other 2`` of two people, separated by tabs or spaces. A
first line ``10 300`` means ten folds, each with 300 pairs of one person and then 300 of two; ``500`` means 500 pairs of
each kind, without folds.
CSV: ``photograph,other,same[,fold]``, with or without this heading; ``same`` is 1 or 0, true or false, yes or no.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.errors import UsageError, reason_of
from faces.evaluation.figures.shares import Flags, Indices
from faces.files.finding import SUFFIXES
from faces.files.tables import require_commas

TRUTHS = {"1": True, "true": True, "yes": True, "same": True, "0": False, "false": False, "no": False}
TRUTHS["different"] = False
COLUMNS = ("photograph", "other", "same", "fold")


@dataclass(frozen=True, slots=True)
class Pairs:
    """N pairs of photographs.

    first, second: N paths each.
    same: bool (N,), whether both show the same person.
    fold: intp (N,), from 0, or None without folds.
    """

    first: tuple[Path, ...]
    second: tuple[Path, ...]
    same: Flags
    fold: Indices | None = None

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, kept: Flags) -> Pairs:
        first, second = (
            tuple(path for path, k in zip(paths, kept, strict=True) if k) for paths in (self.first, self.second)
        )
        return Pairs(first, second, self.same[kept], None if self.fold is None else self.fold[kept])

    def require_both_kinds(self, source: str) -> None:
        """Raise UsageError unless every fold has pairs of one person and of two. source: begins the message."""
        number = 0 if self.fold is None else int(self.fold.max(initial=-1)) + 1
        folds = [(f"fold {k + 1} has", self.same[self.fold == k]) for k in range(number)]
        for subject, same in folds or [("there is", self.same)]:
            for present, kind in ((same.any(), "of one person"), ((~same).any(), "of two people")):
                if not present:
                    raise UsageError(f"{source}: {subject} no pair {kind}; both kinds are needed")


def read(path: Path, images: Path | None = None) -> Pairs:
    """Read the pairs in a file.

    images: folder of the photographs; by default that of the file.

    Raises UsageError, with the line's number, if the file has another format or a photograph is missing.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {reason_of(error)}") from error
    except UnicodeError as error:
        raise UsageError(f"{path}: not a text file in UTF-8") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise UsageError(f"{path}: no pairs in it")
    images = path.parent if images is None else images
    if not images.is_dir():
        raise UsageError(f"{images}: no such folder; give the folder of the photographs with --images")
    first = lines[0][1]
    is_csv = path.suffix.lower() == ".csv" or "," in first or ";" in first or first.lower().startswith(COLUMNS[0])
    if is_csv:
        require_commas(path, first)
    pairs = _csv(path, lines, images) if is_csv else _lfw(path, lines, images)
    pairs.require_both_kinds(str(path))
    return pairs


def _lfw(path: Path, lines: Sequence[tuple[int, str]], images: Path) -> Pairs:
    header = _fields(lines[0][1])
    announced = [int(field) for field in header] if len(header) < 3 and all(map(str.isdecimal, header)) else []
    first, second, same, photographs = [], [], [], _LfwPhotographs(images)
    for number, line in lines[1:] if announced else lines:
        fields = _fields(line)
        numbers = fields[1:] if len(fields) == 3 else fields[1::2]
        if len(fields) not in (3, 4) or not all(map(str.isdecimal, numbers)):
            shape = "NAME NUMBER NUMBER or NAME NUMBER OTHER NUMBER"
            raise UsageError(f"{path}, line {number}: expected {shape}, not {line.strip()!r}")
        same.append(len(fields) == 3)
        first.append(photographs.find(number, fields[0], int(fields[1])))
        second.append(photographs.find(number, fields[-2] if len(fields) == 4 else fields[0], int(fields[-1])))
    fold = _announced_folds(path, announced, same)
    photographs.require_all(path)
    return Pairs(tuple(first), tuple(second), np.array(same, np.bool_), fold)


def _fields(line: str) -> list[str]:
    return [field.strip() for field in line.strip().split("\t")] if "\t" in line.strip() else line.split()


def _announced_folds(path: Path, announced: Sequence[int], same: Sequence[bool]) -> Indices | None:
    """Return the fold of each pair from the numbers in the first line. Raises UsageError if the pairs do not match."""
    if not announced:
        return None
    folds, each = announced if len(announced) == 2 else (1, announced[0])
    if folds * each * 2 != len(same) or not same:
        raise UsageError(
            f"{path}: its first line announces {folds * each * 2:,} pairs"
            f" ({f'{folds} folds of ' if len(announced) == 2 else ''}{each} of one person and {each} of two people),"
            f" but there are {len(same):,}"
        )
    for k in range(folds):
        of_one = sum(same[2 * each * k : 2 * each * (k + 1)])
        if of_one != each:
            subject = f"fold {k + 1} has" if len(announced) == 2 else "there are"
            raise UsageError(
                f"{path}: {subject} {of_one} pairs of one person and {2 * each - of_one} of two, not {each} of each"
            )
    return np.repeat(np.arange(folds), 2 * each) if folds > 1 else None


class _LfwPhotographs:
    """Finds LFW's photographs, ``Name/Name_0001`` with any image extension, and remembers the missing ones."""

    def __init__(self, images: Path) -> None:
        self._images = images
        self._folders: dict[str, dict[str, Path]] = {}
        self._missing: list[tuple[int, str]] = []

    def find(self, line: int, name: str, number: int) -> Path:
        if name not in self._folders:
            folder = self._images / name
            files = sorted(folder.iterdir()) if folder.is_dir() else []
            self._folders[name] = {file.stem: file for file in files if file.suffix.lower() in SUFFIXES}
        stem = f"{name}_{number:04d}"
        if stem not in self._folders[name]:
            self._missing.append((line, f"{name}/{stem}.jpg"))
        return self._folders[name].get(stem, Path())

    def require_all(self, path: Path) -> None:
        _require_all(path, self._images, self._missing)


def _require_all(path: Path, images: Path, missing: Sequence[tuple[int, str]]) -> None:
    """Raise UsageError if photographs are missing."""
    if missing:
        line, name = missing[0]
        more = f" (and {len(missing) - 1:,} more are missing)" if len(missing) > 1 else ""
        raise UsageError(f"{path}, line {line}: there is no photograph {name} in {images}{more}; see --images")


def _csv(path: Path, lines: Sequence[tuple[int, str]], images: Path) -> Pairs:
    order, rows = _rows(path, lines)
    first: list[Path] = []
    second: list[Path] = []
    same, folds = [], []
    missing: list[tuple[int, str]] = []
    for number, row in rows:
        values = {name: row[k] for name, k in order.items() if k < len(row)}
        truth = TRUTHS.get(values.get("same", "").lower())
        if truth is None or len(row) < len(order):
            raise UsageError(f"{path}, line {number}: expected PHOTOGRAPH,OTHER,SAME[,FOLD], not {','.join(row)!r}")
        for paths, name in ((first, values["photograph"]), (second, values["other"])):
            paths.append(images / name)
            if not paths[-1].is_file():
                missing.append((number, name))
        same.append(truth)
        folds.append(values.get("fold", ""))
    if not same:
        raise UsageError(f"{path}: no pairs in it")
    _require_all(path, images, missing)
    names = list(dict.fromkeys(folds))
    if "" in names and len(names) > 1:
        number = rows[folds.index("")][0]
        raise UsageError(f"{path}, line {number}: no fold, but other pairs have one")
    fold = np.array([names.index(name) for name in folds], np.intp) if len(names) > 1 else None
    return Pairs(tuple(first), tuple(second), np.array(same, np.bool_), fold)


def _rows(path: Path, lines: Sequence[tuple[int, str]]) -> tuple[dict[str, int], list[tuple[int, list[str]]]]:
    """Return the index of each column, and the rows without the heading."""
    rows = list(_parsed(path, lines))
    head = [name.lower() for name in rows[0][1]]
    if COLUMNS[0] in head:
        if missing := [name for name in COLUMNS[:3] if name not in head]:
            raise UsageError(f"{path}: its first line has no column {missing[0]!r}; it needs photograph,other,same")
        return {name: head.index(name) for name in COLUMNS if name in head}, rows[1:]
    width = min(max(len(rows[0][1]), 3), len(COLUMNS))
    return {name: k for k, name in enumerate(COLUMNS[:width])}, rows


def _parsed(path: Path, lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    try:
        for (number, _), row in zip(lines, csv.reader(line for _, line in lines), strict=True):
            yield number, [field.strip() for field in row]
    except (csv.Error, ValueError) as error:
        raise UsageError(f"{path}: not a CSV file: {error}") from error
