"""What models answer about faces, as arrays, JSON, table rows and text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.attributes import registry

AVERAGED_FRAMES, AVERAGED_FRAMES_CHANGING = 20, 3  # the last frames averaged: stable attributes, changing ones
WHO = ("gender", "age")  # drawn together, on the first line: ``f 34``
NOT_DRAWN = ("age_group", "live_pixels", "live_motion")
UNCERTAIN = "uncertain"  # in tables and text, instead of a class


@dataclass(frozen=True, slots=True)
class Head:
    """One output of an attribute model, with an answer for every face.

    classes: names of the classes to choose from; none if the answer is a number.
    unit: of a number.
    threshold: of two classes, the probability from which the first one is the answer; None: the likelier one is.
    """

    name: str
    classes: tuple[str, ...] = ()
    unit: str = ""
    threshold: float | None = None

    @property
    def width(self) -> int:
        """Values for each face."""
        return len(self.classes) or 1

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of a table: of a number, or of the likeliest class and its probability."""
        return (self.name, f"{self.name}_probability") if self.classes else (self.name,)

    def choice(self, probabilities: NDArray[np.float32]) -> str:
        """Return the class that is the answer. probabilities: float32 (classes,)."""
        index = int(probabilities.argmax()) if self.threshold is None else int(probabilities[0] < self.threshold)
        return self.classes[index]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers for N >= 0 faces, as parallel arrays.

    values: by the head's name, float32 (N, classes) probabilities or float32 (N, 1) numbers; a row is NaN if the answer
    is unknown.
    Raises ValueError if the shapes do not agree.
    """

    heads: tuple[Head, ...]
    values: dict[str, NDArray[np.float32]]

    def __post_init__(self) -> None:
        for head in self.heads:
            if (shape := self.values[head.name].shape) != (len(self), head.width):
                raise ValueError(f"{head.name} has shape {shape}, not {(len(self), head.width)}")

    @classmethod
    def unknown(cls, heads: tuple[Head, ...], number: int) -> Answers:
        """Return unknown answers for a number of faces."""
        return cls(heads, {head.name: np.full((number, head.width), np.nan, np.float32) for head in heads})

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        """Concatenate answers.

        parts: at least one, all with the same heads.
        """
        heads = parts[0].heads
        return cls(heads, {head.name: np.concatenate([part.values[head.name] for part in parts]) for head in heads})

    @classmethod
    def averaged(cls, frames: Sequence[Answers]) -> Answers:
        """Average the answers for one person over the last frames, those of them in which they are known.

        frames: of one face each, the latest last.
        """
        joined = cls.joined(frames).values
        last = {
            name: value[-(AVERAGED_FRAMES_CHANGING if registry.is_changing(name) else AVERAGED_FRAMES) :]
            for name, value in joined.items()
        }
        means = {name: _mean_of_known(value) for name, value in last.items()}
        return cls(frames[0].heads, means)

    def __len__(self) -> int:
        return len(next(iter(self.values.values()), ()))

    def __getitem__(self, index: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Answers:
        return Answers(self.heads, {name: value[index] for name, value in self.values.items()})

    def text(self, index: int) -> str:
        """Return the answers for one face as a line: ``gender female 0.98  age 34``."""
        return text(self.plain(index))

    def plain(self, index: int) -> dict[str, object]:
        """Return the answers for one face as JSON values; unknown ones are left out.

        A number is a number; a choice is ``{"value": "female", "probabilities": {"male": 0.02, "female": 0.98}}``. Its
        value is None where the most probable class is less probable than ``Attribute.certain``.
        """
        result: dict[str, object] = {}
        for head in self.heads:
            row = self.values[head.name][index]
            if np.isnan(row).any():
                continue
            if head.classes:
                shares = {name: round(float(value), 4) for name, value in zip(head.classes, row, strict=True)}
                chosen = head.choice(row)
                value = chosen if registry.is_certain(head.name, shares[chosen]) else None
                result[head.name] = {"value": value, "probabilities": shares}
            else:
                result[head.name] = round(float(row[0]), 4 if head.unit == "probability" else 1)
        return result


def _mean_of_known(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the rows that are known, float32 (1, columns); NaN if none is."""
    known = rows[~np.isnan(rows).any(axis=1)]
    return known.mean(axis=0, keepdims=True, dtype=np.float32) if len(known) else rows[-1:]


def cells(plain: dict[str, object]) -> dict[str, object]:
    """Return the result of ``Answers.plain`` as a table row, by ``Head.columns``."""
    row: dict[str, object] = {}
    for name, answer in plain.items():
        if isinstance(answer, dict):
            value, probabilities = answer["value"], answer["probabilities"]
            probability = max(probabilities.values()) if value is None else probabilities[value]
            row |= {name: value or UNCERTAIN, f"{name}_probability": probability}
        else:
            row[name] = answer
    return row


def text(plain: dict[str, object]) -> str:
    """Return the result of ``Answers.plain`` as a line: ``gender female 0.98  age 34  age_group adult 0.91``."""
    parts: dict[str, list[str]] = {}
    for column, value in cells(plain).items():
        is_probability = column.endswith("_probability") or registry.is_probability(column)
        shown = f"{value:.2f}" if is_probability else value
        parts.setdefault(column.removesuffix("_probability"), []).append(_whole(shown))
    return "  ".join(f"{name} {' '.join(values)}" for name, values in parts.items())


def short(plain: dict[str, object]) -> tuple[str, ...]:
    """Return the result of ``Answers.plain`` as short lines to draw: ``f 34``, ``readingGlasses``, ``happiness``.

    Usual classes, such as ``noGlasses``, and uncertain ones are left out; an uncertain gender is ``?``.
    """
    row = cells(plain)
    who = [_letter(row[name]) if name == "gender" else _whole(row[name]) for name in WHO if name in row]
    lines = [" ".join(who)] if who else []
    for name, value in row.items():
        if name in (*WHO, *NOT_DRAWN) or name.endswith("_probability"):
            continue
        if value == UNCERTAIN or registry.is_usual(name, value):
            continue
        if registry.is_probability(name):
            if registry.is_certain(name, float(str(value))):
                lines.append(f"{name} {value:.0%}")
        else:
            lines.append(value if isinstance(value, str) else f"{name} {_whole(value)}")
    return tuple(lines)


def _letter(gender: object) -> str:
    return "?" if gender == UNCERTAIN else str(gender)[:1]


def _whole(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)
