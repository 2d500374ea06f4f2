"""``faces train-embedder``: from photographs to a network that the other commands read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.commands import train_embedder
from faces.embedding import embedders
from faces.errors import FacesError, ModelError, UsageError
from faces.training.embedder import training
from tests.conftest import RunScript
from tests.fakes import write_embedder

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'recognize-faces[train]'")
pytestmark = pytest.mark.training

FEW = ["--epochs", "1", "--batch-size", "4", "--threads", "1"]


@pytest.fixture(scope="module")
def trained(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("trained") / "student.t7"
    words = ["--photos", str(sample / "dataset"), "--output", str(output), *FEW]
    assert train_embedder.main(words) == 0
    return output


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that the command logs."""
    logged: list[str] = []
    monkeypatch.setattr(train_embedder, "log", logged.append)
    return logged


def test_the_files_are_networks_that_agree(trained: Path) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), np.uint8)
    first, second = (embedders.load(str(trained.with_suffix(suffix))).embed(crops) for suffix in (".t7", ".onnx"))
    np.testing.assert_allclose(first, second, atol=1e-4)
    assert np.linalg.norm(first, axis=1) == pytest.approx(1, abs=1e-5)
    picture = cv2.imread(str(trained.with_name("student_curves.png")))
    assert picture is not None and picture.shape[1] > 600


def test_the_same_command_goes_on_and_then_has_nothing_to_do(trained: Path, sample: Path, lines: list[str]) -> None:
    before = trained.read_bytes()
    assert train_embedder.main(["--photos", str(sample / "dataset"), "--output", str(trained), *FEW]) == 0
    assert lines == [
        "a face in 12 of 12 photographs",
        f"{trained.with_suffix('.checkpoint')}: continuing after 8 faces",
    ]
    assert trained.read_bytes() == before


def test_a_file_with_other_embeddings_is_an_error(trained: Path, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "TOLERANCE", -1)
    with pytest.raises(ModelError, match=r"student\.t7: its embeddings differ from PyTorch's by up to .*; do not"):
        train_embedder.main(["--photos", str(sample / "dataset"), "--output", str(trained), *FEW])


def test_what_it_is_judged_by_is_left_out(trained: Path, sample: Path, lines: list[str]) -> None:
    photograph = min((sample / "dataset").rglob("*.jpg"))
    words = ["--photos", str(sample / "dataset"), "--without", str(photograph), "--output", str(trained), *FEW]
    assert train_embedder.main(words) == 0
    said = "left out as copies of photographs in --without: "
    [number] = [int(line.removeprefix(said)) for line in lines if line.startswith(said)]
    assert 1 <= number < 12  # the photograph itself, and what is nearly the same


def test_everything_is_left_out(trained: Path, sample: Path) -> None:
    dataset = str(sample / "dataset")
    with pytest.raises(FacesError, match="no face is left to learn from"):
        train_embedder.main(["--photos", dataset, "--without", dataset, "--output", str(trained), *FEW])


@pytest.mark.parametrize(
    ("words", "error", "why"),
    [
        (["--photos", "nowhere"], UsageError, "nowhere: no such file or folder"),
        (["--photos", "empty"], UsageError, "empty: no photographs in this folder"),
        (["--photos", "wall.png"], FacesError, "no face was found in any photograph"),
        (["--photos", "wall.png", "--teacher", "no.onnx"], UsageError, r"--teacher no\.onnx: no such file \(leave"),
        (["--photos", "wall.png", "--teacher", "a.onnx"], UsageError, "a.onnx: its embeddings have 64 numbers, the"),
        (["--photos", "wall.png", "--output", "student.onnx"], UsageError, "the name must end in .t7"),
    ],
    ids=["no folder", "no photographs", "no face", "no teacher", "another dimension", "another suffix"],
)
def test_bad_input(
    words: list[str], error: type[Exception], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    cv2.imwrite("wall.png", np.full((300, 300, 3), 90, np.uint8))
    write_embedder(tmp_path / "a.onnx", dimension=64)
    with pytest.raises(error, match=why):
        train_embedder.main(words)


def test_errors_are_one_line(run_script: RunScript, tmp_path: Path) -> None:
    result = run_script("train-embedder", "--photos", "nowhere", cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (
        2,
        "",
        "error: nowhere: no such file or folder\n",
    )
