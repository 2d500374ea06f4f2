"""Read labelled photographs: named as in UTKFace, in one folder per class, or listed in a CSV file."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError, UsageError, reason_of
from faces.files.finding import SUFFIXES, find_images, is_hidden
from faces.files.tables import require_commas
from faces.training.data.labelled import AGE, AGE_GROUP, AGE_GROUPS, CLASSES, UNKNOWN, LabelledImages, age_groups
from faces.training.data.votes import read_votes

MAX_AGE = 116  # years, the highest age in UTKFace
UTKFACE = re.compile(r"(\d+)_(\d+)_(\d+)_\d+\D*\.(?:jpe?g|png)", re.IGNORECASE)
UTKFACE_NAME = "AGE_GENDER_RACE_TIME.jpg"
FER2013_EMOTIONS = {"angry": "anger", "happy": "happiness", "sad": "sadness"}  # its folder names, and our classes

Row = tuple[Path, dict[str, str]]


def read(
    dataset: Path,
    targets: Sequence[str] = (),
    log: Callable[[str], None] = lambda _: None,
    images: Path | None = None,
    votes: str | None = None,
) -> LabelledImages:
    """Read a data set of any of the four forms.

    A file is read as CSV, with ``votes`` as a table of votes; a folder with a file named as in UTKFace as UTKFace, any
    other as one folder per class.

    targets: labels to read; empty: all.
    log: called with a line about what was read and what was left out.
    images: folder that a CSV file's paths are relative to; None: the file's own.
    votes: the target that a CSV file has votes for, a column a class; see ``votes.read_votes``.

    Raises UsageError if the data set or a target does not exist, and FacesError if there are no photographs.
    """
    if not dataset.exists():
        raise UsageError(f"{dataset}: no such data set; give a folder of photographs, or a CSV file that lists them")
    if votes:
        if dataset.is_dir():
            raise UsageError(f"{dataset}: --votes needs a CSV file with a column for each class")
        data = _with_targets(read_votes(dataset, votes, images), targets, dataset)
    elif not dataset.is_dir():
        data = read_csv(dataset, targets, images)
    elif any(UTKFACE.fullmatch(entry.name) for entry in _entries(dataset)):
        data = _with_targets(read_utkface(dataset), targets, dataset)
    elif any(entry.is_dir() for entry in _entries(dataset)):
        if len(targets) > 1:
            raise UsageError(f"{dataset}: a folder per class is one target, not {len(targets)}: {', '.join(targets)}")
        data = read_folders(dataset, *targets)
    else:
        raise FacesError(
            f"{dataset}: no labelled photographs in it; name them {UTKFACE_NAME}, or make one folder per class"
        )
    log(f"{dataset}: {len(data):,} labelled photograph{'s' if len(data) > 1 else ''}")
    for reason, count in Counter(reason for _, reason in data.left_out).most_common():
        log(f"{dataset}: {count:,} left out: {reason}")
    return data


def read_utkface(folder: Path) -> LabelledImages:
    """Read photographs named AGE_GENDER_RACE_TIME.jpg, below a folder at any depth.

    age: years. gender: 0 male, 1 female. race: 0 White, 1 Black, 2 Asian, 3 Indian, 4 Other.
    Source: https://susanqq.github.io/UTKFace.

    Raises FacesError if there are none.
    """
    rows = []
    left_out: list[tuple[Path, str]] = []
    for path in find_images(folder, lambda path, reason: left_out.append((path, reason))):
        labels_or_reason = _parse_utkface(path.name)
        if isinstance(labels_or_reason, str):
            left_out.append((path, labels_or_reason))
        else:
            rows.append((path, labels_or_reason))
    if not rows:
        raise FacesError(f"{folder}: no photographs named as in UTKFace: {UTKFACE_NAME}{_main_reason(left_out)}")
    ages, genders, races = np.array([labels for _, labels in rows]).T
    labels = {
        "gender": genders.astype(np.intp),
        AGE: ages.astype(np.float32),
        AGE_GROUP: age_groups(ages),
        "ethnicity": races.astype(np.intp),
    }
    classes = {target: CLASSES[target] for target in labels if target != AGE}
    return LabelledImages(tuple(path for path, _ in rows), labels, classes, tuple(left_out))


def _parse_utkface(name: str) -> tuple[int, int, int] | str:
    """Return age, gender and race, or the reason why the name is invalid."""
    if not (match := UTKFACE.fullmatch(name)):
        return f"not named {UTKFACE_NAME}"
    age, gender, race = (int(number) for number in match.groups())
    if age > MAX_AGE:
        return f"an age over {MAX_AGE}"
    if gender > 1:
        return "a gender that is not 0 or 1"
    return "a race that is not 0 to 4" if race > 4 else (age, gender, race)


def read_folders(folder: Path, target: str = "class") -> LabelledImages:
    """Read one folder per class, named as the class, with photographs at any depth.

    If the target is ``emotion``, FER2013's folder names become the Face API's emotions.

    Raises UsageError if the target is ``age``, and FacesError if there are no photographs.
    """
    if target == AGE:
        raise UsageError(f"{folder}: age is a number of years, not a folder per class; list the photographs in a CSV")
    folders = sorted(entry.name for entry in _entries(folder) if entry.is_dir() and not is_hidden(entry.name))
    paths: list[Path] = []
    names: list[str] = []
    left_out: list[tuple[Path, str]] = []
    for name in folders:
        photographs = list(find_images(folder / name, lambda path, reason: left_out.append((path, reason))))
        if not photographs:
            left_out.append((folder / name, "a folder without photographs"))
        emotion = FER2013_EMOTIONS.get(name.lower(), name.lower())
        paths += photographs
        names += [emotion if target == "emotion" else as_text(name)] * len(photographs)
    if not paths:
        raise FacesError(f"{folder}: no photographs in it; expected a folder per class, such as {folder}/cats/1.jpg")
    indices, classes = _class_indices(target, names)
    return LabelledImages(tuple(paths), {target: indices}, {target: classes}, tuple(left_out))


def as_text(name: str) -> str:
    """Return a file name as valid Unicode; on Linux it may be any bytes, and models and pictures need text."""
    return name.encode("utf-8", "backslashreplace").decode()


def read_csv(file: Path, targets: Sequence[str] = (), images: Path | None = None) -> LabelledImages:
    """Read a table with a column ``path`` and one column per target; an empty cell is unknown.

    ``age`` is a number of years; ``age_group`` is derived from it if there is no such column.

    targets: labels to read; empty: all.
    images: folder that the paths are relative to; None: the file's own.

    Raises UsageError if the table or a target does not exist, and FacesError if no row can be used.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            require_commas(file, lines.readline())
            lines.seek(0)
            table = csv.DictReader(lines)
            columns = [name for name in table.fieldnames or () if name and name != "path"]
            if "path" not in (table.fieldnames or ()) or not columns:
                raise UsageError(f"{file}: no table of labels: its first line must be path and the names of the labels")
            derived = [AGE_GROUP] if AGE in columns and AGE_GROUP not in columns else []
            targets = targets or [*columns, *derived]
            _require_targets(targets, [*columns, *derived], file)
            columns = [name for name in columns if name in targets or (name == AGE and AGE_GROUP in targets)]
            rows, left_out = _usable_rows(table, columns, images or file.parent)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file}: not a readable CSV file in UTF-8 ({error})") from error
    if not rows:
        raise FacesError(f"{file}: no row with a photograph and a label{_main_reason(left_out)}")
    labels: dict[str, NDArray[Any]] = {}
    classes = {}
    for name in columns:
        cells = [row[name] for _, row in rows]
        if name == AGE:
            labels[AGE] = np.array([cell or "nan" for cell in cells]).astype(np.float32)
        else:
            labels[name], classes[name] = _class_indices(name, cells)
    if AGE in labels and AGE_GROUP not in labels:
        labels[AGE_GROUP], classes[AGE_GROUP] = age_groups(labels[AGE]), AGE_GROUPS
    data = LabelledImages(tuple(path for path, _ in rows), labels, classes, tuple(left_out))
    return _with_targets(data, targets, file)


