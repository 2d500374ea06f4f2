"""The models that serve the calls, each loaded when it is needed first; ModelError names the command for a missing one.

threads: of each model within one image; None: as many as there are cores. The commands set it.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faces.detection import Detector
    from faces.embedding.embedders import Embedder
    from faces.embedding.landmarks import ShapePredictor
    from faces.landmarks.mesh import FaceMesh

threads: int | None = None
loading = Lock()  # held while a model is loaded: threads that want the same one wait for it


@cache
def _detector(name: str, min_face: int) -> Detector:
    from faces import detection

    return detection.load(name, threads=threads, min_face=min_face)


@cache
def _predictor() -> ShapePredictor:
    from faces.embedding.landmarks import ShapePredictor

    return ShapePredictor.load()


@cache
def _mesh() -> FaceMesh:
    from faces.landmarks.mesh import FaceMesh

    return FaceMesh.load(threads)


@cache
def _embedder() -> Embedder:
    from faces.embedding import embedders

    return embedders.load("dlib", threads)


def detector(name: str, min_face: int) -> Detector:
    """Return a detector of ``faces``."""
    with loading:
        return _detector(name, min_face)


def predictor() -> ShapePredictor:
    """Return dlib's predictor of five landmarks."""
    with loading:
        return _predictor()


def mesh() -> FaceMesh:
    """Return the face mesh."""
    with loading:
        return _mesh()


def embedder() -> Embedder:
    """Return dlib's embedder."""
    with loading:
        return _embedder()
