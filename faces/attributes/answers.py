"""What faces look like, as far as models can tell: probabilities and numbers, and how they are written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LASTING, PASSING = 20, 3  # looks whose mean is told: at what stays as it is, and at what does not
CHANGING = ("emotion", "smile", "roll", "yaw")
USUAL = ("noGlasses", "neutral")  # what a picture need not say


@dataclass(frozen=True, slots=True)
class Head:
    """A question that has an answer for every face: a choice among classes, or a number in a unit."""

    name: str
    classes: tuple[str, ...] = ()
    unit: str = ""

    @property
    def width(self) -> int:
        """Values for each face."""
        return len(self.classes) or 1

    @property
    def columns(self) -> tuple[str, ...]:
        """Of a table: a number, or the likeliest class and its probability."""
        return (self.name, f"{self.name}_probability") if self.classes else (self.name,)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What is known of N >= 0 faces, as parallel arrays.

    values: by the head's name float32 (N, classes), probabilities, or float32 (N, 1), numbers; a row of NaN where
    nothing is known. Raises ValueError when the shapes do not agree.
    """

    heads: tuple[Head, ...]
    values: dict[str, NDArray[np.float32]]

    def __post_init__(self) -> None:
        for head in self.heads:
            if (shape := self.values[head.name].shape) != (len(self), head.width):
                raise ValueError(f"{head.name} has shape {shape}, not {(len(self), head.width)}")

    @classmethod
    def unknown(cls, heads: tuple[Head, ...], number: int) -> Answers:
        """Nothing is known of so many faces."""
        return cls(heads, {head.name: np.full((number, head.width), np.nan, np.float32) for head in heads})

    @classmethod
    def joined(cls, some: Sequence[Answers]) -> Answers:
        """One after the other: one at least, and all of the same heads."""
        heads = some[0].heads
        return cls(heads, {head.name: np.concatenate([one.values[head.name] for one in some]) for head in heads})

    @classmethod
    def averaged(cls, looks: Sequence[Answers]) -> Answers:
        """One person's, seen several times, latest last: the mean of the last few looks."""
        every = cls.joined(looks).values
        last = {name: value[-(PASSING if name in CHANGING else LASTING) :] for name, value in every.items()}
        means = {name: value.mean(axis=0, keepdims=True, dtype=np.float32) for name, value in last.items()}
        return cls(looks[0].heads, means)

    def __len__(self) -> int:
        return len(next(iter(self.values.values()), ()))

    def __getitem__(self, index: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Answers:
        return Answers(self.heads, {name: value[index] for name, value in self.values.items()})

    def plain(self, index: int) -> dict[str, object]:
        """A face's, for JSON; empty where nothing is known.

        A number is one, a choice is ``{"value": "female", "probabilities": {"male": 0.02, "female": 0.98}}``.
        """
        result: dict[str, object] = {}
        for head in self.heads:
            row = self.values[head.name][index]
            if np.isnan(row).any():
                continue
            if head.classes:
                shares = {name: round(float(value), 4) for name, value in zip(head.classes, row, strict=True)}
                result[head.name] = {"value": head.classes[int(row.argmax())], "probabilities": shares}
            else:
                result[head.name] = round(float(row[0]), 4 if head.unit == "probability" else 1)
        return result


def cells(plain: dict[str, object]) -> dict[str, object]:
    """What ``Answers.plain`` says, by ``Head.columns``, for a table."""
    row: dict[str, object] = {}
    for name, answer in plain.items():
        if isinstance(answer, dict):
            value = answer["value"]
            row |= {name: value, f"{name}_probability": answer["probabilities"][value]}
        else:
            row[name] = answer
    return row


def text(plain: dict[str, object]) -> str:
    """What ``Answers.plain`` says, for people: ``gender female 0.98  age 34  age_group adult 0.91``."""
    parts: dict[str, list[str]] = {}
    for column, value in cells(plain).items():
        shown = f"{value:.2f}" if column == "smile" or column.endswith("_probability") else value
        parts.setdefault(column.removesuffix("_probability"), []).append(_whole(shown))
    return "  ".join(f"{name} {' '.join(values)}" for name, values in parts.items())


def short(plain: dict[str, object]) -> tuple[str, ...]:
    """What ``Answers.plain`` says, for a picture, in lines: ``f 34``, ``readingGlasses``, ``happiness``."""
    row = cells(plain)
    who = [str(row[name])[:1] if name == "gender" else _whole(row[name]) for name in ("gender", "age") if name in row]
    lines = [" ".join(who)] if who else []
    for name, value in row.items():
        if name in ("gender", "age", "age_group") or name.endswith("_probability") or value in USUAL:
            continue
        if name == "smile":
            lines.append(f"smile {value:.0%}")
        else:
            lines.append(value if isinstance(value, str) else f"{name} {_whole(value)}")
    return tuple(lines)


def _whole(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)
