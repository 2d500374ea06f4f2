"""A gallery, a recognizer and versions made with dlib's models: they go on working, and are moved to the new ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from faces.commands import retrain
from faces.models import cache
from faces.recognition.gallery import Gallery
from faces.recognition.recognizer_files import models_of
from faces.versions.versions import Versions
from tests.conftest import PEOPLE, PHOTOS, RunScript
from tests.dlib_models import needs_dlib_models
from tests.test_model_choice import FORMER

pytestmark = [pytest.mark.slow, needs_dlib_models]

NOTE = "was made with dlib's models: these are used (retrain.py --models built-in moves it to the built-in ones)"
ALL = PEOPLE * PHOTOS


@pytest.fixture(scope="module")
def made_before(sample: Path, tmp_path_factory: pytest.TempPathFactory, run_script: RunScript) -> Path:
    """A project whose files were made with dlib's models, and name them."""
    folder = tmp_path_factory.mktemp("before")
    for name in ("dataset", "sample"):
        (folder / name).symlink_to(sample / name, target_is_directory=True)
    extracted = run_script("extract_embeddings.py", "--models", "dlib", cwd=folder)
    assert (extracted.returncode, extracted.stderr) == (0, "")
    assert run_script("train_model.py", cwd=folder).returncode == 0
    assert models_of(folder / "output" / "embeddings.pickle") == FORMER
    assert models_of(folder / "output" / "le.pickle") == FORMER
    return folder


@pytest.fixture
def before(made_before: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "before"
    shutil.copytree(made_before, folder, symlinks=True)
    return folder


def test_every_script_works_without_an_option_and_says_so(before: Path, run_script: RunScript) -> None:
    for command, file in (
        (("recognize_image.py", "--image", "sample/photo.jpg"), "le.pickle"),
        (("recognize_video.py", "-s", "sample/video.mp4", "--no-display", "--max-frames", "5"), "le.pickle"),
        (("extract_embeddings.py",), "embeddings.pickle"),
        (("retrain.py",), "embeddings.pickle"),
    ):
        result = run_script(*command, cwd=before)
        assert result.returncode == 0, result.stderr
        assert result.stderr.count(f"output/{file} {NOTE}") == 1
    assert f"{ALL} photographs known, none new" in result.stdout
    assert "nothing changed since version 1" in result.stdout


def test_named_models_are_said_to_no_one(before: Path, run_here: RunScript) -> None:
    result = run_here("recognize_image.py", "--models", "dlib", "--image", "sample/photo.jpg", cwd=before)
    assert (result.returncode, result.stderr) == (0, "")
    result = run_here("recognize_image.py", "--models", "built-in", "--image", "sample/photo.jpg", cwd=before)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "made with the detector dlib-mmod (4cb19393), but this run uses yunet-int8" in result.stderr


def test_best_accuracy_is_the_gallerys_too(before: Path, run_script: RunScript) -> None:
    made = run_script("extract_embeddings.py", "--models", "dlib", "--accuracy", "best", cwd=before)
    assert made.returncode == 0 and run_script("train_model.py", cwd=before).returncode == 0
    result = run_script("recognize_image.py", "--image", "sample/photo.jpg", cwd=before)
    assert result.returncode == 0, result.stderr
    assert "le.pickle was made with dlib's models and --accuracy best: these are used" in result.stderr


def test_a_rebuild_keeps_the_models(before: Path, run_script: RunScript) -> None:
    result = run_script("extract_embeddings.py", "--rebuild", cwd=before)
    assert result.returncode == 0 and NOTE in result.stderr
    assert models_of(before / "output" / "embeddings.pickle") == FORMER


def test_retraining_moves_a_gallery(
    before: Path, run_script: RunScript, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(before)
    assert retrain.main(["--models", "built-in"]) == 0
    out, err = capsys.readouterr()
    assert "made with the detector dlib-mmod (4cb19393), but this run uses yunet-int8" in err
    assert out.splitlines()[-1].startswith("version 2 is in service: by other models; 100.0% right when one photograph")
    gallery = Gallery.load(before / "output" / "embeddings.pickle")
    assert gallery.fingerprint is not None and gallery.fingerprint.embedder.name == "sface-int8"
    assert len(gallery) == ALL and models_of(before / "output" / "le.pickle") == gallery.fingerprint
    result = run_script("recognize_image.py", "--image", "sample/photo.jpg", cwd=before)
    assert (result.returncode, result.stderr) == (0, "")

    assert retrain.main(["--rollback"]) == 0  # to the version before, which still works
    assert models_of(before / "output" / "le.pickle") == FORMER
    result = run_script("recognize_image.py", "--image", "sample/photo.jpg", cwd=before)
    assert result.returncode == 0 and NOTE in result.stderr
    compared = run_script(
        "evaluate", "identification", "--probes", "dataset", "--compare", "version:1", "version:2", cwd=before
    )
    assert compared.returncode == 0, compared.stderr
    assert "output/versions/1/le.pickle was made with dlib's models" in compared.stderr
    assert [
        version.number for version in Versions(Path("output/recognizer.pickle"), Path("output/le.pickle")).all()
    ] == [
        1,
        2,
    ]


@pytest.mark.parametrize(
    "command", [("extract_embeddings.py",), ("recognize_image.py", "-i", "sample"), ("retrain.py",)]
)
def test_without_dlibs_models_one_line_names_the_command(
    before: Path, tmp_path: Path, run_script: RunScript, command: tuple[str, ...]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(cache.home(), home, ignore=shutil.ignore_patterns("dlib*", "mmod*", "shape*"))
    files = sorted(path.name for path in (before / "output").iterdir())
    result = run_script(*command, cwd=before, env={"FACES_HOME": str(home)})
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "mmod_human_face_detector.dat is not there; run: faces download-models dlib" in result.stderr
    assert sorted(path.name for path in (before / "output").glob("*.pickle")) == [
        name for name in files if name.endswith(".pickle")
    ]
