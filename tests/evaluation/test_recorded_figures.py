"""The record of an evaluation: its figures, its photographs, its files."""

from __future__ import annotations

from pathlib import Path

from faces import records
from faces.records import Run
from faces.versions.versions import RECOGNIZER
from tests.conftest import RunScript


def test_an_evaluation_is_recorded(trained: Path, run_script: RunScript, tmp_path: Path) -> None:
    options = ("--images", trained / "dataset", "--enrol", "2", "--splits", "2", "--json", "found.json")
    result = run_script("evaluate", "identification", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    [path] = (tmp_path / "output" / "runs").glob("*-evaluate-*.json")
    run = Run.from_json(path.read_bytes())
    assert (run.kind, run.status) == ("evaluate", "succeeded")
    assert (run.parameters["measured"], run.parameters["enrol"]) == ("identification", 2)
    assert "record" not in run.parameters and "run" not in run.parameters
    assert run.figures["rank_1"] == 1.0
    assert {"right", "wrong", "unknown", "strangers_named", "no_face"} <= set(run.figures)
    assert "tpir_at_fpir_0.001" not in run.figures, "too few strangers to tell"
    assert [(one.photographs, one.role) for one in run.data] == [(12, "photographs")]
    assert [one.path for one in run.artefacts] == ["found.json"]
    assert run.models and run.models["detector"]["name"] == "yunet-int8"


def test_the_record_leads_to_the_training_of_the_recognizer(project: Path, run_script: RunScript) -> None:
    options = ("--compare", "output", "--probes", "dataset", "--json", "output/found.json")
    result = run_script("evaluate", "identification", *options, cwd=project)
    assert result.returncode == 0, result.stderr
    assert "are both enrolled and searched for" in result.stderr
    evaluation, training = (records.maker(project / "output" / name) for name in ("found.json", RECOGNIZER))
    assert evaluation and training and evaluation.parents == (training.id,) and evaluation.models == training.models


def test_wrong_usage_is_not_recorded(tmp_path: Path, run_script: RunScript) -> None:
    (tmp_path / "pairs.csv").write_text("a.jpg,b.jpg,1\n")
    result = run_script("evaluate", "verification", "--pairs", "pairs.csv", cwd=tmp_path)
    assert result.returncode == 2
    assert list((tmp_path / "output" / "runs").glob("*.json")) == [], "wrong usage is not a run"
