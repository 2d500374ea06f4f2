"""Three ways to tell people apart, on drawn points instead of faces."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from faces.recognition.classifiers import (
    CLASSIFIERS,
    SHORTLIST,
    SVC_LIMIT,
    Centroid,
    NearestNeighbour,
    choose,
    scale,
    softmax,
)
from faces.recognition.distances import People
from tests.recognition.test_distances import units
from tests.recognition.test_recognizers import DIMENSION, person

every_classifier = pytest.mark.parametrize("name", CLASSIFIERS)


def enrolled(number: int, photographs: int) -> People:
    vectors = np.concatenate([person(k, photographs) for k in range(number)])
    return People.of(vectors, np.arange(number) * photographs)


@pytest.mark.filterwarnings("error")
@every_classifier
@pytest.mark.parametrize("number", [1, 2, 3, 30])
@pytest.mark.parametrize("photographs", [1, 4])
def test_everybody_is_told_from_the_others(name: str, number: int, photographs: int) -> None:
    scorer = CLASSIFIERS[name].fit(enrolled(number, photographs))
    scores = scorer.scores(np.concatenate([person(k, 1, first=50) for k in range(number)]))
    assert scores.shape == (number, number)
    assert scores.argmax(axis=1).tolist() == list(range(number))
    assert np.diag(softmax(scores * scale(name, "sface-int8", number))).min() > 0.5
    assert scorer.scores(np.zeros((0, DIMENSION), np.float32)).shape == (0, number)


@every_classifier
def test_the_answer_does_not_depend_on_who_else_is_asked_about(name: str) -> None:
    scorer, probes = CLASSIFIERS[name].fit(enrolled(12, 3)), units(7, DIMENSION)
    assert np.allclose(
        scorer.scores(probes), np.concatenate([scorer.scores(probe[None]) for probe in probes]), atol=1e-3
    )


def test_the_centroids_candidate_is_the_closest_by_the_distance_that_decides() -> None:
    people, probes = enrolled(SHORTLIST, 4), units(50, DIMENSION)
    assert Centroid.fit(people).scores(probes).argmax(axis=1).tolist() == people.distances(probes).argmin(1).tolist()


def test_the_shortlist_does_not_change_the_rest() -> None:
    people, probes = enrolled(3 * SHORTLIST, 2), units(5, DIMENSION)
    scores = Centroid.fit(people).scores(probes)
    few = np.argsort(-(probes @ people.centres.T), axis=1)[:, :SHORTLIST]
    assert all(row.argmax() in listed for row, listed in zip(scores, few.tolist(), strict=True))
    same = np.isclose(scores, probes @ people.centres.T, atol=1e-5).sum(axis=1)
    assert (same >= 2 * SHORTLIST).all()


def test_the_nearest_neighbour_is_the_nearest() -> None:
    people, probes = enrolled(6, 5), units(50, DIMENSION)
    nearest = np.linalg.norm(probes[:, None] - people.embeddings, axis=2).argmin(axis=1)
    assert NearestNeighbour.fit(people).scores(probes).argmax(axis=1).tolist() == people.owner[nearest].tolist()


def test_auto_goes_by_the_size() -> None:
    assert (choose(SVC_LIMIT // 100, 100), choose(SVC_LIMIT // 100 + 1, 100)) == ("svc", "centroid")


def test_the_scale_goes_by_the_embedder_whatever_its_views_and_by_the_number_of_people() -> None:
    assert scale("knn", "dlib-resnet, mirrored", 10) == scale("knn", "dlib-resnet", 10) > scale("knn", "sface-int8", 10)
    assert scale("svc", "sface-int8", 100) > scale("svc", "sface-int8", 2)
    assert scale("centroid", "an unmeasured one", 5) == scale("centroid", "sface-int8", 5)


@pytest.mark.parametrize("scores", [[[0, 0]], [[1e30, -1e30]], [[-5000, -5001]]])
def test_softmax(scores: list[list[float]]) -> None:
    assert softmax(np.array(scores, np.float32)).sum() == pytest.approx(1)


def test_only_the_svc_needs_scikit_learn() -> None:
    code = (
        "import sys; from tests.recognition.test_classifiers import *;"
        "[CLASSIFIERS[name].fit(enrolled(3, 2)) for name in ('centroid', 'knn')]; assert 'sklearn' not in sys.modules;"
        "CLASSIFIERS['svc'].fit(enrolled(3, 2)); assert 'sklearn' in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
