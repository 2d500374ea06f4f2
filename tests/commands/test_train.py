"""The training script: its classifiers, and the report that it leaves."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces.cli import options as cli_options
from faces.commands import train as commands_train
from faces.errors import UsageError
from faces.recognition import classifiers, leave_one_out
from faces.recognition.classifiers import CLASSIFIERS
from faces.recognition.gallery import Gallery
from faces.records import Run, Runs, maker
from tests.conftest import PEOPLE, PHOTOS, RunScript, contents
from tests.recognition.test_recognizers import DLIB, gallery, person

REPORT = {
    "people",
    "photographs",
    "classifier",
    "threshold",
    "threshold_origin",
    "compared",
    "left_out",
    "right",
    "wrong",
    "unknown",
    "confused",
    "lookalikes",
    "unlike",
    "too_few",
}


def train(folder: Path, people: Gallery, *options: str) -> int:
    people.save(folder / "e.pickle")
    files = (f"--{name}={folder / name[0]}.pickle" for name in ("embeddings", "recognizer", "le"))
    return commands_train.main([*files, *options])


def test_a_report_is_left_beside_the_recognizer(trained: Path) -> None:
    content = json.loads((trained / "output" / "training_report.json").read_text(encoding="utf-8"))
    assert set(content) == REPORT
    assert (content["people"], content["photographs"], content["classifier"]) == (PEOPLE, PEOPLE * PHOTOS, "svc")
    assert content["right"] == content["left_out"] == PEOPLE * PHOTOS


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_the_scripts_that_recognize_do_not_care(project: Path, run_here: RunScript, classifier: str) -> None:
    def found() -> list[str]:
        result = run_here("recognize_image.py", "-i", "sample/group_1.jpg", "sample/photo.jpg", cwd=project)
        assert (result.returncode, result.stderr) == (0, "")
        return [line.partition("  ")[0] for line in result.stdout.splitlines()]

    before = found()
    result = run_here("train_model.py", "--classifier", classifier, cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    assert found() == before


def test_auto_says_when_it_takes_no_svc(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path, gallery(6, 3, DLIB))
    assert "classifier" not in capsys.readouterr().out
    monkeypatch.setattr(classifiers, "SVC_LIMIT", 50)
    train(tmp_path, gallery(6, 3, DLIB))
    assert "\nclassifier: centroid (" in capsys.readouterr().out
    assert json.loads((tmp_path / "training_report.json").read_text())["classifier"] == "centroid"


def test_an_svc_of_very_many_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifiers, "SVC_LIMIT", 50)
    train(tmp_path, gallery(6, 3, DLIB), "--classifier", "svc")
    (warning,) = capsys.readouterr().err.splitlines()
    assert warning.startswith("warning: ") and "--classifier centroid" in warning


def test_what_should_be_looked_at_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vectors = np.concatenate([person(0, 5), person(1, 5), person(2, 1)])
    names = (*["Ada"] * 4, *["Bob"] * 6, "Carl")
    train(tmp_path, Gallery(vectors, names, tuple(f"{k}.jpg" for k in range(11)), fingerprint=DLIB))
    out = capsys.readouterr().out
    assert "\npeople most often confused:\n  Bob with Ada: 1 photograph\n" in out
    assert "\n  4.jpg: Bob at " in out
    assert "\n  Carl: 1\n" in out


def test_the_report_too_must_be_writable_before_the_work(project: Path, run_here: RunScript) -> None:
    path = project / "output" / "training_report.json"
    path.unlink()
    path.mkdir()
    before = {file: file.read_bytes() for file in (project / "output").glob("*.pickle")}
    result = run_here("train_model.py", "--threshold", 0.3, cwd=project)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: cannot write ") and path.name in result.stderr
    assert {file: file.read_bytes() for file in before} == before


def test_the_report_does_not_replace_another_file(tmp_path: Path) -> None:
    gallery(3, 2, DLIB).save(tmp_path / "training_report.json")
    files = [f"--{name}={tmp_path / name}" for name in ("recognizer", "le")]
    with pytest.raises(UsageError, match=r"training_report\.json is named twice"):
        commands_train.main([f"--embeddings={tmp_path / 'training_report.json'}", *files])


def test_what_a_training_wrote_is_known_though_its_report_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery(3, 4, DLIB).save(tmp_path / "e.pickle")
    files = [f"--embeddings={tmp_path / 'e.pickle'}", f"--recognizer={tmp_path / 'r.pickle'}", f"--le={tmp_path / 'l'}"]

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(leave_one_out, "measure", stopped)
    new = re.escape(f"stopped; new by then: {tmp_path / 'r.pickle'}, {tmp_path / 'l'}; everything else is unchanged")
    with pytest.raises(KeyboardInterrupt, match=f"^{new}$"):
        commands_train.main(files)
    found = maker(tmp_path / "r.pickle")
    assert found is not None and found.status == "stopped"


def test_strangers_are_not_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The recipe's own embeddings have them, under a name."""
    people = gallery(3, 4, DLIB)
    names = tuple("unknown" if name == "Person 002" else name for name in people.names)
    assert train(tmp_path, replace(people, names=names)) == 0
    said = capsys.readouterr()
    assert said.err == (
        f"warning: {tmp_path / 'e.pickle'}: 4 embeddings of unknown left out;"
        " strangers need no photographs, they are told by distance\n"
    )
    assert said.out.startswith("8 embeddings of 2 people -> ")
    assert json.loads((tmp_path / "training_report.json").read_text())["people"] == 2


def test_no_such_classifier(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        commands_train.main(["--classifier", "magic"])
    assert stopped.value.code == 2
    assert "auto" in capsys.readouterr().err


def test_another_script_can_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gallery(3, 2, DLIB).save(tmp_path / "e.pickle")
    parser = cli_options.parser("Another script.", "")
    commands_train.add_options(parser)
    folder = tmp_path / "new"
    options = [f"-e={tmp_path / 'e.pickle'}", f"-r={folder / 'recognizer.pickle'}", f"-l={folder / 'le.pickle'}"]
    args = parser.parse_args(options)
    assert commands_train.train(args, args.recognizer, args.le) == 0
    assert sorted(contents(folder)) == ["le.pickle", "recognizer.pickle", "training_report.json"]
    (run,) = Runs(folder / "runs").all()
    assert isinstance(run, Run) and [Path(one.path).parent for one in run.artefacts] == [folder] * 3
