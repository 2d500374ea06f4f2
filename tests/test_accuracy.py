"""What must be shown on real photographs: the bars of README.md and docs/models.md, with the built-in models."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy import Identification, found, identification
from benchmarks.photographs import DATA, PROBES, by_person, distances, embeddings, lfw_pairs
from faces import detectors, embedders
from faces.gallery import Gallery
from faces.images import find_images, read_image
from faces.metrics import best_accuracy
from faces.pipeline import Enrolment, Pipeline
from faces.recognizers import FaceRecognizer
from faces.tasks import EMBEDDED_TOGETHER
from faces.types import Faces, Floats

pytestmark = [
    pytest.mark.accuracy,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs to measure on: {DATA} is not here"),
]

STRANGERS = 300

# Where the pictures show a face of 60 px or more, read off them by eye: a point between the eyes and the mouth.
SEEN = {
    "examples__two_people.jpg": [(320, 115), (870, 145)],
    "examples__knn_examples__test__obama_and_biden.jpg": [(855, 535), (1240, 480), (1715, 1130)],  # with a child
    "tests__test_images__32bit.png": [(310, 400)],
    "tests__test_images__obama_partial_face.jpg": [(95, 235)],  # cut off at the left
    "tests__test_images__obama_partial_face2.jpg": [(480, 250)],  # cut off at the right
}
FAMILY = {"Son": (255, 195), "Dad": (350, 245), "Mom": (445, 265), "Daughter": (540, 270)}  # in identification1.jpg


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    return Pipeline.load(threads=1)


def enrol(pipeline: Pipeline, paths: Sequence[Path]) -> list[Enrolment]:
    """Photographs in batches, two at a time."""
    batches = [paths[start : start + EMBEDDED_TOGETHER] for start in range(0, len(paths), EMBEDDED_TOGETHER)]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda some: pipeline.enrol([path.read_bytes() for path in some]), batches)
        return [enrolment for some in found for enrolment in some]


@pytest.fixture(scope="session")
def embedded(pipeline: Pipeline) -> dict[Path, Floats]:
    """The embedding of every photograph of people, strangers and LFW's pairs; NaN where no face is found."""
    paths = [*find_images(DATA / "people"), *find_images(DATA / "strangers")]
    paths = list(dict.fromkeys([*paths, *(path for a, b, _ in lfw_pairs() for path in (a, b))]))
    enrolments = zip(paths, enrol(pipeline, paths), strict=True)
    result = {path: enrolment.embedding for path, enrolment in enrolments if enrolment.embedding is not None}
    # what is too small or too blurred to be enrolled may well be a probe
    return {**result, **embeddings(pipeline, [path for path in paths if path not in result])}


@pytest.fixture(scope="session")
def identify(pipeline: Pipeline, embedded: dict[Path, Floats]) -> Identify:
    return Identify(pipeline, embedded)


class Identify:
    """``identification`` on what is embedded already."""

    def __init__(self, pipeline: Pipeline, embedded: dict[Path, Floats]) -> None:
        self._pipeline, self._embedded = pipeline, embedded

    def __call__(self, enrolled: int, fpir: float = 0.01, people: int | None = None) -> Identification:
        return identification(self._embedded, self._pipeline.fingerprint, enrolled, fpir, people)


def centres_inside(faces: Faces, points: list[tuple[int, int]]) -> list[list[int]]:
    """For each point, the faces whose box it lies in."""
    return [
        [index for index, (x1, y1, x2, y2) in enumerate(faces.xyxy) if x1 < x < x2 and y1 < y < y2] for x, y in points
    ]


def test_a_face_is_found_in_nearly_every_photograph(embedded: dict[Path, Floats]) -> None:
    assert len(embedded) >= 2200
    assert np.mean([found(embedding) for embedding in embedded.values()]) >= 0.999


def test_lfw_pairs(embedded: dict[Path, Floats]) -> None:
    pairs = lfw_pairs()
    assert len(pairs) == 1000
    accuracy, _ = best_accuracy(*distances(embedded, pairs))
    assert accuracy >= 0.988


def test_five_photographs_enrolled(identify: Identify) -> None:
    result = identify(enrolled=5)
    assert result.right >= 0.99
    assert result.wrong <= 0.004
    assert result.strangers_named <= 0.01


def test_one_photograph_enrolled(identify: Identify) -> None:
    result = identify(enrolled=1)
    assert result.right >= 0.95
    assert result.strangers_named <= 0.01


def test_probabilities_mean_something_from_two_photographs(identify: Identify) -> None:
    assert identify(enrolled=2, people=10).probability > 0.8


