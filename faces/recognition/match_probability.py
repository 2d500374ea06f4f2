"""The probability that a match is true.

A share ``far`` of strangers would be as close to a person as a probe is. With n people enrolled, E = n * far of them
would be as close to a stranger by chance. The probability that the match is true falls with E. The curve was fitted to
probes and strangers of LFW; docs/fairness.md says how well it holds for others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EVEN = 0.0135  # the expected number of chance matches at which a match is as likely true as false
STEEPNESS = 1.34  # by how much the log odds fall when the log of that number rises by 1


def match_probability(expected: NDArray[np.float64], prior: float = 0.5) -> NDArray[np.float64]:
    """Return the probability that each match is true: float64 of the same shape.

    expected: number of enrolled people to whom a stranger would be as close by chance.
    prior: share of those who come that are enrolled, in (0, 1).

    >>> match_probability(np.array([0.0135])).round(2).tolist()
    [0.5]
    """
    odds = (np.maximum(expected, 1e-30) / EVEN) ** STEEPNESS * (1 - prior) / prior
    return np.asarray(1 / (1 + odds))
