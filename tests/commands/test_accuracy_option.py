"""--accuracy: one data set with default and best, which are never mixed."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from faces.commands import extract, recognize, retrain, serve, video
from faces.datasets import Folder
from faces.extraction.workers import Task
from faces.recognition.gallery import Gallery
from tests.conftest import PEOPLE, PHOTOS, RunScript, contents
from tests.fakes import write_embedder

MIXED = r"made with the embedder sface-int8 (fb143eea), but this run uses sface-int8, mirrored (fb143eea)"


def test_best_embeds_anew_and_recognizes(project: Path, run_script: RunScript, run_here: RunScript) -> None:
    before = Gallery.load(project / "output" / "embeddings.pickle")
    picture = project / "sample" / "group_1.jpg"

    kept = contents(project / "output")
    mixed = run_here("recognize_image.py", "--accuracy", "best", "--image", picture, cwd=project)
    assert (mixed.returncode, mixed.stderr.count("\n")) == (1, 1)
    assert MIXED in mixed.stderr and "name the same models" in mixed.stderr
    assert contents(project / "output") == kept

    extracted = run_script("extract_embeddings.py", "--accuracy", "best", "--workers", 1, cwd=project)
    assert extracted.returncode == 0, extracted.stderr
    assert f"{MIXED}: every photograph is embedded again" in extracted.stderr
    after = Gallery.load(project / "output" / "embeddings.pickle")
    assert after.fingerprint is not None and after.fingerprint.embedder.name == "sface-int8, mirrored"
    assert after.names == before.names
    apart = np.linalg.norm(after.embeddings - before.embeddings, axis=1)
    assert 0 < apart.min() <= apart.max() < 0.3  # other views, the same faces

    assert run_here("train_model.py", cwd=project).returncode == 0
    for options in ((), ("--accuracy", "best")):
        named = run_here("recognize_image.py", *options, "--image", picture, cwd=project)
        assert named.returncode == 0, named.stderr
        assert "probability" in named.stdout
        assert ("le.pickle was made with --accuracy best: these are used" in named.stderr) is (not options)


def test_fast_is_the_default(project: Path, run_script: RunScript) -> None:
    again = run_script("extract_embeddings.py", "--accuracy", "fast", cwd=project)
    assert (again.returncode, again.stderr.count("\n")) == (0, 1)
    assert "--accuracy fast is the same as default" in again.stderr
    assert f"{PEOPLE * PHOTOS} photographs known, none new" in again.stdout


def test_a_worker_is_told(trained: Path) -> None:
    dataset = Folder(trained / "dataset")
    photographs = [one.path for one in dataset.listing()[1]][:3]
    task = Task(dataset, ("built-in", "built-in", 0.5, "best"))
    fingerprint, together = task(photographs)
    assert fingerprint.embedder.name == "sface-int8, mirrored"
    for photograph, one in zip(photographs, together, strict=True):  # in whatever company, the same
        (alone,) = task([photograph])[1]
        assert alone.embedding is not None and one.embedding is not None
        assert np.allclose(alone.embedding, one.embedding, atol=1e-6)


@pytest.mark.parametrize("script", [extract, retrain, recognize, video, serve])
def test_every_script_knows_it(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    needed = ["--image", "x.jpg"] if script is recognize else []
    assert script.build_parser().parse_args(needed).accuracy is None
    assert script.build_parser().parse_args([*needed, "--accuracy", "fast"]).accuracy == "default"
    assert script.build_parser().parse_args([*needed, "--accuracy", "best"]).accuracy == "best"
    with pytest.raises(SystemExit) as refused:
        script.build_parser().parse_args([*needed, "--accuracy", "better"])
    assert refused.value.code == 2
    assert "argument --accuracy: no accuracy 'better'; there are default, best, fast" in capsys.readouterr().err


def test_best_is_the_packaged_embedders_alone(trained: Path, run_here: RunScript, tmp_path: Path) -> None:
    model = write_embedder(tmp_path / "other.onnx")
    options = ("--accuracy", "best", "--embedding-model", model, "--image", trained / "sample" / "group_1.jpg")
    refused = run_here("recognize_image.py", *options, cwd=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith("error: --accuracy best works with the built-in embedder and dlib only")
