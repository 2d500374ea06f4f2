"""The gender of small children: the model is surer of it than it is right, so its probabilities are drawn together.

Measured on UTKFace's validation part: of the faces whose estimated age is below ``YOUNG``, the scores fit the labels
best when they are divided by 1.45 (Guo and others, ICML 2017); of all others, when they stay as they are.
``TEMPERATURE`` is higher, because on other photographs the model is surer still:
python -m benchmarks.attributes children
"""

from __future__ import annotations

import numpy as np

from faces.types import Floats

YOUNG = 8.0  # years, estimated
TEMPERATURE = 2.0
SMALLEST = 1e-9  # probability, so that its logarithm is a number


def less_sure(gender: Floats, age: Floats) -> Floats:
    """Return the probabilities of the gender, less sure for small children; the likelier one stays so.

    gender: float32 (N, 2). age: float32 (N, 1), years.

    >>> less_sure(np.array([[0.9, 0.1], [0.9, 0.1]], np.float32), np.array([[30], [4]], np.float32)).round(2).tolist()
    [[0.8999999761581421, 0.10000000149011612], [0.75, 0.25]]
    """
    scores = np.log(np.maximum(gender, SMALLEST)) / np.where(age < YOUNG, TEMPERATURE, 1)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)
