"""Look at photographs and films: what they show, and the faces in them. This is the work of a worker process."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from faces.crops import sharpness
from faces.errors import FacesError, ImageError, SourceError, reason_of
from faces.extraction.workers import Models
from faces.files.digest import digest
from faces.files.reading import read_file
from faces.geometry import iou
from faces.images import decode_image, taken_at
from faces.photos.records import Content, FoundFace
from faces.pipeline import Pipeline, process_pipeline
from faces.recognition.thresholds import distance_at
from faces.types import Fingerprint, Image
from faces.video.sources import open_source
from faces.video.votes import quality

FILMS = frozenset({".mp4", ".m4v", ".mov", ".3gp", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".mpg"})
RAWS = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".iiq", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2"}
    | {".srw", ".x3f"}
)
LOOK_INTERVAL = 1.0  # s of a film between two looks
KEPT = 5  # faces of a track, the best ones
SAME_FAR, DIFFERENT_FAR = 1e-4, 1e-1  # rates of false accepts: a closer face is the same person, a farther one is not
TRACK_IOU = 0.3  # with the last look: one person, if the faces are not unlike
LOST = 5  # looks without the face, after which its track ends


@dataclass(frozen=True)
class Look:
    """Finds the faces of photographs and films; is sent to the workers.

    models: the arguments of ``Pipeline.load``.
    """

    models: Models

    def __call__(self, paths: Sequence[str]) -> tuple[Fingerprint, list[Content]]:
        """Look at files by their absolute paths; return the models' fingerprint and what each shows.

        What cannot be read has the reason.
        """
        pipeline = process_pipeline(*self.models)
        with ThreadPoolExecutor(1) as ahead:  # reads the next file while one is looked at
            files = ahead.map(_read, paths)
            shown = [
                look_at_film(Path(path), pipeline) if is_film(path) else look_at(file, pipeline)
                for path, file in zip(paths, files, strict=True)
            ]
        return pipeline.fingerprint, shown


def is_film(path: str | Path) -> bool:
    """Return whether a file is a film, by its suffix."""
    return Path(path).suffix.lower() in FILMS


def look_at(file: bytes | str, pipeline: Pipeline) -> Content:
    """Return what a photograph shows; file: its bytes, or why it cannot be read."""
    if isinstance(file, str):
        return Content("", "photo", reason=file)
    content = Content(hashlib.sha256(file).hexdigest(), "photo")
    try:
        image = decode_image(file)
    except ImageError as error:
        return replace(content, reason=str(error))
    found = tuple(_faces(image, pipeline))
    return replace(content, size=(image.shape[1], image.shape[0]), taken=taken_at(file), faces=found)


def look_at_film(path: Path, pipeline: Pipeline) -> Content:
    """Return what a film shows: the best faces of every person that is followed from look to look."""
    try:
        content = Content(digest(path).partition(":")[2], "film")
    except OSError as error:
        return Content("", "film", reason=reason_of(error))
    points = pipeline.embedder.spec.operating_points
    tracks, size, due = _Tracks(*(distance_at(points, far, 0.0) for far in (SAME_FAR, DIFFERENT_FAR))), (0, 0), 0.0
    try:
        for frame in open_source(str(path)).frames():
            if frame.time >= due:
                due = frame.time + LOOK_INTERVAL
                size = frame.image.shape[1], frame.image.shape[0]
                tracks.add([replace(face, time=frame.time) for face in _faces(frame.image, pipeline)])
    except (SourceError, FacesError) as error:
        return replace(content, reason=str(error).removeprefix(f"{path}: "))
    return replace(content, size=size, faces=tracks.faces())


def _faces(image: Image, pipeline: Pipeline) -> list[FoundFace]:
    faces, embeddings = pipeline.find(image)
    sharp = np.array([sharpness(crop) for crop in pipeline.embedder.aligner.crop(image, faces)], np.float32)
    return [
        FoundFace(
            faces.xyxy[k],
            float(faces.score[k]),
            None if faces.landmarks is None else faces.landmarks[k],
            embeddings[k],
            float(clear),
        )
        for k, clear in enumerate(quality(faces, sharp))
    ]


@dataclass(eq=False)
class _Track:
    last: FoundFace
    look: int
    kept: list[FoundFace] = field(default_factory=list)


class _Tracks:
    """People who are followed from one look at a film to the next.

    same, different: distances of two faces that are surely, or surely not, one person's.
    """

    def __init__(self, same: float, different: float) -> None:
        self._same, self._different = same, different
        self._tracks: list[_Track] = []
        self._look = 0

    def add(self, faces: list[FoundFace]) -> None:
        """Add the faces of the next look; each goes to the track that it fits best, or begins one."""
        self._look += 1
        open_tracks = [track for track in self._tracks if self._look - track.look <= LOST]
        fits = []
        for number, face in enumerate(faces):
            for track in open_tracks:
                distance = float(np.linalg.norm(face.embedding - track.last.embedding))
                overlap = float(iou(face.xyxy, track.last.xyxy[None])[0]) if track.look == self._look - 1 else 0.0
                if distance <= self._same or (overlap >= TRACK_IOU and distance <= self._different):
                    fits.append((distance, number, track))
        placed = dict[int, _Track]()
        for _, number, track in sorted(fits, key=lambda fit: fit[:2]):
            if number not in placed and track not in placed.values():
                placed[number] = track
        for number, face in enumerate(faces):
            track = placed.get(number) or _Track(face, self._look)
            if number not in placed:
                self._tracks.append(track)
            track.last, track.look = face, self._look
            track.kept = sorted([*track.kept, face], key=lambda kept: -kept.quality)[:KEPT]

    def faces(self) -> tuple[FoundFace, ...]:
        """Return the best faces of every track."""
        return tuple(replace(face, track=number) for number, track in enumerate(self._tracks) for face in track.kept)


def _read(path: str) -> bytes | str:
    if is_film(path):
        return b""
    try:
        return read_file(Path(path))
    except OSError as error:
        return reason_of(error)
