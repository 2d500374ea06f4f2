"""Groups of people, read from a file, and their figures on points with known distances."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from faces.errors import UsageError
from faces.evaluation.figures.operating_points import strict_threshold
from faces.evaluation.groups import labelled
from faces.evaluation.groups.labelled import Groups
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.pairs import Pairs
from faces.evaluation.searches.trials import Trial
from faces.evaluation.searches.verification import verify
from faces.metrics.groups import UNLABELLED
from faces.recognition.thresholds import OperatingPoint
from tests.evaluation.points import apart, photographs
from tests.evaluation.searches.test_identification import owned
from tests.recognition.test_recognizers import DLIB

POINTS = (OperatingPoint(apart(10), 1e-3, None, ""), OperatingPoint(apart(20), 1e-2, None, ""))


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "groups.csv"
    path.write_bytes(text.encode())
    return path


def test_people_and_photographs(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffwho,gender,age group\nAda,female,young\nBob/2.jpg,male,\n\nphotos/x.jpg, male ,old\n")
    groups = labelled.read(path)
    assert groups.by == ("gender", "age group")
    paths = [Path("d/Ada/1.jpg"), Path("d/Bob/2.jpg"), Path("photos/x.jpg"), Path("d/Bob/3.jpg")]
    assert groups.labels(paths, 0) == ["female", "male", "male", UNLABELLED]
    assert groups.labels(paths, 1) == ["young", UNLABELLED, "old", UNLABELLED]


def test_people_whose_photographs_lie_deeper(tmp_path: Path) -> None:
    groups = replace(labelled.read(write(tmp_path, "person,gender\nAda,female\nBob,male\n")), folders=(Path("d"),))
    paths = [Path("d/Ada/1.jpg"), Path("d/Ada/2019/1.jpg"), Path("d/Ada/with/Bob/2.jpg"), Path("e/Bob/3.jpg")]
    assert groups.labels(paths, 0) == ["female", "female", "female", "male"]
    assert groups.has_any(paths) and not groups.has_any([Path("d/Eve/1.jpg"), Path("Ada/d/1/1.jpg")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no groupings; the first line is person,gender"),
        ("person\nAda\n", "no groupings"),
        ("person,gender\n", "no labels in it"),
        ("person,gender\nAda\n", "line 2: 1 columns, not 2"),
        ("person,gender\nAda,female\nAda,male\n", "line 3: Ada has other labels in a line above"),
    ],
)
def test_a_file_without_labels(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        labelled.read(write(tmp_path, text))


def test_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        labelled.read(tmp_path / "nothing.csv")
    (tmp_path / "groups.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not a text file in UTF-8"):
        labelled.read(tmp_path / "groups.csv")


def test_pairs_by_hand() -> None:
    """A pair of two people counts for the group of both; one across groups for none."""
    places = {"Ada/1": 0.0, "Ada/2": 5, "Eve/1": 8, "Bob/1": 90, "Bob/2": 105, "Sam/1": 150}
    first, second = ["Ada/1", "Bob/1", "Ada/1", "Bob/1", "Ada/1"], ["Ada/2", "Bob/2", "Eve/1", "Sam/1", "Bob/1"]
    pairs = Pairs(tuple(map(Path, first)), tuple(map(Path, second)), np.array([True, True, False, False, False]))
    seen = photographs(places)
    groups = Groups(("gender",), {"Ada": ("f",), "Eve": ("f",), "Bob": ("m",), "Sam": ("m",)})
    result = verify("points", pairs, seen)
    accuracy, missed, matched = labelled.verification_by_group(result, groups, None, POINTS)
    assert [(str(g), g.count) for g in accuracy.groups] == [("f", 2), ("m", 2)]
    assert [(str(g), g.count, g.value) for g in missed.groups] == [("f", 1, 0), ("m", 1, 1)]
    assert [(str(g), g.count, g.value) for g in matched.groups] == [("f", 1, 1), ("m", 1, 0)]
    assert missed.measure == "false non-match rate at FAR 0.1%" and missed.lower_is_better
    assert not any(group.enough for group in accuracy.groups)


def test_too_few_pairs_for_any_rate_are_judged_by_the_best_threshold() -> None:
    seen = photographs({"a1": 0.0, "a2": 5, "b1": 90})
    pairs = Pairs((Path("a1"), Path("a1")), (Path("a2"), Path("b1")), np.array([True, False]))
    words, threshold = strict_threshold(verify("points", pairs, seen))
    assert words == "at the best threshold" and threshold == pytest.approx(apart(5))


def test_false_matches_among_all() -> None:
    """Against brute force."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[7] = np.nan
    paths = tuple(Path(f"{'fm'[k % 2]}{k // 6}") / f"{k}.jpg" for k in range(60))
    seen = Photographs(
        paths=paths,
        embeddings=vectors,
        boxes=np.zeros((60, 4), np.float32),
        reasons=("",) * 60,
        hashes=("",) * 60,
        fingerprint=DLIB,
    )
    pairs = Pairs(paths[:2], paths[2:4], np.array([True, True]))
    pairs = Pairs((*pairs.first, paths[0]), (*pairs.second, paths[1]), np.array([True, True, False]))
    groups = Groups(("gender",), {path.parent.name: (path.parent.name[0],) for path in paths})
    result = verify("points", pairs, seen)
    matched = labelled.verification_by_group(result, groups, seen, POINTS)[2]
    for group in matched.groups:
        mine = [k for k in range(60) if paths[k].parent.name[0] == str(group) and k != 7]
        others = [(a, b) for a, b in combinations(mine, 2) if paths[a].parent != paths[b].parent]
        near = [np.linalg.norm(vectors[a] - vectors[b]) <= apart(10) for a, b in others]
        assert group.value == pytest.approx(np.mean(near)) and group.count == len(mine)
        assert group.low <= group.value <= group.high and group.high > 0


