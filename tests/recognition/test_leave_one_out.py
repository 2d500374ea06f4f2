"""Every photograph against all others, on drawn points: a mislabelled one, a person twice, too few."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces.errors import FacesError
from faces.recognition import leave_one_out
from faces.recognition.distances import People
from faces.recognition.gallery import Gallery
from faces.recognition.leave_one_out import measure
from faces.recognition.recognizers import FaceRecognizer
from faces.recognition.report import (
    ENOUGH_PHOTOGRAPHS,
    LISTED,
    ConfusedPeople,
    Lookalike,
    TooFew,
    TrainingReport,
    Unlike,
)
from faces.types import Floats
from tests.recognition.test_recognizers import DLIB, gallery, person


def reported(people: Gallery, threshold: float = 0.4, classifier: str = "auto") -> TrainingReport:
    return measure(people, FaceRecognizer(threshold=threshold, classifier=classifier).fit(people))


def named(vectors: Floats, *names: str) -> Gallery:
    return Gallery(vectors, names, tuple(f"{name}/{k}.jpg" for k, name in enumerate(names)), fingerprint=DLIB)


def test_all_is_well() -> None:
    found = reported(gallery(5, 4, DLIB))
    assert (found.people, found.photographs, found.compared, found.left_out) == (5, 20, 20, 20)
    assert (found.right, found.wrong, found.unknown) == (20, 0, 0)
    assert (found.confused, found.lookalikes, found.too_few) == ((), (), ())
    assert found.lines() == ["leaving one photograph out: 100.0% right, 0.0% wrong, 0.0% unknown (of 20 photographs)"]


def test_a_mislabelled_photograph_is_listed() -> None:
    vectors = np.concatenate([person(0, 5), person(1, 5)])
    found = reported(named(vectors, *"aaaa", "b", *"bbbbb"))
    assert (found.right, found.wrong, found.unknown) == (9, 1, 0)
    (one,) = found.lookalikes
    assert (one.photograph, one.person, one.looks_like) == ("b/4.jpg", "b", "a")
    assert one.distance is not None
    assert one.other_distance < 0.4 < one.distance
    assert found.confused == (ConfusedPeople("b", "a", 1),)
    assert f"  b/4.jpg: b at {one.distance:.3f}, a at {one.other_distance:.3f}" in found.lines()


def test_one_person_under_two_names_is_listed() -> None:
    found = reported(named(np.concatenate([person(0, 4), person(1, 1, first=50), person(1, 4)]), *"aaaa", "b", *"cccc"))
    (one,) = found.lookalikes
    assert (one.photograph, one.person, one.distance, one.looks_like) == ("b/4.jpg", "b", None, "c")
    assert (found.left_out, found.right) == (8, 8)
    assert f"  b/4.jpg: b, c at {one.other_distance:.3f}" in found.lines()


def test_far_photographs_are_unknown() -> None:
    found = reported(gallery(3, 4), threshold=0.01)
    assert (found.right, found.wrong, found.unknown) == (0, 0, 12)
    assert found.lookalikes == ()


def test_nobody_has_a_second_photograph() -> None:
    found = reported(gallery(3, 1, DLIB))
    assert (found.left_out, found.right) == (0, 0)
    assert found.lines()[0] == "leaving one photograph out: no person has a second photograph to compare with"
    assert found.too_few == tuple(TooFew(f"Person {k:03}", 1) for k in range(3))


@pytest.mark.parametrize("photographs", [1, 2, 4])
def test_one_person_alone_looks_like_nobody_else(photographs: int) -> None:
    found = reported(gallery(1, photographs, DLIB))
    assert (found.right, found.wrong) == (photographs if photographs > 1 else 0, 0)
    assert (found.lookalikes, found.confused) == ((), ())


def test_leaving_out_is_as_if_it_had_never_been_there() -> None:
    vectors = np.concatenate([person(0, 1), person(1, 2), person(2, 6)])
    people = People.of(vectors, np.array([0, 1, 3]))
    own = leave_one_out._compare(people, np.arange(9))[0]
    assert own[0] == np.inf
    for row in range(1, 9):
        mine = [k for k in np.flatnonzero(people.owner == people.owner[row]) if k != row]
        rest = People.of(vectors[mine], np.array([0]))
        assert own[row] == pytest.approx(float(rest.distances(vectors[row : row + 1])[0, 0]), abs=1e-4)


def test_the_closest_other_is_exact_and_the_size_of_a_step_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.concatenate([person(k, 3) for k in range(9)])
    people = People.of(vectors, np.arange(9) * 3)
    distances = people.distances(vectors)
    distances[np.arange(27), people.owner] = np.inf
    for step in (1, 100, 2**22):
        monkeypatch.setattr(leave_one_out, "BLOCK_COMPARISONS", step)
        _, other, distance = leave_one_out._compare(people, np.arange(27))
        assert other.tolist() == distances.argmin(axis=1).tolist()
        assert np.allclose(distance, distances.min(axis=1), atol=1e-4)


def test_of_a_large_gallery_some_are_compared_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave_one_out, "COMPARISONS", 200)
    monkeypatch.setattr(leave_one_out, "LEAST_SAMPLE", 2)
    people = gallery(4, 5, DLIB)
    found = reported(people)
    assert (found.photographs, found.compared, found.left_out, found.right) == (20, 10, 10, 10)
    assert found.lines()[0].endswith("(of a random 10 photographs)")
    assert reported(people) == found


def test_the_order_of_the_gallery_does_not_matter() -> None:
    vectors = np.concatenate([person(0, 5), person(1, 5)])
    ordered = named(vectors, *"aaaa", "b", *"bbbbb")
    shuffle = np.random.default_rng(0).permutation(10)
    names, paths = (tuple(np.array(values)[shuffle].tolist()) for values in (ordered.names, ordered.paths))
    mixed = replace(ordered, embeddings=vectors[shuffle], names=names, paths=paths)
    one, other = reported(ordered), reported(mixed)
    assert one.lookalikes[0].photograph == other.lookalikes[0].photograph == "b/4.jpg"
    assert replace(one, lookalikes=()) == replace(other, lookalikes=())


def test_a_recipes_photographs_have_numbers() -> None:
    vectors = np.concatenate([person(0, 5), person(1, 5)])
    found = reported(Gallery(vectors, (*"aaaa", "b", *"bbbbb")))
    assert found.lookalikes[0].photograph == "photograph 5"


EXAMPLE = TrainingReport(
    people=50,
    photographs=90,
    classifier="svc",
    threshold=0.4,
    threshold_origin="set by --threshold",
    compared=90,
    left_out=80,
    right=60,
    wrong=12,
    unknown=8,
    confused=(ConfusedPeople("Zoë", "李", 3),),
    lookalikes=(Lookalike("a\udcff/1.jpg", "Zoë", None, "李", 0.2),),
    unlike=(Unlike("a\udcff/1.jpg", "Zoë", 0.9), Unlike("b/1.jpg", "李", 0.8)),
    too_few=tuple(TooFew(f"Person {k}", 1) for k in range(30)),
)


def test_the_file_is_json_of_everything(tmp_path: Path) -> None:
    path = tmp_path / "new" / "training_report.json"
    EXAMPLE.save(path)
    text = path.read_text(encoding="utf-8")
    assert "Zoë" in text
    content = json.loads(text)
    assert len(content["too_few"]) == 30
    assert content["lookalikes"] == [
        {"photograph": "a\udcff/1.jpg", "person": "Zoë", "distance": None, "looks_like": "李", "other_distance": 0.2}
    ]
    with pytest.raises(FacesError, match="cannot write"):
        EXAMPLE.save(tmp_path / "new")


def test_lists_are_short_for_people() -> None:
    lines = EXAMPLE.lines()
    assert lines[0] == "leaving one photograph out: 75.0% right, 15.0% wrong, 10.0% unknown (of 80 photographs)"
    assert lines[1:3] == ["people most often confused:", "  Zoë with 李: 3 photographs"]
    # Each photograph once: the first is among those that look like somebody else.
    assert lines[5:7] == [
        "photographs unlike the others of their person (of somebody else?):",
        "  b/1.jpg: 李 at 0.800",
    ]
    start = lines.index(f"people with fewer than {ENOUGH_PHOTOGRAPHS} photographs, who are missed more often:")
    assert len(lines[start + 1 :]) == LISTED + 1
    assert lines[-1] == "  and 20 more"
