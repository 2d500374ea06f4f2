"""Photographs with labels: named as UTKFace's, in a folder per class, or listed in a CSV file."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError, UsageError, reason_of
from faces.files.finding import SUFFIXES, find_images

AGE, AGE_GROUP = "age", "age_group"
OLDEST = 116  # years, of UTKFace's oldest
AGE_GROUPS = ("young", "adult", "elderly")
AGE_BOUNDS = (20, 60)  # years: young are 0 to 19, adult 20 to 59, elderly 60 and over
KNOWN = {  # the order that these labels have in every data set with no others
    "gender": ("male", "female"),
    AGE_GROUP: AGE_GROUPS,
    "ethnicity": ("White", "Black", "Asian", "Indian", "Other"),
    "emotion": ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"),
    "glasses": ("noGlasses", "readingGlasses", "sunglasses"),
}
EMOTIONS = {"angry": "anger", "happy": "happiness", "sad": "sadness"}  # FER2013's names of folders, and ours
UTKFACE = re.compile(r"(\d+)_(\d+)_(\d+)_\d+\D*\.(?:jpe?g|png)", re.IGNORECASE)
UTKFACE_TARGETS = ("gender", AGE, AGE_GROUP, "ethnicity")
UTKFACE_NAME = "AGE_GENDER_RACE_TIME.jpg"
COPY = re.compile(r"(.+\.(?:jpe?g|png|bmp))\d+\.(?:jpe?g|png|bmp)", re.IGNORECASE)
LEAST = 3  # photographs of a class: one each to train, to validate and to test with
UNKNOWN = -1

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Labelled:
    """N photographs and what is known of them.

    labels: of each target, intp (N,) indices of its classes, -1 where unknown; of ``age`` float32 (N,) years, NaN where
    unknown. classes: of the targets that are choices. left_out: files that are not among the N, and why.
    """

    paths: tuple[Path, ...]
    labels: dict[str, NDArray[Any]]
    classes: dict[str, tuple[str, ...]]
    left_out: tuple[tuple[Path, str], ...] = ()

    def __post_init__(self) -> None:
        if any(labels.shape != (len(self.paths),) for labels in self.labels.values()):
            raise ValueError("there must be a label of each target for each photograph")
        if set(self.classes) != {target for target in self.labels if target != AGE}:
            raise ValueError("there must be classes of each target but age")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Labelled:
        """Some of them, by a mask, indices or a slice; ``left_out`` is the same."""
        paths = tuple(self.paths[row] for row in np.arange(len(self))[rows])
        return Labelled(paths, {key: value[rows] for key, value in self.labels.items()}, self.classes, self.left_out)

    def known(self, target: str) -> NDArray[np.bool_]:
        """bool (N,): where there is a label."""
        labels = self.labels[target]
        return np.asarray(~np.isnan(labels) if target == AGE else labels != UNKNOWN)

    def counts(self, target: str) -> dict[str, int]:
        """Photographs of each class of a choice."""
        found = np.bincount(self.labels[target][self.known(target)], minlength=len(self.classes[target]))
        return dict(zip(self.classes[target], found.tolist(), strict=True))

    @property
    def copies(self) -> NDArray[np.bool_]:
        """bool (N,): files that augmentation made of others, to train with and never to judge by."""
        return np.array([original(path) is not None for path in self.paths], np.bool_)


def original(path: Path) -> Path | None:
    """The photograph that augmentation made this one of, there or not: ``X.jpg`` of ``X.jpg3.jpg``."""
    match = COPY.fullmatch(path.name)
    return path.with_name(match[1]) if match else None


def age_group(age: float) -> int:
    """The index in ``AGE_GROUPS`` of an age in years."""
    return int(np.searchsorted(AGE_BOUNDS, age, side="right"))


def read(
    dataset: Path, targets: Sequence[str] = (), tell: Tell = lambda _: None, images: Path | None = None
) -> Labelled:
    """A data set in whichever of the three forms it is, with these targets, or all it has.

    images: the folder that a CSV file's paths begin in, if not its own.
    A file is a CSV; a folder with a file that is named as UTKFace's, UTKFace; any other one has a folder per class.
    Raises UsageError when there is no such data set or target, and FacesError when there are no photographs in it.
    """
    if not dataset.exists():
        raise UsageError(f"{dataset}: no such data set; give a folder of photographs, or a CSV file that lists them")
    if not dataset.is_dir():
        data = read_csv(dataset, targets, images)
    elif any(UTKFACE.fullmatch(entry.name) for entry in _entries(dataset)):
        data = _only(read_utkface(dataset), targets, dataset)
    elif any(entry.is_dir() for entry in _entries(dataset)):
        if len(targets) > 1:
            raise UsageError(f"{dataset}: a folder per class is one target, not {len(targets)}: {', '.join(targets)}")
        data = read_folders(dataset, *targets)
    else:
        raise FacesError(
            f"{dataset}: no labelled photographs in it; name them {UTKFACE_NAME}, or make a folder a class"
        )
    tell(f"{dataset}: {len(data):,} labelled photograph{'s' if len(data) > 1 else ''}")
    for reason, count in Counter(reason for _, reason in data.left_out).most_common():
        tell(f"{dataset}: {count:,} left out: {reason}")
    return data


def read_utkface(folder: Path) -> Labelled:
    """Photographs named AGE_GENDER_RACE_TIME.jpg, below a folder at any depth.

    age: years. gender: 0 male, 1 female. race: 0 White, 1 Black, 2 Asian, 3 Indian, 4 Other.
    Source: https://susanqq.github.io/UTKFace. Raises FacesError when there are none.
    """
    rows, left_out = [], []
    for path in find_images(folder):
        found = _utkface(path.name)
        if isinstance(found, str):
            left_out.append((path, found))
        else:
            rows.append((path, found))
    if not rows:
        raise FacesError(f"{folder}: no photographs that are named as UTKFace's: {UTKFACE_NAME}{_why(left_out)}")
    ages, genders, races = np.array([labels for _, labels in rows]).T
    labels = {
        "gender": genders.astype(np.intp),
        AGE: ages.astype(np.float32),
        AGE_GROUP: _age_groups(ages),
        "ethnicity": races.astype(np.intp),
    }
    classes = {target: KNOWN[target] for target in labels if target != AGE}
    return Labelled(tuple(path for path, _ in rows), labels, classes, tuple(left_out))


def _utkface(name: str) -> tuple[int, int, int] | str:
    """Age, gender and race, or why not."""
    if not (match := UTKFACE.fullmatch(name)):
        return f"not named {UTKFACE_NAME}"
    age, gender, race = (int(number) for number in match.groups())
    if age > OLDEST:
        return f"an age over {OLDEST}"
    if gender > 1:
        return "a gender that is not 0 or 1"
    return "a race that is not 0 to 4" if race > 4 else (age, gender, race)


def read_folders(folder: Path, target: str = "class") -> Labelled:
    """A folder per class, whose name is the class's; photographs in it at any depth.

    FER2013's folders get the names of the Face API's emotions when the target is ``emotion``.
    Raises FacesError when there are no photographs.
    """
    if target == AGE:
        raise UsageError(f"{folder}: age is a number of years, not a folder per class; list the photographs in a CSV")
    folders = sorted(entry.name for entry in _entries(folder) if entry.is_dir() and not entry.name.startswith("."))
    paths: list[Path] = []
    values: list[str] = []
    left_out = []
    for name in folders:
        found = list(find_images(folder / name))
        if not found:
            left_out.append((folder / name, "a folder without photographs"))
        paths += found
        values += [EMOTIONS.get(name.lower(), name.lower()) if target == "emotion" else legible(name)] * len(found)
    if not paths:
        raise FacesError(f"{folder}: no photographs in it; expected a folder per class, such as {folder}/cats/1.jpg")
    indices, classes = _choices(target, values)
    return Labelled(tuple(paths), {target: indices}, {target: classes}, tuple(left_out))


def legible(name: str) -> str:
    """A folder's name, on Linux any bytes, as text: a class's name is drawn, printed and written into models."""
    return name.encode("utf-8", "backslashreplace").decode()


def read_csv(file: Path, targets: Sequence[str] = (), images: Path | None = None) -> Labelled:
    """A table with a column ``path`` and a column for each target; an empty cell is unknown.

    images: the folder that the paths are relative to, by default the file's.

    ``age`` is a number of years, from which ``age_group`` follows where there is no such column.
    Raises UsageError for a table or target that is not there, and FacesError when no row can be used.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            table = csv.DictReader(lines)
            columns = [name for name in table.fieldnames or () if name and name != "path"]
            if "path" not in (table.fieldnames or ()) or not columns:
                raise UsageError(f"{file}: no table of labels: its first line must be path and the names of the labels")
            made = [AGE_GROUP] if AGE in columns and AGE_GROUP not in columns else []
            targets = targets or [*columns, *made]
            _check_targets(targets, [*columns, *made], file)
            columns = [name for name in columns if name in targets or (name == AGE and AGE_GROUP in targets)]
            rows, left_out = _usable(table, columns, images or file.parent)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file}: not a readable CSV file in UTF-8 ({error})") from error
    if not rows:
        raise FacesError(f"{file}: no row with a photograph and a label{_why(left_out)}")
    labels: dict[str, NDArray[Any]] = {}
    classes = {}
    for name in columns:
        cells = [row[name] for _, row in rows]
        if name == AGE:
            labels[AGE] = np.array([cell or "nan" for cell in cells]).astype(np.float32)
        else:
            labels[name], classes[name] = _choices(name, cells)
    if AGE in labels and AGE_GROUP not in labels:
        labels[AGE_GROUP], classes[AGE_GROUP] = _age_groups(labels[AGE]), AGE_GROUPS
    return _only(Labelled(tuple(path for path, _ in rows), labels, classes, tuple(left_out)), targets, file)


