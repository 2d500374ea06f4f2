"""Identification on points whose distances are known, and on many against brute force."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from faces.errors import FacesError
from faces.evaluation.figures import tables
from faces.evaluation.figures.results import NO_RANK, Identification
from faces.evaluation.json_results import to_json
from faces.evaluation.searches import search as searches_search
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.trials import Trial
from tests.evaluation.points import NO_FACE, apart, photographs

THRESHOLD = apart(15)  # of one photograph each


def owned(names: str) -> tuple[tuple[str, Path], ...]:
    """Parse names and photographs such as ``Ada:a1 Bob:b1``."""
    return tuple((whose, Path(path)) for whose, path in (name.split(":") for name in names.split()))


def run(
    places: Mapping[str, float],
    gallery: str,
    probes: str,
    strangers: str = "",
    hold_out: bool = False,
    skip_missing: bool = False,
) -> Identification:
    trial = Trial(owned(gallery), owned(probes), tuple(map(Path, strangers.split())), hold_out)
    return identify("points", [trial], photographs(places), threshold=THRESHOLD, skip_missing=skip_missing)


PLACES = {"a": 0.0, "b": 40, "c": 80, "a5": 5, "b25": 25, "b18": 18, "c95": 95.5, "none": NO_FACE, "x": 70, "y": 170}
GALLERY = "Ada:a Bob:b Cleo:c"


def test_by_hand() -> None:
    found = run(PLACES, GALLERY, "Ada:a5 Bob:b25 Bob:b18 Cleo:c95 Ada:none", "x y")
    (search,) = found.searches
    assert search.people == ("Ada", "Bob", "Cleo")
    assert search.rank.tolist() == [0, 0, 1, 0, NO_RANK]
    assert search.nearest == ("Ada", "Bob", "Ada", "Cleo", None)
    assert search.genuine.tolist() == pytest.approx([apart(5), apart(15), apart(22), apart(15.5), np.inf], abs=1e-5)
    assert search.distance.tolist() == pytest.approx([apart(5), apart(15), apart(18), apart(15.5), np.inf], abs=1e-5)
    assert search.named[0] == "Ada" and search.named[2:] == (None, None, None)
    assert search.stranger_named == ("Cleo", None)
    assert search.stranger_distance.tolist() == pytest.approx([apart(10), apart(90)], abs=1e-5)
    assert [one.mean for one in found.ranks] == [0.6, 0.8]
    assert found.cmc.tolist() == pytest.approx([0.6, 0.8, 0.8])
    assert found.wrong.mean == 0
    assert found.right.mean + found.unknown.mean == pytest.approx(1)
    assert found.strangers_named.mean == 0.5
    assert found.no_face == (Path("none"),)
    assert all(point.accepted is None for points in found.tpir for point in points)  # of two strangers
    persons = {one.person: one for one in found.persons}
    assert (persons["Ada"].recall.value, persons["Ada"].precision.value) == (0.5, 1)
    assert persons["Cleo"].precision.value == 0  # a stranger was given her name, and she never
    first = found.mistakes[0]
    assert first.description == "Bob, not recognized" and first.photograph == Path("b18") and first.other == Path("b")
    assert found.mistakes[-1].description == "Ada, no face found"
    assert any(each.description == "a stranger, named Cleo" and each.other == Path("c") for each in found.mistakes)


def test_confusion() -> None:
    found = run(PLACES | {"b2": 2.0}, GALLERY, "Ada:a5 Bob:b2 Bob:b18 Cleo:c")
    assert found.confusion.people == ("Bob",)
    assert found.confusion.counts.tolist() == [[0, 1, 1]]  # himself, others, unknown
    assert found.wrong.mean == 0.25
    assert found.mistakes[0].description == "Bob, named Ada"


def test_probes_without_a_face_can_be_left_out() -> None:
    found = run(PLACES, GALLERY, "Ada:a5 Ada:none", "x", skip_missing=True)
    assert len(found.searches[0].probes) == 1
    assert found.ranks[0].mean == 1
    assert found.no_face == (Path("none"),)


def test_strangers_without_a_face_cannot_be_named() -> None:
    found = run(PLACES, GALLERY, "Ada:a5", "x none")
    assert found.searches[0].strangers == (Path("x"),)
    assert found.strangers_named.splits[0].count == 1


def test_a_person_without_a_face_is_not_enrolled() -> None:
    found = run(PLACES, "Ada:a Bob:none", "Ada:a5 Bob:b25", "y")
    assert found.unenrolled == ("Bob",)
    assert found.searches[0].rank.tolist() == [0, NO_RANK]
    assert found.ranks[0].mean == 0.5


def test_probes_are_held_out() -> None:
    found = run(PLACES, GALLERY, "Ada:a5 Bob:b25 Cleo:none", "y", hold_out=True)
    (search,) = found.searches
    assert search.held_out == 2
    assert search.strangers == (Path("y"), Path("a5"), Path("b25"))
    assert search.stranger_nearest == ("Cleo", "Bob", "Ada")
    assert search.stranger_distance.tolist() == pytest.approx([apart(90), apart(35), apart(25)], abs=1e-5)


def test_nobody_to_hold_out() -> None:
    found = run(PLACES, "Ada:a", "Ada:a5", hold_out=True)
    assert found.searches[0].strangers == ()
    assert np.isnan(found.strangers_named.mean)
    for page in (tables.identification(found), tables.compared_identifications([found])):
        assert page


def test_no_face_in_the_gallery_or_in_the_probes() -> None:
    with pytest.raises(FacesError, match="no face found in any of the 1 photographs of the gallery"):
        run(PLACES, "Ada:none", "Ada:a5")
    with pytest.raises(FacesError, match="no face found in any of the 1 probes"):
        run(PLACES, "Ada:a", "Ada:none")


@pytest.fixture
def many() -> tuple[list[Trial], dict[str, float]]:
    """Two splits of twenty people with overlapping photographs, and 150 strangers, some of them close to somebody."""
    rng = np.random.default_rng(0)
    places = {f"{who} {k}": 9.0 * who + float(rng.normal(0, 3)) for who in range(20) for k in range(6)}
    places |= {f"stranger {k}": float(rng.uniform(100, 350)) for k in range(150)}
    strangers = tuple(Path(f"stranger {k}") for k in range(150))
    trials = []
    for split in range(2):
        each = [(f"Person {who:02}", Path(f"{who} {k}"), (k + split) % 6 < 3) for who in range(20) for k in range(6)]
        gallery, probes = (
            tuple((who, path) for who, path, enrolled in each if enrolled == wanted) for wanted in (True, False)
        )
        trials.append(Trial(gallery, probes, strangers))
    return trials, places


def test_against_brute_force(many: tuple[list[Trial], dict[str, float]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches_search, "BATCH_DISTANCES", 500)  # some probes at a time
    trials, places = many
    seen = photographs(places)
    found = identify("points", trials, seen)
    for trial, search, points in zip(trials, found.searches, found.tpir[0], strict=True):
        recognizer = searches_search.train_recognizer(trial, seen, 0.01)
        probes = seen.embeddings[seen.rows(path for _, path in trial.probes)]
        distances = recognizer.distances(probes)
        for k, (who, _) in enumerate(trial.probes):
            order = [recognizer.names_[j] for j in np.argsort(distances[k], kind="stable")]
            assert (order[0], order.index(who)) == (search.nearest[k], search.rank[k])
        strangers = recognizer.distances(seen.embeddings[seen.rows(trial.strangers)]).min(axis=1)
        assert np.array_equal(strangers, search.stranger_distance)
        assert points.threshold is not None and points.accepted is not None
        assert (strangers <= points.threshold).sum() == 1  # 1 % of 150
        passing = (search.rank == 0) & (search.genuine <= points.threshold)
        assert points.accepted.value == pytest.approx(passing.mean())
        assert search.named == recognizer.identify(probes).names
    shares = [one.value for one in found.right.splits]
    assert (found.right.mean, found.right.deviation) == pytest.approx((np.mean(shares), np.std(shares, ddof=1)))
    assert 0.2 < found.ranks[0].mean < found.ranks[1].mean
    assert len(found.confusion.people) <= 20
    assert found.confusion.counts.sum(axis=1).max() == 6  # three probes in each split


def test_a_recognizer_that_is_trained_already(many: tuple[list[Trial], dict[str, float]]) -> None:
    (trial, _), places = many
    seen = photographs(places)
    recognizer = searches_search.train_recognizer(trial, seen, 0.02)
    one, other = (
        identify("points", [some], seen, 0.02, given)
        for some, given in ((trial, None), (Trial((), trial.probes, trial.strangers), recognizer))
    )
    assert (one.right, one.tpir, one.fpir) == (other.right, other.tpir, other.fpir)
    assert other.searches[0].enrolled == ()
    assert all(mistake.other is None for mistake in other.mistakes)


def test_json_and_tables(many: tuple[list[Trial], dict[str, float]]) -> None:
    trials, places = many
    found = identify("points", trials, photographs(places | {"none": NO_FACE}))
    text = json.dumps(to_json([found], {"more": [np.nan, {"of": 1.5}]}), allow_nan=False)
    (content,), more = json.loads(text).values()
    assert more == [None, {"of": 1.5}]
    assert content["right"]["mean"] == found.right.mean
    assert [split["probes"] for split in content["splits"]] == [60, 60]
    assert len(content["tpir"][0]["splits"]) == 2
    page = tables.identification(found)
    assert page[0] == "20 people, 60 photographs enrolled; 60 probes; 150 photographs of strangers, mean of 2 splits"
    table = page[1]
    assert isinstance(table, tables.Table)
    assert table.headings == ("", "mean", "deviation", "")
    assert [row[0] for row in table.rows][:4] == ["rank 1", "rank 5", "TPIR at FPIR 1%", "TPIR at FPIR 0.1%"]
    assert table.rows[3][3] == "too few strangers to tell: 150; 1,000 are needed"
    assert page[2] == "every face was found"