@pytest.mark.parametrize("fpir", [0.05, 0.01])
@pytest.mark.parametrize("people", [6, 12, 24])
@pytest.mark.parametrize("enrolled", [1, 2, 5, 10])
def test_fpir_keeps_what_it_promises(identify: Identify, enrolled: int, people: int, fpir: float) -> None:
    sampling_error = sqrt(fpir * (1 - fpir) / STRANGERS)
    assert identify(enrolled, fpir, people).strangers_named <= fpir + 2.6 * sampling_error  # 99.5 % of samples


def test_a_larger_fpir_names_more(identify: Identify) -> None:
    strict, lenient, loose = (identify(2, fpir) for fpir in (0.01, 0.05, 0.3))
    assert strict.threshold < lenient.threshold < loose.threshold
    assert strict.strangers_named <= lenient.strangers_named < loose.strangers_named
    assert strict.right <= lenient.right <= loose.right


def test_more_people_need_a_tighter_threshold(identify: Identify) -> None:
    assert identify(2, people=24).threshold < identify(2, people=12).threshold < identify(2, people=2).threshold


@pytest.mark.parametrize("name", SEEN)
def test_every_large_face_is_found(name: str) -> None:
    faces = detectors.load("built-in").detect(read_image(DATA / "photos" / name))
    hits = centres_inside(faces, SEEN[name])
    assert [len(hit) for hit in hits] == [1] * len(hits)
    assert len({hit[0] for hit in hits}) == len(faces) == len(hits)  # each a face of its own, and nothing else


def test_the_family_in_a_group_picture(pipeline: Pipeline) -> None:
    paths = [DATA / "family" / f"Family1-{name}{number}.jpg" for name in FAMILY for number in (1, 2)]
    enrolments = enrol(pipeline, paths)
    assert [enrolment.reason for enrolment in enrolments] == [""] * len(paths)
    vectors = np.stack([enrolment.embedding for enrolment in enrolments if enrolment.embedding is not None])
    names = tuple(name for name in FAMILY for _ in (1, 2))
    recognizer = FaceRecognizer().fit(Gallery(vectors, names, fingerprint=pipeline.fingerprint))

    group = read_image(DATA / "family" / "identification1.jpg")
    faces = pipeline.detect(group)
    assert len(faces) == len(FAMILY)
    matches = recognizer.identify(pipeline.embed(group, faces))
    for name, (index,) in zip(FAMILY, centres_inside(faces, list(FAMILY.values())), strict=True):
        assert matches.candidates[index] == name
        assert matches.names[index] in (name, None)
    assert sum(name is not None for name in matches.names) >= 3  # children's faces are the hardest

    for path in ("Family2-Lady1.jpg", "Family2-Man1.jpg"):
        image = read_image(DATA / "family" / path)
        assert recognizer.identify(pipeline.embed(image, pipeline.best_face(image))).names == (None,)


def test_presidents_large_small_and_partial(pipeline: Pipeline) -> None:
    photos = DATA / "photos"
    enrolled = {"Obama": "examples__obama.jpg", "Biden": "examples__biden.jpg"}
    vectors = np.stack([e.embedding for e in enrol(pipeline, [photos / p for p in enrolled.values()])])
    recognizer = FaceRecognizer().fit(Gallery(vectors, tuple(enrolled), fingerprint=pipeline.fingerprint))
    expected = {
        "examples__two_people.jpg": ["Obama", "Biden"],
        "examples__knn_examples__test__obama_and_biden.jpg": ["Biden", "Obama", None],
        "examples__obama_small.jpg": ["Obama"],
        "examples__obama-240p.jpg": ["Obama"],
        "tests__test_images__32bit.png": ["Obama"],
        "tests__test_images__obama_partial_face.jpg": ["Obama"],
        "tests__test_images__obama_partial_face2.jpg": ["Obama"],
        "examples__lin-manuel-miranda.png": [None],
        "examples__alex-lacamoire.png": [None],
    }
    for name, names in expected.items():
        image = read_image(photos / name)
        faces = pipeline.detect(image)
        from_the_left = faces[np.argsort(faces.xyxy[:, 0])]
        assert list(recognizer.identify(pipeline.embed(image, from_the_left)).names) == names, name


def test_best_accuracy_of_12_people(pipeline: Pipeline) -> None:
    best = pipeline.with_embedder(embedders.load(embedders.BUILT_IN, threads=1, accuracy="best"))
    folders = list(by_person(DATA / "people").values())[:12]
    photographs = [path for paths in folders for path in (*paths[:5], *paths[-PROBES:])]
    paths = [*photographs, *find_images(DATA / "strangers")]
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(lambda some: embeddings(best, some), (paths[::2], paths[1::2]))
        embedded = {path: one for half in halves for path, one in half.items()}
    result = identification(embedded, best.fingerprint, 5, people=12)
    assert result.right >= 0.99
    assert result.wrong <= 0.004
    assert result.strangers_named <= 0.01
