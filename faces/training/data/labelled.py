"""Photographs with labels: indices of classes, or ages in years."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError
from faces.types import Floats

AGE, AGE_GROUP = "age", "age_group"
AGE_GROUPS = ("young", "adult", "elderly")
AGE_BOUNDS = (20, 60)  # years: young 0 to 19, adult 20 to 59, elderly 60 and over
CLASSES = {  # the order of the classes in every data set that has no other classes
    "gender": ("male", "female"),
    AGE_GROUP: AGE_GROUPS,
    "ethnicity": ("White", "Black", "Asian", "Indian", "Other"),
    "emotion": ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"),
    "glasses": ("noGlasses", "readingGlasses", "sunglasses"),
}
AUGMENTED_COPY = re.compile(r"(.+\.(?:jpe?g|png|bmp))\d+\.(?:jpe?g|png|bmp)", re.IGNORECASE)
MIN_IMAGES = 3  # of a class: one each to train, to validate and to test with
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """N photographs and their labels.

    labels: by target; intp (N,) class indices, -1 if unknown; for ``age`` float32 (N,) years, NaN if unknown.
    classes: by target, the names of the classes; no entry for ``age``.
    left_out: other files of the data set, and why each is left out.
    votes: float32 (N, classes), by target whose labels are people's votes: the share of each class. The label is then
        the class with the most votes, or unknown if there is a tie.
    """

    paths: tuple[Path, ...]
    labels: dict[str, NDArray[Any]]
    classes: dict[str, tuple[str, ...]]
    left_out: tuple[tuple[Path, str], ...] = ()
    votes: dict[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(labels.shape != (len(self.paths),) for labels in self.labels.values()):
            raise ValueError("each target needs one label per photograph")
        if set(self.classes) != {target for target in self.labels if target != AGE}:
            raise ValueError("each target but age needs classes")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> LabelledImages:
        """Select photographs by a mask, indices or a slice; ``left_out`` stays the same."""
        paths = tuple(self.paths[row] for row in np.arange(len(self))[rows])
        labels = {target: values[rows] for target, values in self.labels.items()}
        votes = {target: shares[rows] for target, shares in self.votes.items()}
        return replace(self, paths=paths, labels=labels, votes=votes)

    def known(self, target: str) -> NDArray[np.bool_]:
        """Return bool (N,): which photographs have a label."""
        labels = self.labels[target]
        return np.asarray(~np.isnan(labels) if target == AGE else labels != UNKNOWN)

    def counts(self, target: str) -> dict[str, int]:
        """Return the number of photographs of each class; not for ``age``."""
        counts = np.bincount(self.labels[target][self.known(target)], minlength=len(self.classes[target]))
        return dict(zip(self.classes[target], counts.tolist(), strict=True))

    @property
    def copies(self) -> NDArray[np.bool_]:
        """Files that augmentation made of others, bool (N,); they are for training only."""
        return np.array([original_of(path) is not None for path in self.paths], np.bool_)


def original_of(path: Path) -> Path | None:
    """Return the photograph that augmentation made this file of, by its name: ``X.jpg`` for ``X.jpg3.jpg``."""
    match = AUGMENTED_COPY.fullmatch(path.name)
    return path.with_name(match[1]) if match else None


def require_trainable(data: LabelledImages, targets: Sequence[str]) -> None:
    """Raise FacesError if a target has fewer than two classes, or a class fewer than ``MIN_IMAGES`` photographs.

    Copies made by augmentation do not count.
    """
    originals = data[~data.copies]
    for target in targets:
        if not originals.known(target).any():
            raise FacesError(f"{target}: no photograph has this label")
        if target == AGE:
            if originals.known(AGE).sum() < MIN_IMAGES:
                raise FacesError(f"{AGE}: fewer than {MIN_IMAGES} photographs have this label")
            continue
        counts = {name: count for name, count in originals.counts(target).items() if count}
        if len(counts) < 2:
            raise FacesError(f"{target}: all photographs are {next(iter(counts))!r}; training needs two classes")
        for name, count in counts.items():
            if count < MIN_IMAGES:
                few = "only 1 photograph" if count == 1 else f"only {count} photographs"
                raise FacesError(
                    f"{target}: {few} of {name!r}; each class needs {MIN_IMAGES}, to train, validate and test with,"
                    " and better hundreds"
                )


def digest(data: LabelledImages, fingerprints: NDArray[np.bytes_]) -> str:
    """Return the SHA-256 of the files and their labels, independent of their order.

    fingerprints: S64 (N,), the files' SHA-256, of ``near_duplicates.scan``.
    """
    cells = [fingerprints.astype(str)]
    for target, labels in sorted(data.labels.items()):
        names = np.array([*data.classes.get(target, ()), ""], object)
        cells.append(labels.astype(str) if target == AGE else names[labels].astype(str))
        cells.extend(data.votes[target].astype(str).T if target in data.votes else ())
    rows = sorted("\t".join(row) for row in zip(*cells, strict=True))
    return hashlib.sha256("\n".join([*sorted(data.labels), *rows]).encode()).hexdigest()


def age_groups(ages: NDArray[Any]) -> NDArray[np.intp]:
    """Return the indices (N,) in ``AGE_GROUPS`` of ages (N,) in years; -1 for NaN."""
    return np.where(np.isnan(ages), UNKNOWN, np.searchsorted(AGE_BOUNDS, ages, side="right")).astype(np.intp)
