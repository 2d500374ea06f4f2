"""Make the probabilities of a trained network hold: temperature scaling on the validation faces.

Source: Guo and others, On Calibration of Modern Neural Networks, ICML 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.training.attributes.heads import Inputs
from faces.training.data.labelled import AGE, LabelledImages
from faces.training.networks import LAST_LAYERS
from faces.types import Floats

MIN_FACES = 200  # with a label: with fewer, the temperature is left to chance
TEMPERATURES = np.geomspace(1 / 3, 3, 101)
SMALLEST = 1e-9  # probability, so that its logarithm is a number


def calibrate(network: Any, core: Any, data: LabelledImages, inputs: Inputs) -> dict[str, float]:
    """Divide each head's scores by the temperature that fits the labels best; return the temperatures by target.

    Heads with fewer than ``MIN_FACES`` labelled faces stay as they are, and so does the age.

    network: predicts the heads from the inputs, with the layers of the core.
    core: the network that is exported; its last layers are changed.
    data: the validation faces.
    """
    answers = network.predict(inputs, verbose=0)
    temperatures = {}
    for target in data.labels:
        known = data.known(target)
        if target == AGE or known.sum() < MIN_FACES:
            continue
        best = temperature(np.asarray(answers[target])[known], data.labels[target][known])
        layer = _layer(core, target)
        layer.set_weights([weights / best for weights in layer.get_weights()])
        temperatures[target] = round(best, 3)
    return temperatures


def temperature(probabilities: Floats, labels: NDArray[np.intp]) -> float:
    """Return the temperature in ``TEMPERATURES`` with the smallest cross-entropy; above 1 makes answers less sure.

    probabilities: float32 (N, classes).
    labels: intp (N,).
    """
    scores = np.log(np.maximum(probabilities, SMALLEST)).astype(np.float64)
    losses = [_cross_entropy(scores / each, labels) for each in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def _cross_entropy(scores: NDArray[np.float64], labels: NDArray[np.intp]) -> float:
    scores = scores - scores.max(axis=1, keepdims=True)
    chosen = scores[np.arange(len(labels)), labels]
    return float((np.log(np.exp(scores).sum(axis=1)) - chosen).mean())


def _layer(core: Any, target: str) -> Any:
    """Return the dense layer of a head, which is in a network of its own where a core has ``LAST_LAYERS``."""
    names = [layer.name for layer in core.layers]
    return (core.get_layer(LAST_LAYERS) if LAST_LAYERS in names else core).get_layer(target)
