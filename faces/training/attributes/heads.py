"""Prepare labels, weights and losses for the heads of an attribute network."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faces.training.backend import load_keras
from faces.training.data.labelled import AGE, LabelledImages
from faces.types import Floats, Image

AGE_RANGE = (0.0, 100.0)  # years, of the network's output
YEAR_LOSS = 0.1  # of an error of one year, relative to the cross-entropy of a class
WARM_UP = 0.03  # share of the steps in which the learning rate rises; then it falls along a cosine

Inputs = Image | dict[str, NDArray[Any]]
FitData = tuple[Inputs, dict[str, NDArray[Any]], dict[str, Floats]]


def class_counts(data: LabelledImages) -> dict[str, int]:
    """Return the number of classes of each target; 0 for the age."""
    return {target: len(data.classes.get(target, ())) for target in data.labels}


def ranges(data: LabelledImages) -> dict[str, tuple[float, float]]:
    """Return the lowest and highest value of each target that is a number."""
    return {AGE: AGE_RANGE} if AGE in data.labels else {}


def metadata(data: LabelledImages) -> dict[str, dict[str, Any]]:
    """Return the description of the heads in the ONNX file."""
    return {
        target: {"unit": "years"} if target == AGE else {"classes": list(data.classes[target])}
        for target in data.labels
    }


def select(inputs: Inputs, rows: NDArray[np.bool_] | slice) -> Inputs:
    """Return the inputs of some faces."""
    return {name: array[rows] for name, array in inputs.items()} if isinstance(inputs, dict) else inputs[rows]


def fit_data(data: LabelledImages, inputs: Inputs, rows: NDArray[np.bool_], balance: float = 0.0) -> FitData:
    """Return inputs, labels and weights of some faces, as Keras takes them; unknown labels have a weight of 0.

    balance: how much more weight faces of a rare class get: from 0, the same, to 1, each class as much as the others.
    """
    faces = data[rows]
    labels: dict[str, NDArray[Any]] = {}
    weights = {}
    for target, values in faces.labels.items():
        if target in faces.votes:
            labels[target] = faces.votes[target]
            weights[target] = labels[target] @ _class_weights(labels[target].sum(axis=0), balance)
            continue
        known = faces.known(target)
        labels[target] = np.where(known, values, 0)
        weights[target] = known.astype(np.float32)
        if target != AGE:
            counts = np.bincount(values[known], minlength=len(data.classes[target]))
            weights[target] *= _class_weights(counts, balance)[labels[target]]
    return select(inputs, rows), labels, weights


def _class_weights(counts: NDArray[Any], balance: float) -> Floats:
    """Return the weight of each class by its number of faces, float32 (C,); the mean over the faces is 1."""
    rarity = (counts.sum() / np.maximum(counts, 1)) ** balance
    return np.asarray(rarity / (rarity * counts).sum() * counts.sum(), np.float32)


def joined(first: FitData, second: FitData) -> FitData:
    """Return the faces of both, for Keras."""

    def both(one: dict[str, NDArray[Any]], other: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {name: np.concatenate([one[name], other[name]]) for name in one}

    inputs: Inputs
    if isinstance(first[0], dict) and isinstance(second[0], dict):
        inputs = both(first[0], second[0])
    else:
        inputs = np.concatenate([first[0], second[0]])
    return inputs, both(first[1], second[1]), both(first[2], second[2])


def compile_network(network: Any, data: LabelledImages, rate: float, steps: int, smoothing: float = 0.0) -> Any:
    """Compile a network: cross-entropy for classes, absolute error for the age, AdamW with a cosine schedule.

    rate: highest learning rate.
    steps: number of batches in all epochs.
    smoothing: share of each label that is spread over all classes, for data with wrong labels.
    """
    keras = load_keras()
    warm_up_steps = max(1, round(WARM_UP * steps))
    schedule = keras.optimizers.schedules.CosineDecay(rate / 10, steps, warmup_target=rate, warmup_steps=warm_up_steps)

    def cross_entropy(labels: Any, answers: Any) -> Any:
        if len(labels.shape) == 1 or labels.shape[-1] == 1:  # indices, not shares of votes
            labels = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), answers.shape[-1])
        return keras.losses.categorical_crossentropy(labels, answers, label_smoothing=smoothing)

    network.compile(
        keras.optimizers.AdamW(schedule, weight_decay=1e-4),
        loss={target: "mae" if target == AGE else cross_entropy for target in data.labels},
        loss_weights={target: YEAR_LOSS if target == AGE else 1.0 for target in data.labels},
        weighted_metrics={target: ["mae"] if target == AGE else ["accuracy"] for target in data.labels},
    )
    return network


def resize(crops: Image, side: int) -> Image:
    """Return the crops as uint8 (N, side, side, 3), scaled down as ``AttributeModel`` does it."""
    if crops.shape[1] == side:
        return crops
    small = [cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA) for crop in crops]
    return np.array(small, np.uint8).reshape(len(crops), side, side, 3)