def test_false_matches_of_people_with_folders_in_theirs() -> None:
    """Ada's photographs of two years are hers: only Eve's is another's."""
    seen = photographs({"d/Ada/1/a.jpg": 0.0, "d/Ada/2/a.jpg": 5, "d/Eve/1/a.jpg": 60, "d/Eve/1/b.jpg": 65})
    first, second = seen.paths[0::2], seen.paths[1::2]
    pairs = Pairs((*first, seen.paths[0]), (*second, seen.paths[2]), np.array([True, True, False]))
    groups = Groups(("gender",), {"Ada": ("f",), "Eve": ("f",)}, folders=(Path("d"),))
    matched = labelled.verification_by_group(verify("points", pairs, seen), groups, seen, POINTS)[2]
    assert [(str(g), g.count, g.value) for g in matched.groups] == [("f", 4, 0)]


def test_probes_and_strangers() -> None:
    places = {"Ada/1": 0.0, "Bob/1": 40, "Ada/2": 5, "Bob/2": 20, "f1": 1, "m1": 170}
    trial = Trial(owned("Ada:Ada/1 Bob:Bob/1"), owned("Ada:Ada/2 Bob:Bob/2"), (Path("f1"), Path("m1")))
    result = identify("points", [trial, trial], photographs(places), threshold=apart(10))
    groups = Groups(("gender",), {"Ada": ("f",), "f1": ("f",), "Bob": ("m",), "m1": ("m",)})
    first, named, strangers = labelled.identification_by_group(result, groups)
    assert [(str(g), g.value) for g in first.groups] == [("f", 1), ("m", 1)]
    assert [(str(g), g.count, g.value) for g in named.groups] == [("f", 1, 1), ("m", 1, 0)]
    assert [(str(g), g.count, g.value) for g in strangers.groups] == [("f", 1, 1), ("m", 1, 0)]