def _usable_rows(
    table: Iterable[Mapping[str, str | None]], columns: Sequence[str], folder: Path
) -> tuple[list[Row], list[tuple[Path, str]]]:
    """Return the paths and cells of the usable rows, and the reasons for the others."""
    rows: list[Row] = []
    left_out = []
    for row in table:
        path = folder / (row["path"] or "").strip()
        cells = {name: (row[name] or "").strip() for name in columns}
        if not (row["path"] or "").strip():
            left_out.append((folder, "a row without a path"))
        elif path.suffix.lower() not in SUFFIXES:
            left_out.append((path, "not the name of an image"))
        elif not any(cells.values()):
            left_out.append((path, "no label"))
        elif cells.get(AGE) and not _is_age(cells[AGE]):
            left_out.append((path, f"an age that is not a number from 0 to {MAX_AGE}"))
        else:
            rows.append((path, cells))
    return rows, left_out


def _is_age(text: str) -> bool:
    try:
        return 0 <= float(text) <= MAX_AGE
    except ValueError:
        return False


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield a folder's entries; a folder of a million files needs no list."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        raise FacesError(f"{folder}: cannot be listed ({reason_of(error)})") from error


def _class_indices(target: str, values: Sequence[str]) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return indices (N,), -1 for an empty name, and the classes."""
    names = set(values) - {""}
    classes = CLASSES[target] if names <= set(CLASSES.get(target, ())) else tuple(sorted(names))
    indices = {"": UNKNOWN} | {name: index for index, name in enumerate(classes)}
    return np.array([indices[value] for value in values], np.intp), classes


def _with_targets(data: LabelledImages, targets: Sequence[str], source: Path) -> LabelledImages:
    """Keep these targets, or all if none is given."""
    _require_targets(targets, list(data.labels), source)
    labels = {target: data.labels[target] for target in targets or data.labels}
    classes = {target: classes for target, classes in data.classes.items() if target in labels}
    return LabelledImages(data.paths, labels, classes, data.left_out, data.votes)


def _require_targets(targets: Sequence[str], available: Sequence[str], source: Path) -> None:
    if missing := [target for target in targets if target not in available]:
        raise UsageError(f"{source}: no label {missing[0]!r}; the labels are {', '.join(available)}")


def _main_reason(left_out: Sequence[tuple[Path, str]]) -> str:
    """Return the most frequent reason, in parentheses, or nothing."""
    reasons = Counter(reason for _, reason in left_out).most_common(1)
    return "".join(f" ({count:,} left out: {reason})" for reason, count in reasons)
