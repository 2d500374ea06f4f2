"""``make bench`` on a few drawn people: what it prints and writes. No times: those are the machine's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

from benchmarks import large_photographs, recipe
from benchmarks.throughput import in_turns, main, targets
from faces.errors import UsageError
from tests.conftest import PEOPLE, PHOTOS, ROOT, environment, patience

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench") / "bench.json"


@pytest.fixture(scope="module")
def printed(sample: Path, output: Path) -> str:
    words = ["-m", "benchmarks.throughput", "--quick", "--dataset", str(sample / "dataset"), "--output", str(output)]
    result = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=patience(300),
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def written(printed: str, output: Path) -> Any:
    return json.loads(output.read_bytes())


def test_every_chain_is_timed_on_every_kind_of_photograph(written: Any) -> None:
    rows = written["throughput"]
    for kind in ("small", "12 megapixels"):
        chains = {row["chain"] for row in rows if row["photographs"] == kind}
        assert "built-in" in chains
        assert ("the recipe" in chains) == (not recipe.missing())
    assert all(row["ms each"] > 0 and row["a second"] > 0 for row in rows)
    small = [row for row in rows if row["photographs"] == "small" and not row["chain"].startswith("face_recognition")]
    assert {row["count"] for row in small} == {PEOPLE * PHOTOS}


def test_embeddings_are_those_of_one_photograph_at_a_time(written: Any) -> None:
    assert written["differences"]
    assert all(row["count"] > 0 and row["of one photograph at a time"] <= 1e-3 for row in written["differences"])


def test_growth(written: Any) -> None:
    (photographs,), (people,) = written["growth with photographs"], written["growth with people"]
    assert photographs["photographs"] == PEOPLE * PHOTOS
    assert people["people"] == 10
    assert all(value > 0 for row in (photographs, people) for value in row.values() if value is not None)


def test_the_tables_show_what_the_file_holds(printed: str, written: Any) -> None:
    lines = [line.split() for line in printed.splitlines()]
    for part in ("throughput", "growth with photographs", "growth with people", "targets"):
        for row in written[part]:
            assert any(" ".join(map(str, row.values())).split() == line for line in lines), row
    assert written["machine"]["cores"] > 0


def test_a_data_set_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        main(["--dataset", str(tmp_path / "none"), "--output", str(tmp_path / "bench.json")])
    assert not (tmp_path / "bench.json").exists()


def test_targets() -> None:
    rates = {"the recipe": 10.0, "built-in": 31.0, "dlib's models": 62.0}
    throughput = [{"photographs": "small", "chain": chain, "a second": rate} for chain, rate in rates.items()]
    differences = [{"photographs": "small", "chain": "built-in", "of one photograph at a time": 2e-3}]
    rows = targets(throughput, differences)
    assert [(row["measured"], row["met"]) for row in rows] == [("3.1", True), ("0.5", False), ("2.0e-03", False)]


def test_photographs_in_turns(sample: Path) -> None:
    paths = in_turns(sample / "dataset")
    assert len(paths) == PEOPLE * PHOTOS
    assert len({path.parent for path in paths[:PEOPLE]}) == PEOPLE


def test_large_photographs_are_large(sample: Path, tmp_path: Path) -> None:
    (path,) = large_photographs.make(in_turns(sample / "dataset")[:1], tmp_path)
    image = cv2.imread(str(path))
    assert image is not None and image.shape == (3000, 4000, 3)
    assert 2e6 < path.stat().st_size < 6e6
