"""Drawn people whose similarity is known: normally distributed, around a mean that can be chosen."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from faces.recognition.distances import People
from faces.recognition.impostors import FARS, Impostors
from faces.types import Floats

DIMENSION = 128
MEAN = 0.1  # similarity of people in general
NOISE = (1 - MEAN) / DIMENSION**0.5  # its standard deviation, without the effects of persons
PERSON = (MEAN * (1 - MEAN) / DIMENSION) ** 0.5
GENERAL = Impostors(
    mean=MEAN,
    noise_sd=NOISE,
    person_sd=PERSON,
    gallery_sd=0.5 * NOISE,
    fars=np.array(FARS, np.float32),
    quantiles=np.array([NormalDist().inv_cdf(1 - far) for far in FARS], np.float32),
)


def units(vectors: NDArray[np.floating]) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def crowd_of_faces(number: int, mean: float = MEAN, seed: int = 0) -> Floats:
    """(number, 128): one face each of people whose mean similarity is ``mean``, 0 or more.

    The more similar they are, the more do persons differ in it: cos(x, y) = mean + person + person + noise.
    """
    dimension = round(((1 - mean) / NOISE) ** 2)  # so that the noise is the same for every mean
    if dimension > DIMENSION:  # less than MEAN: a little less noise
        dimension = DIMENSION
    rng = np.random.default_rng(seed)
    own = np.zeros((number, DIMENSION))
    own[:, :dimension] = units(rng.normal(size=(number, dimension)))
    return units(mean**0.5 * np.eye(DIMENSION)[0] + (1 - mean) ** 0.5 * own)


def photographed(faces: Floats, photographs: int, similarity: float = 0.7, seed: int = 1) -> Floats:
    """(number * photographs, 128): photographs of each face, person after person, about so similar to each other."""
    rng = np.random.default_rng(seed)
    noise = units(rng.normal(size=(len(faces) * photographs, DIMENSION)))
    return units(similarity**0.5 * np.repeat(faces, photographs, axis=0) + (1 - similarity) ** 0.5 * noise)


def one_each(faces: Floats) -> People:
    return People.of(faces, np.arange(len(faces)))
