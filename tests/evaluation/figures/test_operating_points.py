"""An embedder's operating points, on points whose distances are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces.errors import UsageError
from faces.evaluation.figures import operating_points
from faces.evaluation.photographs import Photographs
from faces.evaluation.searches.pairs import Pairs
from tests.evaluation.points import NO_FACE, apart, photographs
from tests.recognition.populations import crowd_of_faces
from tests.recognition.test_recognizers import DLIB


def test_all_pairs() -> None:
    """Rates with too few pairs become comments."""
    places = {"a": 0.0, "a10": 10, "b": 90, "c": 120, "d": 150, "e": 180, "none": NO_FACE}
    people = {"Ada": [Path("a"), Path("a10")], "Bob": [Path("b"), Path("none")]}
    people |= {name: [Path(name)] for name in "cde"}
    found = operating_points.measure_points(people, photographs(places))
    others = [apart(d) for d in (90, 80, 120, 110, 150, 140, 180, 170, 30, 60, 90, 30, 60, 30)]
    assert (found.impostor, found.genuine, found.people) == (14, 1, 5)
    (point,) = found.points
    assert (point.far, point.tar) == (0.1, 1)
    assert point.threshold == pytest.approx(np.quantile(others, 0.1), abs=2e-4)
    *few, last = str(found).splitlines()
    assert few[0] == "# 1e-5: too few pairs of two people to tell: 14; 100,000 are needed" and len(few) == 4
    assert last == f"(1e-1, {point.threshold}, 1.0),"


def test_of_one_person_only_the_pairs_of_a_file() -> None:
    places = {"a": 0.0, "a10": 10, "a90": 90, "b": 180, "c": 200, "d": 220}
    people = {"Ada": [Path("a"), Path("a10"), Path("a90")], "Bob": [Path("b")], "Cleo": [Path("c")], "Dan": [Path("d")]}
    listed = ("a", "a10", True), ("a", "nobody", True), ("a", "b", False)
    first = tuple(Path(one) for one, _, _ in listed)
    second = tuple(Path(other) for _, other, _ in listed)
    wanted = Pairs(first, second, np.array([same for *_, same in listed]))
    assert operating_points.measure_points(people, photographs(places)).genuine == 3
    assert operating_points.measure_points(people, photographs(places), wanted).genuine == 1


def test_without_pairs() -> None:
    seen = photographs({"a": 0.0, "b": 10, "b20": 20})
    with pytest.raises(UsageError, match="too few pairs of two people for a rate"):
        operating_points.measure_points({"Bob": [Path("b"), Path("b20")]}, seen)
    alone = photographs(dict(zip("abcdef", range(6), strict=True)))
    with pytest.raises(UsageError, match="too few pairs of one person"):
        operating_points.measure_points({name: [Path(name)] for name in "abcdef"}, alone)


def faces_of(people: int, seed: int = 0) -> tuple[dict[str, list[Path]], Photographs]:
    """People with one photograph each, the first without a face."""
    embeddings = crowd_of_faces(people, seed=seed)
    embeddings[0] = np.nan
    paths = tuple(Path(f"{seed}-{number}") for number in range(people))
    seen = Photographs(
        paths=paths,
        embeddings=embeddings,
        boxes=np.zeros((people, 4), np.float32),
        reasons=("",) * people,
        hashes=("",) * people,
        fingerprint=DLIB,
    )
    return {str(path): [path] for path in paths}, seen


def test_how_similar_different_people_are() -> None:
    others = faces_of(300, seed=1)[1]
    model = operating_points.measure_impostors(*faces_of(200), others.embeddings[1:])
    assert len(model.centroids) >= 5
    assert model.mean == pytest.approx(float(np.mean(crowd_of_faces(50) @ crowd_of_faces(50, seed=3).T)), abs=0.05)


@pytest.mark.parametrize(
    ("people", "others", "message"),
    [
        (50, 300, "only 49 people with a face; 50 are needed"),
        (200, 40, "--centroids: faces were found of only 39 people"),
    ],
)
def test_too_few_to_tell_how_similar_people_are(people: int, others: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        operating_points.measure_impostors(*faces_of(people), faces_of(others, seed=1)[1].embeddings[1:])


def test_one_photograph_of_each_other_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Ada/1.jpg", "Ada/2.jpg", "Bob/1.jpg", "3.jpg", "4.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match="4 people for --centroids; 1,000 are needed"):
        operating_points.others_in(tmp_path)
    monkeypatch.setattr(operating_points, "LEAST_OTHERS", 4)
    found = [path.relative_to(tmp_path).as_posix() for path in operating_points.others_in(tmp_path)]
    assert sorted(found) == ["3.jpg", "4.jpg", "Ada/1.jpg", "Bob/1.jpg"]