Row = tuple[Path, dict[str, str]]


def _usable(
    table: Iterable[Mapping[str, str | None]], columns: Sequence[str], folder: Path
) -> tuple[list[Row], list[tuple[Path, str]]]:
    """The rows' paths and cells, and the rows that are left out."""
    rows: list[Row] = []
    left_out = []
    for row in table:
        path = folder / (row["path"] or "").strip()
        cells = {name: (row[name] or "").strip() for name in columns}
        if not (row["path"] or "").strip():
            left_out.append((folder, "a row without a path"))
        elif path.suffix.lower() not in SUFFIXES:
            left_out.append((path, "no image's name"))
        elif not any(cells.values()):
            left_out.append((path, "no label"))
        elif cells.get(AGE) and not _is_age(cells[AGE]):
            left_out.append((path, f"an age that is not a number from 0 to {OLDEST}"))
        else:
            rows.append((path, cells))
    return rows, left_out


def _is_age(text: str) -> bool:
    try:
        return 0 <= float(text) <= OLDEST
    except ValueError:
        return False


def check(data: Labelled, targets: Sequence[str]) -> None:
    """Raise FacesError when these targets cannot be learnt: a choice needs two classes and a few photographs of each.

    Copies that augmentation made do not count.
    """
    own = data[~data.copies]
    for target in targets:
        if not own.known(target).any():
            raise FacesError(f"{target}: no photograph has this label")
        if target == AGE:
            if own.known(AGE).sum() < LEAST:
                raise FacesError(f"{AGE}: fewer than {LEAST} photographs have this label")
            continue
        counts = {name: count for name, count in own.counts(target).items() if count}
        if len(counts) < 2:
            raise FacesError(
                f"{target}: all photographs are {next(iter(counts))!r}; it takes two classes to tell apart"
            )
        for name, count in counts.items():
            if count < LEAST:
                some = "only 1 photograph" if count == 1 else f"only {count} photographs"
                raise FacesError(
                    f"{target}: {some} of {name!r}; it takes {LEAST}, to train, validate and test with, and better 100s"
                )


