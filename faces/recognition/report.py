"""The report of a training: how good the gallery is, and which photographs and people to check."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from faces.files.writing import write_bytes

ENOUGH_PHOTOGRAPHS = 3  # per person: more of them change little (docs/accuracy.md)
LISTED = 10  # rows of each list in ``lines``; the file has all


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A photograph that would get another person's name: it is in the wrong folder, or a person has two folders.

    distance: to the other photographs of its own person; None if there are none.
    other_distance: to the person ``looks_like``.
    """

    photograph: str
    person: str
    distance: float | None
    looks_like: str
    other_distance: float


@dataclass(frozen=True, slots=True)
class Unlike:
    """A photograph that would not get its own person's name: of somebody else, or a bad one.

    distance: to the other photographs of its person.
    """

    photograph: str
    person: str
    distance: float


@dataclass(frozen=True, slots=True)
class ConfusedPeople:
    """The number of a person's photographs that are closest to another person."""

    person: str
    taken_for: str
    photographs: int


@dataclass(frozen=True, slots=True)
class TooFew:
    """A person with fewer than ``ENOUGH_PHOTOGRAPHS`` photographs."""

    person: str
    photographs: int


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """The result of a leave-one-out test of a gallery and a threshold.

    compared: photographs that were tested: all, or a random sample.
    left_out: those of them whose person has other photographs; each is ``right``, ``wrong`` or ``unknown``.
    confused, lookalikes, unlike, too_few: the most important first.
    """

    people: int
    photographs: int
    classifier: str
    threshold: float
    threshold_origin: str
    compared: int
    left_out: int
    right: int
    wrong: int
    unknown: int
    confused: tuple[ConfusedPeople, ...]
    lookalikes: tuple[Lookalike, ...]
    unlike: tuple[Unlike, ...]
    too_few: tuple[TooFew, ...]

    def save(self, path: Path) -> None:
        """Write the report as JSON. Raises FacesError."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        write_bytes(path, text.encode("utf-8", "backslashreplace") + b"\n")  # a path may be bytes that are no text

    def lines(self) -> list[str]:
        """Return a short text: one line if nothing needs to be checked."""
        confused = [f"{pair.person} with {pair.taken_for}: {_photographs(pair.photographs)}" for pair in self.confused]
        lookalikes = [
            f"{photograph.photograph}: {photograph.person}"
            f"{'' if photograph.distance is None else f' at {photograph.distance:.3f}'},"
            f" {photograph.looks_like} at {photograph.other_distance:.3f}"
            for photograph in self.lookalikes
        ]
        listed = {photograph.photograph for photograph in self.lookalikes}
        unlike = [
            f"{photograph.photograph}: {photograph.person} at {photograph.distance:.3f}"
            for photograph in self.unlike
            if photograph.photograph not in listed
        ]
        too_few = [f"{person.person}: {person.photographs}" for person in self.too_few]
        return [
            self._leave_one_out(),
            *_listed("people most often confused:", confused),
            *_listed("photographs that look like somebody else (in the wrong folder?):", lookalikes),
            *_listed("photographs unlike the others of their person (of somebody else?):", unlike),
            *_listed(f"people with fewer than {ENOUGH_PHOTOGRAPHS} photographs, who are missed more often:", too_few),
        ]

    def _leave_one_out(self) -> str:
        if not self.left_out:
            return "leaving one photograph out: no person has a second photograph to compare with"
        counts = {"right": self.right, "wrong": self.wrong, "unknown": self.unknown}
        shares = ", ".join(f"{count / self.left_out:.1%} {result}" for result, count in counts.items())
        sample = "a random " if self.compared < self.photographs else ""
        return f"leaving one photograph out: {shares} (of {sample}{_photographs(self.left_out)})"


def _photographs(number: int) -> str:
    return "1 photograph" if number == 1 else f"{number:,} photographs"


def _listed(title: str, rows: Sequence[str]) -> list[str]:
    """Return a title and its first rows, indented; nothing without rows."""
    more = [f"and {len(rows) - LISTED:,} more"] if len(rows) > LISTED else []
    return [title, *(f"  {row}" for row in [*rows[:LISTED], *more])] if rows else []
