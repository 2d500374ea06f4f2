"""What must be shown on real photographs: the bars of README.md and docs/models.md, with the built-in models."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.accuracy import probability, trial
from benchmarks.photographs import DATA, LFW
from faces import detection
from faces.embedding import embedders
from faces.enrolment import Enrolment
from faces.evaluation.figures import operating_points
from faces.evaluation.figures.results import Identification
from faces.evaluation.photographs import BUILT_IN_MODELS, Photographs, embed_photographs
from faces.evaluation.searches import pairs
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.trials import by_person
from faces.evaluation.searches.verification import verify
from faces.extraction.workers import BATCH_SIZE
from faces.files.finding import find_images
from faces.images import read_image
from faces.models import zoo
from faces.pipeline import Pipeline
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer, identify_together
from faces.types import Faces
from tests.dlib_models import needs_dlib_models

pytestmark = [
    pytest.mark.accuracy,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs to measure on: {DATA} is not here"),
]

STRANGERS = 300
OPENFACE = Path(__file__).resolve().parent.parent / "openface_nn4.small2.v1.t7"

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
    batches = [paths[start : start + BATCH_SIZE] for start in range(0, len(paths), BATCH_SIZE)]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda some: pipeline.enrol([path.read_bytes() for path in some]), batches)
        return [enrolment for some in found for enrolment in some]


@pytest.fixture(scope="session")
def seen() -> Photographs:
    """Every photograph of people, strangers and LFW's pairs."""
    wanted = pairs.read(LFW)
    others = [*find_images(DATA / "people"), *find_images(DATA / "strangers")]
    return embed_photographs([*wanted.first, *wanted.second, *others], processes=2)


def told(seen: Photographs, enrolled: int, fpir: float = 0.01, people: int | None = None) -> Identification:
    return identify("people", [trial(enrolled, people)], seen, fpir)


def centres_inside(faces: Faces, points: list[tuple[int, int]]) -> list[list[int]]:
    """For each point, the faces whose box it lies in."""
    return [
        [index for index, (x1, y1, x2, y2) in enumerate(faces.xyxy) if x1 < x < x2 and y1 < y < y2] for x, y in points
    ]


def test_a_face_is_found_in_nearly_every_photograph(seen: Photographs) -> None:
    assert len(seen.paths) >= 2200
    assert seen.has_face.mean() >= 0.999


def test_lfw_pairs(seen: Photographs) -> None:
    found = verify("lfw", pairs.read(LFW), seen)
    assert found.accuracy.count == 1000
    assert found.accuracy.value >= 0.988


def test_the_model_tables_operating_points_are_what_the_command_makes(seen: Photographs) -> None:
    """``faces evaluate operating-points``, with what it prints, of every embedder here that has measured points."""
    people = {name: paths for name, paths in by_person(DATA / "lfw").items() if name not in by_person(DATA / "people")}
    measured = operating_points.measure_points(people, seen, pairs.read(LFW))
    table = zoo.MODELS["sface-int8"].operating_points
    assert [point.far for point in table] == [point.far for point in measured.points]
    for ours, found in zip(table, measured.points, strict=True):
        assert found.threshold == pytest.approx(ours.threshold, abs=5e-4)
        assert found.tar == pytest.approx(ours.tar, abs=5e-3)
        assert ours.pairs.startswith(found.pairs)
    others = {name for name, spec in zoo.MODELS.items() if len(spec.operating_points) > 1} - {"sface-int8"}
    assert others == {"dlib-resnet", "openface-distilled"}, "measured points of an embedder that no test makes again"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("detector", "embedder", "accuracy"),
    [
        ("built-in", "built-in", "best"),
        pytest.param("dlib", "dlib", "default", marks=needs_dlib_models),
        pytest.param("dlib", str(OPENFACE), "default", marks=needs_dlib_models),
    ],
    ids=["best", "dlib", "openface"],
)
def test_the_other_operating_points_are_about_what_some_people_make(
    detector: str, embedder: str, accuracy: str
) -> None:
    """Every fourth, since all would take minutes: the rarest rates cannot be told from those."""
    known = by_person(DATA / "people")
    everybody = [(name, paths) for name, paths in by_person(DATA / "lfw").items() if name not in known]
    people = dict(everybody[::4])
    seen = embed_photographs(
        [path for paths in people.values() for path in paths], (detector, embedder, 0.5, accuracy), 2
    )
    measured = operating_points.measure_points(people, seen)
    table = embedders.load(embedder, accuracy=accuracy).spec.operating_points
    for ours, found in zip(table[2:], measured.points[-3:], strict=True):
        assert ours.far == found.far
        assert found.threshold == pytest.approx(ours.threshold, rel=0.04)


