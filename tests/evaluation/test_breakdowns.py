"""Figures by group and by degradation, on drawn people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faces.commands import evaluate
from faces.errors import UsageError
from faces.evaluation.groups import degraded_photographs, predicted
from faces.evaluation.groups.degradations import Degradation


@pytest.mark.slow
def test_groups_and_robustness(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        degraded_photographs, "ALL_DEGRADATIONS", (Degradation("JPEG", 10), Degradation("low resolution", 6))
    )
    people = sorted(path.name for path in (trained / "dataset").iterdir())
    file = tmp_path / "groups.csv"
    file.write_text("\n".join(["person,coat", *(f"{name},red" for name in people[:2])]), encoding="utf-8")
    options = ["--images", str(trained / "dataset"), "--enrol", "1", "--splits", "1", "--workers", "1"]
    asked = ["--groups", str(file), "--robustness", "2", "--json", str(tmp_path / "r.json")]
    assert evaluate.main(["identification", *options, *asked]) == 0
    output = "".join(capsys.readouterr())
    assert "degraded: 2 probes" in output and "JPEG: quality 10" in output
    assert "none of the people in it is in the photographs" not in output
    assert "red" in output and "unlabelled" in output and "too few to tell" in output

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    content = json.loads((tmp_path / "r.json").read_bytes(), parse_constant=refuse)
    assert not content["groups"]["predicted"]
    assert {row["of"] for row in content["groups"]["figures"][0]["groups"]} == {"red", "unlabelled"}
    assert content["groups"]["figures"][0]["gap"] is None
    assert [level["kind"] for level in content["robustness"][0]["levels"]] == [None, "JPEG", "low resolution"]


@pytest.mark.slow
def test_a_warning_if_nobody_is_labelled(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "groups.csv").write_text("person,coat\nNobody,red")
    options = ["--images", str(trained / "dataset"), "--enrol", "1", "--splits", "1", "--workers", "1"]
    assert evaluate.main(["identification", *options, "--groups", str(tmp_path / "groups.csv")]) == 0
    assert "groups.csv: none of the people in it is in the photographs" in capsys.readouterr().err


def test_an_unreadable_file_of_groups_is_refused_before_the_work(trained: Path, tmp_path: Path) -> None:
    options = ["--images", str(trained / "dataset"), "--groups", str(tmp_path / "nothing.csv")]
    with pytest.raises(UsageError, match="no such file"):
        evaluate.main(["identification", *options])


@pytest.mark.slow
def test_predicted_groups(trained: Path, tmp_path: Path) -> None:
    photograph = next((trained / "dataset").rglob("*.jpg"))
    told = predicted.predict([photograph, tmp_path / "nothing.jpg"])
    assert told.predicted and told.by == ("gender", "age_group", "ethnicity")
    assert all(label[0] not in ("", "unlabelled") for label in (told.labels([photograph], k) for k in range(3)))
    assert told.labels([tmp_path / "nothing.jpg"], 0) == ["unlabelled"]
