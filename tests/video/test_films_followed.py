"""The whole of tracking on made films of drawn people, by the real models: crossing, leaving, turning away, cuts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from benchmarks import films
from benchmarks.films import Film, Head
from benchmarks.video_correctness import score
from faces.pipeline import Pipeline
from faces.recognition import recognizer_files
from faces.recognition.recognizers import Recognizer
from faces.video.follower import Follower

pytestmark = pytest.mark.slow
WH = 640, 360


@pytest.fixture(scope="module")
def models(trained: Path) -> tuple[Pipeline, Recognizer]:
    """The sample's first people are known, those of the films."""
    pipeline = Pipeline.load(threads=1, min_face=60)
    output = trained / "output"
    return pipeline, recognizer_files.load(output / "recognizer.pickle", output / "le.pickle", pipeline.fingerprint)[0]


@pytest.fixture(scope="module")
def cast() -> list[Head]:
    return films.drawn(4)


@pytest.mark.parametrize(
    ("film", "tracks"),
    [
        (lambda cast: films.crossing(cast[:2], WH, 2.5), 2),
        (lambda cast: films.leaving(cast[:2], WH, 0.7), 2),
        (lambda cast: films.leaving(cast[:2], WH, 4), 3),
        (lambda cast: films.turning(cast[1:3], WH, 0.5), 2),
        (lambda cast: films.cut(cast, WH), 4),
        (lambda cast: films.shaking(cast[:3], WH, 4), 3),
    ],
    ids=["crossing", "leaving for a moment", "leaving for longer", "turning away", "cut", "shaking"],
)
def test_people_keep_their_tracks_and_names(
    models: tuple[Pipeline, Recognizer], cast: list[Head], film: Callable[[Sequence[Head]], Film], tracks: int
) -> None:
    made, (pipeline, recognizer) = film(cast), models
    steps = Follower(pipeline, recognizer, live=False).follow(made.frames())
    seen = [(frame.index, shown[shown.visible]) for frame, shown in steps if frame is not None]
    row = score(made, seen, {head.name for head in cast})
    assert (row["tracks"], row["of two people"], row["wrong"]) == (tracks, 0, "0.0%"), row
    assert float(row["the last"]) < 1.5, row
    assert float(row["right"].rstrip("%")) > 65, row
