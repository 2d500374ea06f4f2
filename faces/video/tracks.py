"""Frames of a video, and the faces that are tracked in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.attributes.answers import Answers
from faces.types import Floats, Image


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a video.

    index: which one of its source, from 0, those that were never looked at included.
    time: s, from the start: as the file says, or of a camera or stream by the clock.
    arrived: s, on the clock of ``time.monotonic``, when it was there to be looked at.
    """

    image: Image
    index: int
    time: float
    arrived: float


@dataclass(frozen=True, slots=True)
class Tracks:
    """The N >= 0 faces that are followed in a frame of a video, as parallel arrays; all of one number are one person.

    ids: intp (N,), from 1, never used twice. xyxy: float32 (N, 4), px, as in ``Faces``.
    settled: bool (N,), whether it has been decided who it is. names: N names, None for unknown and not settled.
    probability, distance: float32 (N,), as in ``Matches``; NaN where not settled.
    visible: bool (N,); one that is not is waited for, and its box is where it was last seen or is guessed to be.
    answers: of N, what they look like; None where nobody asks, or nothing is known yet.
    Raises ValueError when the shapes do not agree.
    """

    ids: NDArray[np.intp]
    xyxy: Floats
    names: tuple[str | None, ...]
    settled: NDArray[np.bool_]
    probability: Floats
    distance: Floats
    visible: NDArray[np.bool_]
    answers: Answers | None = None

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
        """No face, with arrays of the right shapes."""
        no, none = np.zeros(0, np.bool_), np.zeros(0, np.float32)
        return cls(np.zeros(0, np.intp), np.zeros((0, 4), np.float32), (), no, none, none, no)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: NDArray[np.bool_]) -> Tracks:
        names = tuple(name for name, kept in zip(self.names, index, strict=True) if kept)
        return Tracks(
            self.ids[index],
            self.xyxy[index],
            names,
            self.settled[index],
            self.probability[index],
            self.distance[index],
            self.visible[index],
            None if self.answers is None else self.answers[index],
        )
