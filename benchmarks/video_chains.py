"""What videos are put through, to be timed or judged: this project, and the recipe's loop; and whom they show."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import cv2
import imutils
import numpy as np

from benchmarks import films, recipe
from benchmarks.chains import CORES, MODELS, RECIPE
from benchmarks.films import Head
from benchmarks.photographs import DATA, PROBES
from faces.display.drawing import annotate_tracks
from faces.errors import ModelError, UsageError
from faces.evaluation.searches.trials import by_person
from faces.files.finding import find_images
from faces.pipeline import Pipeline
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Image
from faces.video.feed import Feed
from faces.video.follower import Follower
from faces.video.sources.base import FrameSource
from faces.video.tracks import Frame

CLIP = DATA / "video" / "short_hamilton_clip.mp4"
MIN_FACE = 80  # px, as recognize_video.py's default
STANDS = 3, 5  # every fifth of the people filmed, from the fourth on, is enrolled nowhere
LIN, ALEX = "lin-manuel-miranda", "alex-lacamoire"


class Chain(Protocol):
    """A way from a video to its annotated pictures.

    seconds: of work so far by stage, of which some goes on at once. looks: of the detector, at the last video.
    """

    name: str
    seconds: defaultdict[str, float]
    looks: int

    def pictures(self, source: FrameSource) -> Generator[tuple[Frame, int], None, None]:
        """Each frame once its picture is drawn, and the number of faces in it."""
        ...


class Ours:
    """As recognize_video.py goes: every frame of a file, the newest one of a live source."""

    def __init__(self, name: str, people: Mapping[str, Sequence[Path]]) -> None:
        self.name, self.looks = name, 0
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.pipelines = {
            live: Pipeline.load(MODELS[name], MODELS[name], min_face=MIN_FACE, threads=max(1, CORES - 1) if live else 1)
            for live in (False, True)
        }
        self.recognizer = enrolled(self.pipelines[True], people)

    def pictures(self, source: FrameSource) -> Generator[tuple[Frame, int], None, None]:
        follower = self.follower(self.recognizer, source.live)
        follower.seconds = self.seconds
        with (
            Feed(Timed(source, self.seconds), newest=source.live) as feed,
            closing(follower.follow(feed.frames(wait=0.1))) as steps,
        ):
            for frame, tracks in steps:
                if frame is not None:
                    with timed(self.seconds, "draw"):
                        annotate_tracks(frame.image, tracks)
                    self.looks = follower.detections
                    yield frame, int(tracks.visible.sum())

    def follower(self, recognizer: FaceRecognizer, live: bool) -> Follower:
        return Follower(self.pipelines[live], recognizer, live, threshold=recognizer.threshold_.distance)


class TheRecipe:
    """Its recognize_video.py: every frame, made 600 px wide, through detector, embedder and SVC."""

    def __init__(self, embedder: Path, people: Sequence[str]) -> None:
        if reason := recipe.missing():
            raise ModelError(f"the recipe cannot be run: {reason}")
        self.name, self.looks = RECIPE, 0
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._detector = cv2.dnn.readNetFromTensorflow(*map(str, recipe.SSD))
        self._embedder = cv2.dnn.readNetFromTorch(str(embedder))
        names = [name for name in people for _ in range(PROBES)]
        vectors = np.random.default_rng(0).normal(size=(len(names), 128)).astype(np.float32)
        self._classifier: Any = recipe.train(vectors, names)

    def pictures(self, source: FrameSource) -> Generator[tuple[Frame, int], None, None]:
        self.looks = 0
        for frame in Timed(source, self.seconds).frames():
            self.looks += 1
            yield frame, self._annotate(frame.image)

    def _annotate(self, image: Image) -> int:
        with timed(self.seconds, "detect"):
            image = np.asarray(imutils.resize(image, width=recipe.WIDTH), np.uint8)
            blob = cv2.dnn.blobFromImage(cv2.resize(image, (300, 300)), 1.0, (300, 300), (104.0, 177.0, 123.0))
            self._detector.setInput(blob)
            rows = self._detector.forward()[0, 0]
        count = 0
        for box in rows[rows[:, 2] > recipe.CONFIDENCE, 3:] * np.tile(image.shape[1::-1], 2):
            x1, y1, x2, y2 = box.astype(int).tolist()
            face = image[max(y1, 0) : y2, max(x1, 0) : x2]
            if min(face.shape[:2]) < recipe.SMALLEST_FACE:
                continue
            count += 1
            with timed(self.seconds, "embed"):
                self._embedder.setInput(cv2.dnn.blobFromImage(face, 1 / 255, (96, 96), swapRB=True))
                vector = self._embedder.forward()
            with timed(self.seconds, "name"):
                shares = self._classifier.predict_proba(vector)[0]
            with timed(self.seconds, "draw"):
                text = f"{shares.argmax()}: {100 * shares.max():.2f}%"
                cv2.rectangle(image, (x1, y1), (x2, y2), (0, 0, 255), 2)
                cv2.putText(image, text, (x1, max(y1 - 10, 10)), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 255), 2)
        return count


class Paced:
    """A live source: images that were of so many frames a second, shown to and fro, at a rate of its own."""

    live = True
    length = None

    def __init__(self, name: str, images: Sequence[Image], of: float, rate: float, seconds: float) -> None:
        self.name, self.rate = name, rate
        self._images, self._of, self._count = images, of, round(rate * seconds)
        self._closed = threading.Event()

    def frames(self) -> Iterator[Frame]:
        """Each arrives when it is due, whether or not anybody is there to take it."""
        start, turn = time.monotonic(), max(len(self._images) - 1, 1)
        for index in range(self._count):
            due = start + index / self.rate
            if self._closed.wait(max(due - time.monotonic(), 0)):
                return
            at = round(index / self.rate * self._of) % (2 * turn)
            yield Frame(self._images[min(at, 2 * turn - at)], index, index / self.rate, due)

    def close(self) -> None:
        self._closed.set()


class Timed:
    """A source that notes how long its frames take to read; those of a live one are waited for, which is no work."""

    def __init__(self, source: FrameSource, seconds: defaultdict[str, float]) -> None:
        self.name, self.live, self.rate, self.close = source.name, source.live, source.rate, source.close
        self.length = source.length
        self._source, self._seconds = source, seconds

    def frames(self) -> Iterator[Frame]:
        frames = self._source.frames()
        while True:
            with timed(defaultdict(float) if self.live else self._seconds, "read"):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame


@contextmanager
def timed(seconds: defaultdict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] += time.perf_counter() - started


def enrolled(pipeline: Pipeline, people: Mapping[str, Sequence[Path]]) -> FaceRecognizer:
    """A recognizer of people by their photographs."""
    each = [(name, path) for name, paths in people.items() for path in paths]
    found = pipeline.enrol(path.read_bytes() for _, path in each)
    pairs = [(name, one.embedding) for (name, _), one in zip(each, found, strict=True) if one.embedding is not None]
    names, vectors = zip(*pairs, strict=True)
    return FaceRecognizer().fit(Gallery(np.stack(vectors), names, fingerprint=pipeline.fingerprint))


def ours(people: Mapping[str, Sequence[Path]]) -> list[Ours]:
    """This project with the built-in models and with dlib's."""
    return [Ours(name, people) for name in MODELS]


def known(photographs: int) -> dict[str, list[Path]]:
    """Photographs to enrol of the people who are filmed, and of those of the clip."""
    people = {name: paths[:photographs] for name, paths in by_person(DATA / "people").items()}
    if not people:
        raise UsageError(f"{DATA / 'people'}: no photographs to make videos of")
    return people | of_the_clip()


def of_the_clip() -> dict[str, list[Path]]:
    """The photographs of the two of the clip who are enrolled."""
    paths = list(find_images(DATA / "photos"))
    found = {name: [path for path in paths if name in path.name.replace("_", "-")] for name in (ALEX, LIN)}
    return {name: some for name, some in found.items() if some}


def cast(count: int) -> list[Head]:
    """People who are enrolled, and some who are not, with other photographs than those enrolled."""
    people, strangers = by_person(DATA / "people"), find_images(DATA / "strangers")
    first, step = STANDS
    unknown = set(range(first, count, step))
    some = iter(people.items()), iter(strangers)
    named: list[tuple[str, Sequence[Path]]] = []
    for i in range(count):
        if i in unknown:
            path = next(some[1])
            named.append((path.stem, [path]))
        else:
            name, paths = next(some[0])
            named.append((name, paths[-2:]))
    return films.photographed(dict(named))
