"""Degraded photographs: figures on points with known distances, and the embedding of a drawn person."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from faces.evaluation.groups import degraded_photographs, robustness
from faces.evaluation.groups.degradations import Degradation
from faces.evaluation.searches.identification import identify
from faces.evaluation.searches.pairs import Pairs
from faces.evaluation.searches.trials import Trial
from faces.evaluation.searches.verification import verify
from faces.recognition.thresholds import OperatingPoint
from tests.evaluation.points import NO_FACE, apart, photographs
from tests.evaluation.searches.test_identification import owned

POINTS = (OperatingPoint(apart(10), 1e-3, None, ""), OperatingPoint(apart(20), 1e-2, None, ""))
BLUR = Degradation("blur", 5)
DARK = Degradation("darkness", 256)
LOW, FEW = Degradation("low resolution", 8), Degradation("low resolution", 6)


def test_pairs_by_hand() -> None:
    """The threshold of the good photographs, 20 degrees, goes on to judge; a face not found is an error."""
    good = {"a1": 0.0, "a2": 5.0, "b1": 90.0, "b2": 110.0}
    pairs = Pairs(
        tuple(map(Path, ("a1", "b1", "a1", "b1"))),
        tuple(map(Path, ("a2", "b2", "b2", "a2"))),
        np.array([True, True, False, False]),
    )
    seen = photographs(good)
    result = verify("points", pairs, seen)
    worse = {BLUR: photographs({"a2": 80.0, "b2": 95.0}), DARK: photographs({"a2": NO_FACE, "b2": 91.0})}
    found = robustness.verification_robustness(result, pairs, seen, worse, POINTS)
    assert [str(level) for level in found.levels] == ["as they are", str(BLUR), str(DARK)]
    values = [[share.value for share in level.figures] for level in found.levels]
    assert values == [[1, 0.5, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]]
    assert [level.no_face.value for level in found.levels] == [0, 0, 0.5]
    assert found.measures[1:] == ("same person accepted at FAR 0.1%", "different people accepted at FAR 0.1%")
    assert [level.degradation for level in found.of_kind("blur")] == [None, BLUR]
    assert len(found.table.rows) == 3 and found.table.rows[1][1] == "50.0%"
    json.dumps(found.to_json(), allow_nan=False)


def test_probes_by_hand() -> None:
    strangers = [f"x{k}" for k in range(100)]
    places = {"a": 0.0, "b": 40.0, "a5": 5.0, "b38": 38.0} | dict.fromkeys(strangers, 170.0)
    trial = Trial(owned("Ada:a Bob:b"), owned("Ada:a5 Bob:b38"), tuple(map(Path, strangers)))
    seen = photographs(places)
    result = identify("points", [trial], seen, threshold=apart(10))
    worse = {
        BLUR: photographs({"a5": 39.0, "b38": 32.0} | dict.fromkeys(strangers, 1.0)),
        LOW: photographs({"a5": 39.0, "b38": 32.0, "x0": 1.0} | dict.fromkeys(strangers[1:], 170.0)),
        FEW: photographs({"a5": 39.0, "b38": 32.0, "x0": NO_FACE} | dict.fromkeys(strangers[1:], 170.0)),
        DARK: photographs({"a5": NO_FACE, "b38": NO_FACE} | dict.fromkeys(strangers, NO_FACE)),
    }
    found = robustness.identification_robustness(result, trial, seen, worse)
    values = [[share.value for share in level.figures] for level in found.levels]
    assert values[:3] == [[1, 0, 0, 1], [0.5, 0.5, 1, 0], [0.5, 0.5, 0.01, 0.5]]
    assert [row[4] for row in found.table.rows] == ["100.0%", "0.0%", "50.0%", "too few to tell", "0.0%"]
    assert values[4][:2] == [0, 0] and found.levels[4].no_face.value == 1
    assert found.measures[3] == "TPIR at FPIR 1%"
    json.dumps(found.to_json(), allow_nan=False)


def test_some_pairs_are_of_both_kinds() -> None:
    paths = tuple(Path(str(k)) for k in range(40))
    some = robustness.sample_pairs(Pairs(paths, paths, np.arange(40) < 10, np.zeros(40, np.intp)), 8)
    assert len(some) == 8 and some.same.sum() == 4 and some.fold is None
    assert len(robustness.sample_pairs(Pairs(paths, paths, np.arange(40) < 10), 1000)) == 40


def test_some_probes_and_strangers() -> None:
    probes = owned(" ".join(f"Ada:{k}" for k in range(9)))
    trial = robustness.sample_probes(Trial((), probes, tuple(map(Path, "xyz"))), 4)
    assert (len(trial.probes), len(trial.strangers)) == (4, 3)


def test_a_drawn_person(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mild levels hardly matter, and a photograph without a face stays without one; in worker processes."""
    mild, severe = Degradation("JPEG", 90), Degradation("low resolution", 2)
    monkeypatch.setattr(degraded_photographs, "ALL_DEGRADATIONS", (mild, severe))
    photograph = next((trained / "dataset").rglob("*.jpg"))
    progress: list[tuple[int, int]] = []
    worse = degraded_photographs.embed_degraded(
        [photograph, trained / "nothing.jpg"],
        ("built-in", "built-in", 0.5, "fast"),
        1,
        lambda done, total: progress.append((done, total)),
    )
    assert progress[-1] == (4, 4)
    assert worse[mild].has_face.tolist() == [True, False]
    assert worse[severe].has_face.tolist() == [False, False]
    assert worse[mild].paths == (photograph, trained / "nothing.jpg")
    assert "no such file" in worse[mild].reasons[1]
