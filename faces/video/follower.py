"""Faces through a video: when the detector looks, and what happens meanwhile."""

from __future__ import annotations

import os
import sys
from collections import defaultdict, deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from time import monotonic, perf_counter

import numpy as np

from faces.attributes.predictor import Attributes
from faces.pipeline import Pipeline
from faces.recognition.recognizers import Recognizer
from faces.types import Faces
from faces.video.association import Association, Sighting, State, cheapest
from faces.video.motion import Grey
from faces.video.tracker import CONFIRMED, PATIENCE, Tracker
from faces.video.tracks import Frame, Tracks

EVERY = 0.3  # s between two looks of the detector
SOON = 1e-3  # s: what files round their times by
EMBEDDED = 4  # faces in one look at a live source, at most: so that many new people do not hold up the names
AHEAD = 2**28  # bytes of frames, at most, that are read while the detector works
CORES = os.cpu_count() or 1

Step = tuple[Frame | None, Tracks]


class Follower:
    """Follows and names the faces of a video.

    live: never wait for the detector; what it finds is carried on to the frame of the moment. Otherwise the frames wait
    for it, and the result is the same each time.
    whole: look at every frame, so that no face is shown before it is found.
    threshold, attributes: as for ``Association``.

    seconds: of work so far, by stage. looks: of the detector, so far.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        recognizer: Recognizer,
        live: bool,
        whole: bool = False,
        threshold: float = float("inf"),
        attributes: Attributes | None = None,
    ) -> None:
        self.tracker = Tracker(recognizer, 1 if whole else CONFIRMED)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.looks = 0
        self._pipeline = pipeline
        self._association = Association(pipeline, threshold, EMBEDDED if live else sys.maxsize, attributes)
        self._live = live
        self._whole = whole
        self._lock = Lock()
        self._before: Grey | None = None
        self._looked = float("-inf")  # s

    def follow(self, frames: Iterable[Frame | None]) -> Generator[Step, None, None]:
        """The frames, and where the faces are in each; None, which says that there is no frame yet, is handed on."""
        watched = self._watched(frames)
        steps = self._at_once(watched) if self._live and not self._whole else self._in_step(watched)
        try:
            yield from steps
        finally:
            self.tracker.end()

    def _watched(self, frames: Iterable[Frame | None]) -> Iterator[Frame | None]:
        """The same frames; everybody leaves when a stream is away for as long as one waits for who is hidden."""
        last = monotonic()
        for frame in frames:
            if frame is not None:
                last = monotonic()
            elif self._live and monotonic() - last > PATIENCE:
                self.tracker.end()
            yield frame

    def _in_step(self, frames: Iterable[Frame | None]) -> Iterator[Step]:
        """The detector works ahead, unless live, at as many frames at a time as there are cores."""
        ahead: deque[tuple[Frame, Grey, Future[Faces] | None]] = deque()
        with ThreadPoolExecutor(CORES) as pool:
            try:
                for frame in frames:
                    if frame is None:
                        yield None, self.tracker.tracks()
                        continue
                    grey = self._grey(frame)
                    look = self._is_due(frame, grey)
                    ahead.append((frame, grey, pool.submit(self._detect, frame) if look else None))
                    while ahead and (self._live or _is_enough(ahead)):
                        yield self._step(*ahead.popleft())
                while ahead:
                    yield self._step(*ahead.popleft())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _step(self, frame: Frame, grey: Grey, faces: Future[Faces] | None) -> Step:
        self._move(frame, grey)
        if faces is not None:
            found = faces.result()
            self._correct(self._sight(frame, grey, found, self.tracker.state()))
        return frame, self.tracker.tracks()

    def _at_once(self, frames: Iterable[Frame | None]) -> Iterator[Step]:
        """The detector looks at the newest frame whenever it is free."""
        job: Future[Sighting] | None = None
        with ThreadPoolExecutor(2) as pool:
            pool.submit(cheapest, np.zeros((0, 0), np.float32))  # so that nobody waits for its import when it counts
            for frame in frames:
                if frame is not None:
                    grey = self._grey(frame)
                    self._move(frame, grey)
                    if job is not None and job.done():
                        self._correct(job.result())
                        job = None
                    if self._is_due(frame, grey, free=job is None):
                        job = pool.submit(self._look, frame, grey, self.tracker.state())
                yield frame, self.tracker.tracks()

    def _is_due(self, frame: Frame, grey: Grey, free: bool = True) -> bool:
        """Whether the detector, if it is free, is to look at a frame: the first of a scene, and one every so often."""
        if self._before is None or grey.is_cut_from(self._before):
            self._looked = float("-inf")
        self._before = grey
        due = free and (self._whole or frame.time >= self._looked + EVERY - SOON)
        if due:
            self.looks, self._looked = self.looks + 1, frame.time
        return due

    def _look(self, frame: Frame, grey: Grey, state: State) -> Sighting:
        return self._sight(frame, grey, self._detect(frame), state)

    def _grey(self, frame: Frame) -> Grey:
        with self._timed("grey"):
            return Grey.of(frame.image)

    def _detect(self, frame: Frame) -> Faces:
        with self._timed("detect"):
            return self._pipeline.detect(frame.image)

    def _move(self, frame: Frame, grey: Grey) -> None:
        with self._timed("flow"):
            self.tracker.move(frame, grey)

    def _sight(self, frame: Frame, grey: Grey, faces: Faces, state: State) -> Sighting:
        with self._timed("embed"):
            return self._association.sight(frame, grey, faces, state)

    def _correct(self, sighting: Sighting) -> None:
        with self._timed("name"):
            self.tracker.correct(sighting)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[stage] += perf_counter() - started


def _is_enough(ahead: Sequence[tuple[Frame, Grey, Future[Faces] | None]]) -> bool:
    """Whether every core has a frame to look at, or the memory for frames is used up."""
    looks = sum(faces is not None for _, _, faces in ahead)
    return looks > CORES or sum(frame.image.nbytes for frame, _, _ in ahead) > AHEAD
