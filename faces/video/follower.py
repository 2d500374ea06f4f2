"""Follow faces through a video: decide when to run the detector, and track the faces in between."""

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
from faces.video.association import Assignment, Associator, TrackerState, cheapest_pairs
from faces.video.liveness.evidence import Evidence, is_judged
from faces.video.motion import GreyFrame
from faces.video.tracker import CONFIRMING_DETECTIONS, LOST_SECONDS, Tracker
from faces.video.tracks import Frame, Tracks

DETECTION_INTERVAL = 0.3  # s between two runs of the detector
TIME_PRECISION = 1e-3  # s: files round their times to it
LIVE_EMBEDDINGS = 4  # faces embedded per detection of a live source, so that many new people do not delay the names
READ_AHEAD_BYTES = 2**28  # of frames, at most, read while the detector works
CORES = os.cpu_count() or 1

Step = tuple[Frame | None, Tracks]


class Follower:
    """Follow and name the faces of a video.

    live: never wait for the detector; its result is moved on to the current frame. Otherwise frames wait for the
        detector, and the result is reproducible.
    every_frame: run the detector on every frame, so that no face is shown before it is detected.
    threshold, attributes: as for ``Associator``.
    exclusive: as for ``Tracker``.

    seconds: time spent so far, by stage.
    detections: runs of the detector so far.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        recognizer: Recognizer,
        live: bool,
        every_frame: bool = False,
        threshold: float = float("inf"),
        attributes: Attributes | None = None,
        exclusive: bool = True,
    ) -> None:
        self.tracker = Tracker(recognizer, 1 if every_frame else CONFIRMING_DETECTIONS, exclusive)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.detections = 0
        self._pipeline = pipeline
        self._associator = Associator(pipeline, threshold, LIVE_EMBEDDINGS if live else sys.maxsize, attributes)
        self._evidence = Evidence(attributes.heads) if attributes and is_judged(attributes.heads) else None
        self._live = live
        self._every_frame = every_frame
        self._lock = Lock()
        self._previous: GreyFrame | None = None
        self._detected = float("-inf")  # s, of the last detection

    def follow(self, frames: Iterable[Frame | None]) -> Generator[Step, None, None]:
        """Yield each frame and its tracks; a None in ``frames``, for no frame yet, is passed on."""
        frames = self._end_tracks_during_pauses(frames)
        steps = self._follow_live(frames) if self._live and not self._every_frame else self._follow_in_step(frames)
        try:
            yield from self._evidence.over(steps) if self._evidence else steps
        finally:
            self.tracker.end()

    def _end_tracks_during_pauses(self, frames: Iterable[Frame | None]) -> Iterator[Frame | None]:
        """Yield the same frames; end all tracks if a live source pauses longer than a lost track is kept.

        A source of few frames must pause longer than twice between its last two.
        """
        last = interval = float("inf")
        for frame in frames:
            if frame is not None:
                now = monotonic()
                last, interval = now, (now - last if last <= now else float("inf"))
            elif self._live and monotonic() - last > max(LOST_SECONDS, 2 * interval):
                self.tracker.end()
            yield frame

    def _follow_in_step(self, frames: Iterable[Frame | None]) -> Iterator[Step]:
        """Detect ahead, as many frames at a time as there are cores; a live source is not read ahead."""
        ahead: deque[tuple[Frame, GreyFrame, Future[Faces] | None]] = deque()
        with ThreadPoolExecutor(CORES) as pool:
            try:
                for frame in frames:
                    if frame is None:
                        yield None, self.tracker.tracks()
                        continue
                    grey = self._grey(frame)
                    due = self._is_detection_due(frame, grey)
                    ahead.append((frame, grey, pool.submit(self._detect, frame) if due else None))
                    while ahead and (self._live or _is_far_enough_ahead(ahead)):
                        yield self._step(*ahead.popleft())
                while ahead:
                    yield self._step(*ahead.popleft())
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _step(self, frame: Frame, grey: GreyFrame, faces: Future[Faces] | None) -> Step:
        self._move(frame, grey)
        if faces is not None:
            detected = faces.result()
            self._correct(self._assign(frame, grey, detected, self.tracker.state()))
        return frame, self.tracker.tracks()

    def _follow_live(self, frames: Iterable[Frame | None]) -> Iterator[Step]:
        """Detect in the newest frame whenever the detector is free; at the end, wait for it."""
        job: Future[Assignment] | None = None
        with ThreadPoolExecutor(2) as pool:
            pool.submit(cheapest_pairs, np.zeros((0, 0), np.float32))  # imports SciPy before it is needed
            for frame in frames:
                if frame is not None:
                    grey = self._grey(frame)
                    self._move(frame, grey)
                    if job is not None and job.done():
                        self._correct(job.result())
                        job = None
                    if self._is_detection_due(frame, grey, free=job is None):
                        job = pool.submit(self._detect_and_assign, frame, grey, self.tracker.state())
                yield frame, self.tracker.tracks()
            if job is not None:
                self._correct(job.result())
                yield None, self.tracker.tracks()

    def _is_detection_due(self, frame: Frame, grey: GreyFrame, free: bool = True) -> bool:
        """Whether to detect in a frame, if the detector is free: the first of a scene, then one per interval."""
        if self._previous is None or grey.is_cut_from(self._previous):
            self._detected = float("-inf")
        self._previous = grey
        due = free and (self._every_frame or frame.time >= self._detected + DETECTION_INTERVAL - TIME_PRECISION)
        if due:
            self.detections, self._detected = self.detections + 1, frame.time
        return due

    def _detect_and_assign(self, frame: Frame, grey: GreyFrame, state: TrackerState) -> Assignment:
        return self._assign(frame, grey, self._detect(frame), state)

    def _grey(self, frame: Frame) -> GreyFrame:
        with self._timed("grey"):
            return GreyFrame.of(frame.image)

    def _detect(self, frame: Frame) -> Faces:
        with self._timed("detect"):
            return self._pipeline.candidates(frame.image)  # checked when they are embedded

    def _move(self, frame: Frame, grey: GreyFrame) -> None:
        with self._timed("flow"):
            self.tracker.move(frame, grey)

    def _assign(self, frame: Frame, grey: GreyFrame, faces: Faces, state: TrackerState) -> Assignment:
        with self._timed("embed"):
            return self._associator.assign(frame, grey, faces, state)

    def _correct(self, assignment: Assignment) -> None:
        with self._timed("name"):
            self.tracker.correct(assignment)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[stage] += perf_counter() - started


def _is_far_enough_ahead(ahead: Sequence[tuple[Frame, GreyFrame, Future[Faces] | None]]) -> bool:
    """Whether every core has a frame to detect in, or the memory for frames is used up."""
    detections = sum(faces is not None for _, _, faces in ahead)
    return detections > CORES or sum(frame.image.nbytes for frame, _, _ in ahead) > READ_AHEAD_BYTES
