"""Temperature scaling: probabilities that are too sure become right, and the order of the classes stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces.training.attributes.calibration import MIN_FACES, calibrate, temperature
from faces.training.data.labelled import LabelledImages
from faces.types import Floats


def answers(count: int, sharpness: float) -> tuple[Floats, np.ndarray]:
    """Probabilities of three classes that are too sure if ``sharpness`` is above 1, and labels drawn from true ones."""
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1.5, (count, 3))
    true = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(3, p=row) for row in true])
    said = np.exp(sharpness * scores) / np.exp(sharpness * scores).sum(axis=1, keepdims=True)
    return said.astype(np.float32), labels


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0])
def test_the_temperature_that_undoes_what_is_too_sure(sharpness: float) -> None:
    assert temperature(*answers(4000, sharpness)) == pytest.approx(sharpness, rel=0.08)


def test_a_probability_of_zero_is_no_infinity() -> None:
    said = np.array([[1, 0], [0, 1]], np.float32)
    assert np.isfinite(temperature(said, np.array([1, 1])))


@pytest.mark.training
@pytest.mark.parametrize("count", [MIN_FACES - 1, MIN_FACES])
def test_a_head_is_scaled_if_there_are_enough_faces(count: int) -> None:
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(0)
    image = keras.Input((4,), name="image")
    network = keras.Model(image, {"mood": keras.layers.Dense(3, activation="softmax", name="mood")(image)})
    inputs = rng.normal(0, 3, (count, 4)).astype(np.float32)
    labels = rng.integers(0, 3, count)
    data = LabelledImages(tuple(Path(f"{k}.jpg") for k in range(count)), {"mood": labels}, {"mood": ("a", "b", "c")})
    before = network.predict(inputs, verbose=0)["mood"]
    temperatures = calibrate(network, network, data, {"image": inputs})
    after = network.predict(inputs, verbose=0)["mood"]
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))
    if count < MIN_FACES:
        assert temperatures == {} and np.array_equal(before, after)
    else:
        assert temperatures["mood"] > 1 and after.max() < before.max()  # the labels are chance
