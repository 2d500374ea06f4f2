"""Faces as points on a circle, whose distances can be computed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from pathlib import Path

import numpy as np

from faces.evaluation.photographs import Photographs
from faces.types import Floats
from tests.recognition.test_recognizers import UNMEASURED, fingerprint

NO_FACE = nan


def at(degrees: float) -> Floats:
    """A unit vector; NaN where there is no face."""
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def apart(degrees: float) -> float:
    """The distance between two points so far from each other."""
    return float(2 * np.sin(np.radians(abs(degrees)) / 2))


def photographs(places: Mapping[str, float]) -> Photographs:
    """Return photographs by name. places: position of each face on the circle, in degrees."""
    vectors = np.stack([at(place) for place in places.values()])
    reasons = tuple("no face" if np.isnan(place) else "" for place in places.values())
    boxes = np.where(np.isnan(vectors[:, :1]), np.float32(np.nan), np.array([[0, 0, 9, 9]], np.float32))
    hashes = tuple(f"hash of {name}" for name in places)
    return Photographs(
        paths=tuple(map(Path, places)),
        embeddings=vectors,
        boxes=boxes,
        reasons=reasons,
        hashes=hashes,
        fingerprint=fingerprint(UNMEASURED),  # so the distances of a few people are as they are
    )
