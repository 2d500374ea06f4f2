"""Frames of a video, and the tracked faces in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.attributes.answers import Answers
from faces.types import Floats, Image


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a video.

    index: position in the source, from 0; dropped frames count.
    time: s from the start, by the file, or by the clock for a camera or stream.
    arrived: s of ``time.monotonic``, when the picture was available.
    """

    image: Image
    index: int
    time: float
    arrived: float


@dataclass(frozen=True, slots=True)
class Tracks:
    """The N >= 0 tracked faces in a frame, as parallel arrays; a track is one person.

    ids: intp (N,), from 1, never used twice.
    xyxy: float32 (N, 4), px, as in ``Faces``.
    names: N names; None if unknown or not settled.
    settled: bool (N,), whether it is decided who the face is.
    probability, distance: float32 (N,), as in ``Matches``; NaN if not settled.
    visible: bool (N,); the box of an invisible track is its last or its estimated place.
    answers: the N faces' attributes; None if not asked for or not known yet.
    seen_once: number of other faces so far that only one look has found; they are not among the N.
    looked: s, of the last frame in which faces were detected; NaN before the first.
    Raises ValueError if the shapes do not agree.
    """

    ids: NDArray[np.intp]
    xyxy: Floats
    names: tuple[str | None, ...]
    settled: NDArray[np.bool_]
    probability: Floats
    distance: Floats
    visible: NDArray[np.bool_]
    answers: Answers | None = None
    seen_once: int = 0
    looked: float = float("nan")

    def __post_init__(self) -> None:
        n = len(self.ids)
        if len(self.names) != n or self.xyxy.shape != (n, 4):
            raise ValueError(f"parallel arrays of different lengths: {n}, {len(self.names)}, {self.xyxy.shape}")
        for name in ("settled", "probability", "distance", "visible"):
            if getattr(self, name).shape != (n,):
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {(n,)}")
        if self.answers is not None and len(self.answers) != n:
            raise ValueError(f"parallel arrays of different lengths: {n}, {len(self.answers)}")

    @classmethod
    def empty(cls) -> Tracks:
        """Return no faces, as arrays of the right shapes."""
        no_flags, no_floats = np.zeros(0, np.bool_), np.zeros(0, np.float32)
        return cls(
            ids=np.zeros(0, np.intp),
            xyxy=np.zeros((0, 4), np.float32),
            names=(),
            settled=no_flags,
            probability=no_floats,
            distance=no_floats,
            visible=no_flags,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: NDArray[np.bool_]) -> Tracks:
        return Tracks(
            ids=self.ids[index],
            xyxy=self.xyxy[index],
            names=tuple(name for name, kept in zip(self.names, index, strict=True) if kept),
            settled=self.settled[index],
            probability=self.probability[index],
            distance=self.distance[index],
            visible=self.visible[index],
            answers=None if self.answers is None else self.answers[index],
            seen_once=self.seen_once,
            looked=self.looked,
        )

    def attributes(self, index: int) -> dict[str, object]:
        """Return a face's attributes, as from ``Answers.plain``; empty if none are known."""
        return {} if self.answers is None else self.answers.plain(index)