def test_five_photographs_enrolled(seen: Photographs) -> None:
    result = told(seen, enrolled=5)
    assert result.right.mean >= 0.99
    assert result.wrong.mean <= 0.004
    assert result.strangers_named.mean <= 0.01
    (at_one_percent,) = result.tpir[0]
    assert at_one_percent.accepted is not None and at_one_percent.accepted.value >= 0.99


def test_one_photograph_enrolled(seen: Photographs) -> None:
    result = told(seen, enrolled=1)
    assert result.right.mean >= 0.95
    assert result.strangers_named.mean <= 0.01


def test_probabilities_mean_something_from_two_photographs(seen: Photographs) -> None:
    assert probability(trial(enrolled=2, people=10), seen) > 0.8


@pytest.mark.parametrize("fpir", [0.05, 0.01])
@pytest.mark.parametrize("people", [6, 12, 24])
@pytest.mark.parametrize("enrolled", [1, 2, 5, 10])
def test_fpir_keeps_what_it_promises(seen: Photographs, enrolled: int, people: int, fpir: float) -> None:
    sampling_error = sqrt(fpir * (1 - fpir) / STRANGERS)
    assert told(seen, enrolled, fpir, people).strangers_named.mean <= fpir + 2.6 * sampling_error  # 99.5 % of samples


def test_a_larger_fpir_names_more(seen: Photographs) -> None:
    found = [told(seen, 2, fpir) for fpir in (0.01, 0.05, 0.3)]
    thresholds = [one.searches[0].threshold for one in found]
    named, right = ([getattr(one, what).mean for one in found] for what in ("strangers_named", "right"))
    assert thresholds[0] < thresholds[1] < thresholds[2]
    assert named[0] <= named[1] < named[2]
    assert right == sorted(right)


def test_more_people_need_a_tighter_threshold(seen: Photographs) -> None:
    two, everybody = (told(seen, 2, people=people).searches[0].threshold for people in (2, 24))
    assert everybody < two


@pytest.mark.parametrize("name", SEEN)
def test_every_large_face_is_found(name: str) -> None:
    faces = detection.load("built-in").detect(read_image(DATA / "photos" / name))
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


@pytest.mark.parametrize("enrolled", [tuple(FAMILY), ("Dad", "Mom", "Daughter")], ids=["everybody", "without the son"])
def test_nobody_of_the_family_is_named_twice(pipeline: Pipeline, enrolled: tuple[str, ...]) -> None:
    """Brother and sister look alike. With a threshold that accepts every face, one of them is the daughter."""
    paths = [DATA / "family" / f"Family1-{name}{number}.jpg" for name in enrolled for number in (1, 2)]
    vectors: list[Any] = [enrolment.embedding for enrolment in enrol(pipeline, paths)]
    people = Gallery(np.stack(vectors), tuple(np.repeat(enrolled, 2).tolist()), fingerprint=pipeline.fingerprint)
    group = read_image(DATA / "family" / "identification1.jpg")
    faces = pipeline.detect(group)
    order = [index for (index,) in centres_inside(faces, list(FAMILY.values()))]
    embeddings = pipeline.embed(group, faces)[order]
    farthest = FaceRecognizer(threshold=1).fit(people).identify(embeddings).distance.max()
    recognizer = FaceRecognizer(threshold=float(farthest) + 0.01).fit(people)
    assert None not in recognizer.identify(embeddings).names
    assert identify_together(recognizer, embeddings).names == tuple(
        name if name in enrolled else None for name in FAMILY
    )


def test_presidents_large_small_and_partial(pipeline: Pipeline) -> None:
    photos = DATA / "photos"
    enrolled = {"Obama": "examples__obama.jpg", "Biden": "examples__biden.jpg"}
    vectors: list[Any] = [e.embedding for e in enrol(pipeline, [photos / p for p in enrolled.values()])]
    recognizer = FaceRecognizer().fit(Gallery(np.stack(vectors), tuple(enrolled), fingerprint=pipeline.fingerprint))
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


@pytest.mark.exhaustive
def test_best_accuracy_of_12_people() -> None:
    some = trial(enrolled=5, people=12)
    result = identify(
        "people", [some], embed_photographs(some.paths, (*BUILT_IN_MODELS[:3], "best"), processes=2), fpir=0.01
    )
    assert result.right.mean >= 0.99
    assert result.wrong.mean <= 0.004
    assert result.strangers_named.mean <= 0.01
