"""The Python interface: what ``import faces`` offers beside the classes and functions of the subpackages."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces import images, model_choice
from faces.attributes import predictor
from faces.attributes.answers import Answers
from faces.attributes.predictor import Attributes
from faces.display import drawing
from faces.errors import ImageError, UsageError
from faces.pipeline import Pipeline
from faces.recognition import recognizer_files
from faces.recognition.recognizers import FaceRecognizer, Recognizer, identify_together
from faces.recognition.thresholds import STRICT_FAR, threshold_at
from faces.types import Faces, Floats, Image, Matches
from faces.versions.reloading import ReloadingRecognizer
from faces.video.feed import Feed, first_frames
from faces.video.follower import Follower, Step
from faces.video.sources import FrameSource, open_source
from faces.video.tracker import Track
from faces.video.tracks import Frame, Tracks

WAIT = 0.1  # s without a frame after which ``follow_steps`` yields a step without one


@dataclass(frozen=True, slots=True)
class Recognition:
    """The N >= 0 faces of a photograph, and who they are, as parallel arrays.

    faces: their boxes, scores and landmarks.
    embeddings: float32 (N, D), unit length.
    matches: the person of each face, with probability and distance.
    match_probability: float32 (N,), that the face is that person's, who may as well be a stranger; NaN if unknown.
    answers: their attributes; None if they were not asked for.
    """

    faces: Faces
    embeddings: Floats
    matches: Matches
    match_probability: Floats
    answers: Answers | None = None

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def names(self) -> tuple[str | None, ...]:
        """The name of each face; None for an unknown person."""
        return self.matches.names


def load_models(
    detector: str | None = None,
    embedding_model: str | None = None,
    *,
    confidence: float | None = None,
    accuracy: str | None = None,
    threads: int | None = None,
    min_face: int = 60,
    gallery: str | Path | None = None,
    warn: Callable[[str], object] = warnings.warn,
) -> Pipeline:
    """Load a detector and an embedder: those that are named, else the gallery's own, else the built-in ones.

    detector: "built-in", "dlib", a folder with OpenCV's SSD or YuNet, or a YuNet ``.onnx`` file.
    embedding_model: "built-in", "dlib", OpenFace's ``.t7`` file, or an ``.onnx`` file (SFace, ArcFace).
    confidence, accuracy, threads, min_face: as for ``Pipeline.load``.
    gallery: an embeddings file or label encoder, which names the models that made it; it may be missing.
    warn: called with a line if these are not the built-in ones.
    Raises ModelError for a missing model, UsageError for an accuracy that is not there, PickleError for another file.
    """
    made_by = recognizer_files.models_of(Path(gallery)) if gallery else None
    chosen = model_choice.choose(detector, embedding_model, accuracy, made_by, gallery or "")
    models = Pipeline.load(chosen.detector, chosen.embedding_model, confidence, chosen.accuracy, threads, min_face)
    if chosen.note:
        warn(chosen.note)
    return models


def load_attributes(
    models: Pipeline, names: Sequence[str] = predictor.DEFAULT, *, threads: int | None = None
) -> Attributes:
    """Load the models of some attributes, such as ("age", "gender"). Raises ModelError for one that is missing."""
    return predictor.load(names, models, threads)


def load_recognizer(
    models: Pipeline,
    recognizer: str | Path = "output/recognizer.pickle",
    le: str | Path = "output/le.pickle",
    *,
    warn: Callable[[str], object] = warnings.warn,
) -> Recognizer:
    """Load a recognizer that was trained on embeddings of these models, or the recipe's two pickles.

    recognizer, le: the files that ``train`` writes. warn: called with each warning.
    Raises PickleError for files that hold something else, and FingerprintError for a recognizer of other models.
    """
    loaded, messages = recognizer_files.load(Path(recognizer), Path(le), models.fingerprint)
    for message in messages:
        warn(message)
    return loaded


def read_image(path: str | Path) -> Image:
    """Read a photograph: uint8 (H, W, 3), BGR, upright. Raises ImageError for a file that is not a photograph."""
    try:
        return images.read_image(Path(path))
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def write_image(path: str | Path, image: Image) -> None:
    """Write an image, uint8 (H, W, 3), BGR; the suffix gives the format. Raises FacesError."""
    images.write_image(Path(path), image)


def distance(a: Floats, b: Floats) -> float:
    """Return the Euclidean distance between two embeddings (D,): the lower, the more alike the faces.

    >>> distance(np.array([3, 0], np.float32), np.array([0, 4], np.float32))
    5.0
    """
    return float(np.linalg.norm(np.asarray(a, np.float64) - b))


def match_threshold(models: Pipeline, far: float = STRICT_FAR) -> float:
    """Return the distance below which two faces count as one person's.

    far: share of pairs of different people that are closer (false accept rate), in (0, 1).
    Raises UsageError for another ``far``, and for an embedder without measured operating points.
    """
    if not 0 < far < 1:
        raise UsageError(f"far is {far}, but must be between 0 and 1")
    spec = models.embedder.spec
    if len(spec.operating_points) < 2:
        raise UsageError(f"no threshold was measured for {spec.name}; measure it: faces evaluate operating-points")
    return threshold_at(spec.operating_points, far)


def recognize(
    image: Image,
    models: Pipeline,
    recognizer: Recognizer,
    attributes: Attributes | None = None,
    *,
    exclusive: bool = True,
    prior: float = 0.5,
) -> Recognition:
    """Detect the faces of an image and name them.

    image: uint8 (H, W, 3), BGR.
    exclusive: give no two faces the same name; False for mirrors and collages.
    prior: share of those who come that are enrolled, in (0, 1), for the probability that a match is true.
    """
    faces, embeddings = models.find(image)
    matches = identify_together(recognizer, embeddings) if exclusive else recognizer.identify(embeddings)
    answers = attributes.of(image, faces, embeddings) if attributes else None
    true = recognizer.match_probability(embeddings, matches.candidates, prior)
    return Recognition(faces, embeddings, matches, true, answers)


def annotate(image: Image, recognition: Recognition | Tracks) -> Image:
    """Return a copy of an image with boxes, names and attributes of its faces."""
    if isinstance(recognition, Tracks):
        return drawing.annotate_tracks(image, recognition)
    return drawing.annotate(image, recognition.faces, recognition.matches, recognition.answers)


def follow_video(
    source: str | Path | FrameSource,
    models: Pipeline,
    recognizer: Recognizer,
    *,
    attributes: Attributes | None = None,
    every_frame: bool = False,
    realtime: bool = False,
    max_frames: int | None = None,
    exclusive: bool = True,
) -> Generator[tuple[Frame, Tracks], None, None]:
    """Follow the faces of a video and yield each frame with its tracks.

    source: a video file, a camera's number, a stream's address, a folder of frames, or what ``open_video`` returns.
        A camera or stream is followed live: frames are dropped when the computer is too slow.
    attributes: predict these attributes too.
    every_frame: detect faces in every frame, so that none is shown before it is detected.
    realtime: play a file at its own speed and drop frames, as for a camera.
    max_frames: stop after so many frames.
    exclusive: give no two faces that are seen together the same name; False for mirrors and collages.
    Raises SourceError for a source that cannot be opened.
    """
    steps = follow_steps(
        source,
        models,
        recognizer,
        attributes=attributes,
        every_frame=every_frame,
        realtime=realtime,
        max_frames=max_frames,
        exclusive=exclusive,
    )
    with closing(steps):
        for frame, tracks in steps:
            if frame is not None:
                yield frame, tracks


def follow_steps(
    source: str | Path | FrameSource,
    models: Pipeline,
    recognizer: Recognizer,
    *,
    attributes: Attributes | None = None,
    every_frame: bool = False,
    realtime: bool = False,
    max_frames: int | None = None,
    exclusive: bool = True,
    ended: Callable[[Track], None] | None = None,
) -> Generator[Step, None, None]:
    """Follow a video as ``follow_video`` does, for programs with a window to keep alive.

    Yields None in place of a frame whenever none came for ``WAIT`` seconds.

    ended: called with each track that ends.
    """
    with ExitStack() as stack:
        if isinstance(source, (str, Path)):
            source = stack.enter_context(closing(open_source(str(source))))
        live = source.live or realtime
        threshold = acceptance_threshold(recognizer)
        follower = Follower(models, recognizer, live, every_frame, threshold, attributes, exclusive)
        if ended is not None:
            follower.tracker.ended = ended
        feed = stack.enter_context(Feed(source, live, realtime=realtime))
        yield from stack.enter_context(closing(follower.follow(first_frames(feed.frames(WAIT), max_frames))))


def acceptance_threshold(recognizer: Recognizer) -> float:
    """Return the distance up to which a recognizer names a face; infinite for the recipe's, which names every face."""
    if isinstance(recognizer, FaceRecognizer):
        return recognizer.threshold_.distance
    return recognizer.threshold if isinstance(recognizer, ReloadingRecognizer) else float("inf")
