"""Errors of liveness by ISO/IEC 30107-3: shares of attacks that pass and of live faces that are refused, by person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.metrics.intervals import independent_cases, wilson
from faces.metrics.wording import percent
from faces.training.liveness.attempts import REAL
from faces.types import Floats

ALLOWED = 0.05  # APCER that the threshold is chosen for, of each kind of attack


@dataclass(frozen=True, slots=True)
class Share:
    """A share of wrong answers.

    wrong, count: of those that were judged. unknown: how many were not.
    low, high: the 95 % interval; that of several people is by person.
    """

    wrong: int
    count: int
    unknown: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share; NaN if none was judged."""
        return self.wrong / self.count if self.count else float("nan")

    def __str__(self) -> str:
        return f"{percent(self.value)} ({self.wrong} of {self.count})"


@dataclass(frozen=True, slots=True)
class Figures:
    """N photographs of people, each judged by a network that was trained without that person, as parallel arrays.

    kinds: ``real``, or an attack.
    live: float32 (N,), probabilities; NaN: not judged.
    thresholds: float64 (N,), from the other people.
    threshold: from all people; the network's own.
    """

    kinds: NDArray[np.str_]
    persons: NDArray[np.str_]
    live: Floats
    thresholds: NDArray[np.float64]
    threshold: float

    def share(self, kind: str, person: str | None = None, own: bool = False) -> Share:
        """Return the share of live faces that are refused (BPCER), or of attacks of a kind that pass (APCER).

        person: only this one's; the interval then takes the photographs for independent.
        own: by the network's own threshold, which was chosen on these photographs, instead of ``thresholds``.
        """
        of = (self.kinds == kind) & (person is None or self.persons == person)
        judged = of & np.isfinite(self.live)
        passed = self.live >= (self.threshold if own else self.thresholds)
        wrong = passed[judged] != (kind == REAL)
        independent = len(wrong) if person else independent_cases(wrong, self.persons[judged].tolist())
        low, high = wilson(float(wrong.mean()) if len(wrong) else 0.0, independent)
        return Share(int(wrong.sum()), len(wrong), int(of.sum()) - len(wrong), low, high)


def threshold_of(live: Floats, kinds: NDArray[np.str_]) -> float:
    """Return the least threshold at which at most ``ALLOWED`` of each kind of attack pass.

    live: float32 (N,), probabilities; those that are NaN do not count.
    kinds: of N photographs.
    """
    limits = []
    for kind in sorted(set(kinds.tolist()) - {REAL}):
        attacks = np.sort(live[(kinds == kind) & np.isfinite(live)])[::-1]
        if len(attacks):
            limits.append(float(np.nextafter(attacks[int(ALLOWED * len(attacks))], np.float32(2))))
    return max(limits)
