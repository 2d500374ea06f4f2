"""What the heads of a network are taught: their classes and ranges, losses, and a weight for every answer."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.training.backend import keras as load_keras
from faces.training.data.labelled import AGE, Labelled
from faces.types import Floats, Image

AGES = (0.0, 100.0)  # years that a network can say
YEAR = 0.1  # what a year's error costs, where a wrong choice's cross-entropy costs 1
BALANCE = 0.25  # 0: every face counts the same; 1: every class does, and rare ones are said too often
WARM_UP = 0.03  # of all steps, in which the learning rate rises; then it falls along a cosine

Inputs = Image | dict[str, NDArray[Any]]
Lesson = tuple[Inputs, dict[str, NDArray[Any]], dict[str, Floats]]


def widths(data: Labelled) -> dict[str, int]:
    """Of each target the number of classes; 0 of the age."""
    return {target: len(data.classes.get(target, ())) for target in data.labels}


def ranges(data: Labelled) -> dict[str, tuple[float, float]]:
    """Of each target that is a number, the least and the greatest that can be said."""
    return {AGE: AGES} if AGE in data.labels else {}


def described(data: Labelled) -> dict[str, dict[str, Any]]:
    """The heads as the ONNX file says them."""
    return {
        target: {"unit": "years"} if target == AGE else {"classes": list(data.classes[target])}
        for target in data.labels
    }


def of_rows(inputs: Inputs, rows: NDArray[np.bool_] | slice) -> Inputs:
    """Of some faces."""
    return {name: array[rows] for name, array in inputs.items()} if isinstance(inputs, dict) else inputs[rows]


def taught(data: Labelled, inputs: Inputs, rows: NDArray[np.bool_], balanced: bool = True) -> Lesson:
    """For Keras: inputs, labels and weights of some faces; what is not known of one weighs nothing.

    balanced: faces of a rare class weigh more, by the fourth root of how rare it is.
    """
    some = data[rows]
    labels, weights = {}, {}
    for target, values in some.labels.items():
        known = some.known(target)
        labels[target] = np.where(known, values, 0)
        weights[target] = known.astype(np.float32)
        if balanced and target != AGE:
            counts = np.bincount(values[known], minlength=len(data.classes[target]))
            rare = (counts.sum() / np.maximum(counts, 1)) ** BALANCE
            weights[target] *= (rare / (rare * counts).sum() * counts.sum())[labels[target]].astype(np.float32)
    return of_rows(inputs, rows), labels, weights


def compiled(network: Any, data: Labelled, rate: float, steps: int, smoothing: float = 0.0) -> Any:
    """Ready to fit for so many steps: cross-entropy of choices, absolute error of the age.

    smoothing: share of each label that is spread over all classes, where labels are often wrong.
    """
    keras = load_keras()
    warm = max(1, round(WARM_UP * steps))
    falling = keras.optimizers.schedules.CosineDecay(rate / 10, steps, warmup_target=rate, warmup_steps=warm)

    def choice(labels: Any, answers: Any) -> Any:
        one_hot = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), answers.shape[-1])
        return keras.losses.categorical_crossentropy(one_hot, answers, label_smoothing=smoothing)

    network.compile(
        keras.optimizers.AdamW(falling, weight_decay=1e-4),
        loss={target: "mae" if target == AGE else choice for target in data.labels},
        loss_weights={target: YEAR if target == AGE else 1.0 for target in data.labels},
        weighted_metrics={target: ["mae"] if target == AGE else ["accuracy"] for target in data.labels},
    )
    return network


def resized(chips: Image, side: int) -> Image:
    """uint8 (N, side, side, 3), as ``AttributeModel`` makes chips smaller."""
    if chips.shape[1] == side:
        return chips
    small = [cv2.resize(chip, (side, side), interpolation=cv2.INTER_AREA) for chip in chips]
    return np.array(small, np.uint8).reshape(len(chips), side, side, 3)
