"""Name several faces jointly: of the faces seen together, at most one is given each name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.recognition.gallery import is_nobody
from faces.types import Floats, Matches

NEAREST = 10  # people whom a face may be; who is farther away is hardly ever within the threshold
LEAST = 1e-9  # of a cost: a face whose cost is just its limit gets a name rather than none

Costs = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The K >= 1 people whom each of N >= 0 probes may be: first the one that the recognizer names, then the nearest.

    names: str (N, K).
    probability: float32 (N, K).
    distance: float32 (N, K); NaN if the recognizer has no distances.
    cost: float64 (N, K), the lower, the more alike: the distance, or 1 - probability without distances.
    limit: float64 (N,), the cost up to which a probe is given a name.
    """

    names: NDArray[np.str_]
    probability: Floats
    distance: Floats
    cost: Costs
    limit: Costs

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def joined(cls, parts: Sequence[Candidates]) -> Candidates:
        """Return the candidates of several sets of probes, one after the other; K is the same for all."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))

    def matches(self) -> Matches:
        """Return the person of each probe, nobody twice; None for unknown.

        A probe whose first candidate does not pass stays unknown. One that loses its first candidate is given the next
        best one that passes. The name of strangers is nobody's: it is given to none, and takes part in nothing.
        """
        rows = np.arange(len(self))
        column = assign(self.names, *self._costs())
        named, shown = column >= 0, np.maximum(column, 0)
        candidates = tuple(str(name) for name in self.names[rows, shown])
        names = tuple(name if is_named else None for name, is_named in zip(candidates, named, strict=True))
        return Matches(names, candidates, self.probability[rows, shown], self.distance[rows, shown])

    def passing(self) -> NDArray[np.bool_]:
        """Return which candidates a probe may be given: bool (N, K)."""
        cost, limit = self._costs()
        return np.asarray(cost <= limit[:, None])

    def _costs(self) -> tuple[Costs, Costs]:
        """Return the costs (N, K) and limits (N,) with which names are assigned.

        No candidate costs less than the first, which the recognizer prefers even if another person is nearer.
        """
        nobody = np.array([is_nobody(str(name)) for name in self.names.flat], np.bool_).reshape(self.names.shape)
        stranger = np.where(nobody[:, 1:], self.cost[:, 1:], np.inf).min(axis=1, initial=np.inf)
        cost = np.maximum(self.cost, self.cost[:, :1])
        cost[:, 1:][self.cost[:, 1:] >= stranger[:, None]] = np.inf  # strangers are nearer
        is_unknown = nobody[:, 0] | (self.cost[:, 0] > self.limit)
        return cost, np.where(is_unknown, -np.inf, self.limit)


def assign(people: NDArray[np.generic], cost: Costs, limit: Costs) -> Indices:
    """Return the candidate of each probe at the least total cost, so that nobody is given to two probes.

    The Hungarian method (Kuhn, Naval Research Logistics Quarterly, 1955). A probe without a person costs its limit, so
    that no probe is given a person of a higher cost.

    people: (N, K), the names or ids of each probe's candidates.
    cost: float64 (N, K).
    limit: float64 (N,); -inf for a probe that is given nobody.

    Returns intp (N,), the column of each probe's person; -1 for nobody.

    >>> people = np.array([["Ada", "Eva"], ["Ada", "Eva"]])
    >>> assign(people, np.array([[0.2, 0.5], [0.1, 0.3]]), np.array([0.4, 0.4])).tolist()
    [0, 1]
    """
    count = len(people)
    if people.size == 0:
        return np.full(count, -1, np.intp)
    cost = np.where(cost <= limit[:, None], cost, np.inf)
    best = np.where(np.isfinite(cost).any(axis=1), cost.argmin(axis=1), -1)
    rows = np.flatnonzero(best >= 0)
    if len(np.unique(people[rows, best[rows]])) == len(rows):
        return best
    from scipy.optimize import linear_sum_assignment  # takes most of a second to import

    distinct, owner = np.unique(people[rows], return_inverse=True)
    owner = owner.reshape(len(rows), -1)
    places = np.arange(len(rows))
    total = np.full((len(rows), len(distinct) + len(rows)), np.inf)
    np.minimum.at(total, (places[:, None], owner), cost[rows])
    total[places, len(distinct) + places] = limit[rows] + LEAST
    _, given = linear_sum_assignment(total)
    own = np.where(owner == given[:, None], cost[rows], np.inf)
    best[rows] = np.where(given < len(distinct), own.argmin(axis=1), -1)
    return best


def nearest(cost: NDArray[np.floating], first: Indices, number: int = NEAREST) -> Indices:
    """Return the columns (N, K) of the lowest costs (N, P) in order, behind ``first`` (N,); K is at most ``number``."""
    ranked = np.array(cost, np.float64)
    np.put_along_axis(ranked, first[:, None], -np.inf, axis=1)
    number = min(number, ranked.shape[1])
    columns = np.argpartition(ranked, number - 1, axis=1)[:, :number]
    order = np.take_along_axis(ranked, columns, axis=1).argsort(axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
