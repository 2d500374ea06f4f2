"""What a library holds: files, what they show, and faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faces.types import Floats

WAITING, READ, UNREADABLE, RAW = "waiting", "read", "unreadable", "raw"
"""States of a file: not looked at yet; looked at; not to be read, and why; a raw photograph, which is not read."""

NAMED, MATCHED, ENROLLED, GROUP, NOBODY, IGNORED, POOR = STATUSES = (
    *("named", "matched", "enrolled", "group", "nobody", "ignored", "poor"),
)
"""Statuses of a face: a person named it; it is in a group with such a face; the recognizer named it; in a group of an
unknown person; like no other face; ignored, as people wish; too small or blurred to be compared."""


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A file of the library.

    path: absolute. size: bytes. modified: ns since the epoch.
    sha256: of its content; empty if it was never read.
    state: one of ``WAITING``, ``READ``, ``UNREADABLE``, ``RAW``.
    reason: why it is not read; empty if it is.
    """

    path: Path
    size: int
    modified: int
    sha256: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face as it is found in a photograph or film.

    xyxy: float32 (4,), px in the upright picture. score: of the detector. landmarks: float32 (5, 2), px, or None.
    embedding: float32 (D,), unit length.
    quality: in [0, 1]; 0 is too small or blurred to be compared.
    time: s from the start of a film; None in a photograph.
    track: number within the film; all faces of a track are one person. None in a photograph.
    """

    xyxy: Floats
    score: float
    landmarks: Floats | None
    embedding: Floats
    quality: float
    time: float | None = None
    track: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a photograph or film shows, whatever its name.

    kind: ``photo`` or ``film``. size: width and height, px, upright; (0, 0) if it cannot be read.
    taken: when, ISO 8601; empty if the file does not say.
    reason: why it cannot be read; empty if it can.
    """

    sha256: str
    kind: str
    size: tuple[int, int] = (0, 0)
    taken: str = ""
    reason: str = ""
    faces: tuple[FoundFace, ...] = ()


@dataclass(frozen=True, slots=True)
class Face:
    """A face of the library, in one of the files that show it.

    path: of the file; one row for each copy of a photograph.
    xyxy, score, quality, time, track: as in ``FoundFace``. picture: width and height of the picture, px.
    taken: as in ``Content``.
    status: one of ``STATUSES``.
    group: its number; None if it has none. person: the name; None if unknown.
    likeness: how much it is like its group or person, in standard deviations above different people; None if alone.
    """

    id: int
    path: Path
    sha256: str
    xyxy: tuple[float, float, float, float]
    picture: tuple[int, int]
    taken: str
    score: float
    quality: float
    time: float | None
    track: int | None
    status: str
    group: int | None
    person: str | None
    likeness: float | None