def digest(data: Labelled, fingerprints: NDArray[np.bytes_]) -> str:
    """SHA-256 of files, whose own (N,) ``near_duplicates.look`` gives, and of their labels, in whatever order they
    are."""
    cells = [fingerprints.astype(str)]
    for target, labels in sorted(data.labels.items()):
        names = np.array([*data.classes.get(target, ()), ""], object)
        cells.append(labels.astype(str) if target == AGE else names[labels].astype(str))
    rows = sorted("\t".join(row) for row in zip(*cells, strict=True))
    return hashlib.sha256("\n".join([*sorted(data.labels), *rows]).encode()).hexdigest()


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is in a folder, one after the other: of a million files no list is made."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        raise FacesError(f"{folder}: cannot be listed ({reason_of(error)})") from error


def _age_groups(ages: NDArray[Any]) -> NDArray[np.intp]:
    return np.where(np.isnan(ages), UNKNOWN, np.searchsorted(AGE_BOUNDS, ages, side="right")).astype(np.intp)


def _choices(target: str, values: Sequence[str]) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Indices (N,), -1 of an empty name, and the classes."""
    names = set(values) - {""}
    classes = KNOWN[target] if names <= set(KNOWN.get(target, ())) else tuple(sorted(names))
    index = {"": UNKNOWN} | {name: at for at, name in enumerate(classes)}
    return np.array([index[value] for value in values], np.intp), classes


def _only(data: Labelled, targets: Sequence[str], place: Path) -> Labelled:
    """With these targets, or all."""
    _check_targets(targets, list(data.labels), place)
    labels = {target: data.labels[target] for target in targets or data.labels}
    classes = {target: classes for target, classes in data.classes.items() if target in labels}
    return Labelled(data.paths, labels, classes, data.left_out)


def _check_targets(targets: Sequence[str], there: Sequence[str], place: Path) -> None:
    if missing := [target for target in targets if target not in there]:
        raise UsageError(f"{place}: no label {missing[0]!r}; there are {', '.join(there)}")


def _why(left_out: Sequence[tuple[Path, str]]) -> str:
    """Of files that are all left out, the most frequent reason."""
    reasons = Counter(reason for _, reason in left_out).most_common(1)
    return "".join(f" ({count:,} left out: {reason})" for reason, count in reasons)
