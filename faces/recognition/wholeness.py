"""Whether the parts of a recognizer that was read from a file fit together."""

from __future__ import annotations

from math import isnan

import numpy as np

from faces.recognition.distances import People
from faces.recognition.recognizers import FaceRecognizer, Recognizer
from faces.types import Floats


def require_whole(recognizer: FaceRecognizer) -> None:
    """Raise ValueError if the parts have other shapes than ``fit`` gives them; anything if they have other types."""
    people, count, numbers = (
        recognizer.people_,
        len(recognizer.names_),
        (recognizer.threshold_.distance, recognizer.fpir),
    )
    photographs, dimension = people.embeddings.shape
    first, crowd = people.embeddings[:1], recognizer.crowd_
    shapes = [part.shape for part in (recognizer.names_, people.starts, people.counts, people.closer, people.centres)]
    if (
        shapes != [(count,)] * 4 + [(count, dimension)]
        or people.counts.min() < 1
        or people.counts.sum() != photographs
        or (people.starts != np.cumsum(people.counts) - people.counts).any()
        or not all(np.isfinite(part).all() for part in (people.embeddings, people.centres, people.closer))
        or not all(isinstance(name, str) for name in recognizer.names_.tolist())
        or not all(isinstance(number, int | float) and not isnan(number) for number in numbers)
        or recognizer.scorer_.scores(first).shape != (1, count)
    ):
        raise ValueError("parts of other shapes")
    if crowd is not None:
        crowd.terms(People.of(first, np.zeros(1, np.intp)))
    require_answers(recognizer, first)


def require_answers(recognizer: Recognizer, probe: Floats) -> None:
    """Raise anything if a recognizer cannot tell who a face (1, D) is."""
    with np.errstate(all="ignore"):
        matches = recognizer.identify(probe)
        recognizer.match_probability(probe, matches.candidates)
