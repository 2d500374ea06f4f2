"""``faces train-attributes``: from labelled photographs to a model with its card, and bad input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from faces.attributes.model import AttributeModel
from faces.cli.options import as_dataclass
from faces.commands import train_attributes
from faces.training.attributes.dataset import AttributeOptions, prepare
from faces.training.data import reading
from tests.conftest import RunScript, contents

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'recognize-faces[train]'")
pytestmark = pytest.mark.training

QUICK = ("--architecture", "residual", "--image-size", 32, "--epochs", 1, "--batch-size", 8)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory, run_script: RunScript) -> Path:
    """Twelve drawn people in a CSV: three of each gender and age group."""
    folder = tmp_path_factory.mktemp("labelled")
    assert run_script("sample", "--people", 12, "--photos", 2, cwd=folder).returncode == 0
    lines = ["path,gender,age"]
    for person, photographs in enumerate(sorted((folder / "dataset").iterdir())):
        gender, age = "male" if person % 2 else "female", 10 if person < 6 else 40 + person
        lines += [f"{path.relative_to(folder)},{gender},{age}" for path in sorted(photographs.glob("*.jpg"))]
    (folder / "faces.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def model(faces: Path, run_script: RunScript) -> Path:
    result = run_script(
        "train-attributes",
        "--dataset",
        "faces.csv",
        *QUICK,
        "-o",
        "out/drawn.onnx",
        "--terms",
        "none: drawn",
        cwd=faces,
    )
    assert result.returncode == 0, result.stderr
    assert "epoch 1: loss" in result.stderr
    assert "| gender |" in result.stdout
    return faces / "out" / "drawn.onnx"


def test_it_leaves_a_model_a_card_a_report_and_pictures(model: Path) -> None:
    there = {path.name for path in model.parent.iterdir() if not path.name.startswith(".")}
    assert there >= {"drawn.onnx", "drawn.md", "drawn_report.json", "drawn_curves.png", "drawn_gender.png"}
    answers = AttributeModel(model).answer(np.zeros((2, 112, 112, 3), np.uint8))
    assert answers["gender"].shape == (2, 2)
    assert answers["age"].shape == (2, 1)
    card = model.with_suffix(".md").read_text(encoding="utf-8")
    for words in (
        "must not be used",
        "faces train-attributes --dataset faces.csv",
        "none: drawn",
        "SHA-256",
        "Seed: 0",
    ):
        assert words in card
    report = json.loads((model.parent / "drawn_report.json").read_text(encoding="utf-8"))
    assert sum(report["faces"].values()) == 24
    assert set(report["test"]) == {"gender", "age", "age_group"}


def test_evaluate_measures_on_the_faces_kept_from_training_and_leaves_the_models_own_files(
    model: Path, faces: Path, run_script: RunScript
) -> None:
    before = contents(model.parent)
    result = run_script(
        "train-attributes",
        "--dataset",
        "faces.csv",
        "--evaluate",
        "out/drawn.onnx",
        "-o",
        "out/drawn.onnx",
        "--seed",
        1,
        cwd=faces,
    )
    assert result.returncode == 0, result.stderr
    assert "epoch" not in result.stderr
    assert " photographs of faces.csv that drawn.onnx was neither trained nor validated with." in result.stdout
    assert before.items() <= contents(model.parent).items()
    trained, measured = (
        json.loads((model.parent / f"drawn{which}_report.json").read_text(encoding="utf-8"))
        for which in ("", "_evaluation")
    )
    assert (measured["test"], measured["faces"]) == (trained["test"], trained["faces"])
    assert "Measured on" in (model.parent / "drawn_evaluation.md").read_text(encoding="utf-8")


def test_evaluate_on_other_data_is_on_all_of_it_and_claims_no_more(
    model: Path, faces: Path, run_script: RunScript
) -> None:
    result = run_script(
        "train-attributes",
        "--dataset",
        "faces.csv",
        "--targets",
        "gender",
        "--evaluate",
        model,
        "-o",
        "else/where.onnx",
        cwd=faces,
    )
    assert result.returncode == 0, result.stderr
    assert "Measured on all 24 photographs of faces.csv" in result.stdout
    card = (faces / "else" / "where_evaluation.md").read_text(encoding="utf-8")
    assert "may have been trained with some of them" in card
    assert "neither trained" not in card
    report = json.loads((faces / "else" / "where_evaluation_report.json").read_text(encoding="utf-8"))
    assert report["faces"] == {"training": 0, "validation": 0, "test": 24}


def test_a_model_that_starts_from_another_keeps_its_test_faces(faces: Path, run_script: RunScript) -> None:
    words = ("--dataset", "faces.csv", "--blocks", 1, "--frozen", 1, "--image-size", 32, "--epochs", 1)
    first = run_script("train-attributes", *words, "--seed", 5, "-o", "start/first.onnx", cwd=faces)
    assert first.returncode == 0, first.stderr
    start = ("--start", "start/first.onnx", "--targets", "gender", "--embedding")
    second = run_script("train-attributes", *words, *start, "-o", "start/second.onnx", cwd=faces)
    assert second.returncode == 0, second.stderr
    models = [AttributeModel(faces / "start" / name) for name in ("first.onnx", "second.onnx")]
    assert models[0].about["held_out"] == models[1].about["held_out"]
    assert models[1].about["embedder"] == "sface-int8"
    assert models[1].wants_embeddings
    assert "all blocks are frozen" in second.stderr
    assert "--start first.onnx" in (faces / "start" / "second.md").read_text(encoding="utf-8")
    other = run_script("train-attributes", *words, "--start", "faces.csv", "-o", "start/third.onnx", cwd=faces)
    assert other.returncode == 1, other.stderr


def test_evaluate_with_other_classes_is_refused(model: Path, faces: Path, run_script: RunScript) -> None:
    rows = (faces / "faces.csv").read_text().replace("female", "woman")
    (faces / "others.csv").write_text(rows)
    words = ("--dataset", "others.csv", "--evaluate", model, "-o", "others/x.onnx")
    result = run_script("train-attributes", *words, cwd=faces)
    assert result.returncode == 1, result.stderr
    assert "gender is one of male, female; in others.csv it is one of male, woman" in result.stderr.splitlines()[-1]


def test_kept_faces_stay_with_their_photographs_when_the_order_changes(faces: Path, tmp_path: Path) -> None:
    heading, *rows = (faces / "faces.csv").read_text().splitlines()
    crops = []
    for name, order in (("one.csv", rows), ("two.csv", rows[::-1])):
        (tmp_path / name).write_text("\n".join([heading, *order]))
        data = reading.read_csv(tmp_path / name, images=faces)
        words = ["--dataset", tmp_path / name, "--images", faces, "-o", tmp_path / "model.onnx"]
        args = train_attributes.build_parser().parse_args(list(map(str, words)))
        labelled = prepare(data, as_dataclass(AttributeOptions, args), log=lambda _: None)
        crops.append(dict(zip(labelled.data.paths, labelled.crops.images, strict=True)))
    first, second = crops
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[path], second[path]) for path in first)


def test_explore_says_what_is_there(faces: Path, run_script: RunScript) -> None:
    result = run_script("train-attributes", "--dataset", "faces.csv", "--explore", "-o", "look/x.onnx", cwd=faces)
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (faces / "look").iterdir()} == {
        "exploration.md",
        "exploration.json",
        "exploration.png",
    }


def bad(folder: Path, kind: str) -> str:
    """A data set with something wrong; its name."""
    good = sorted((folder / "dataset").rglob("*.jpg"))
    if kind == "missing":
        return "nowhere"
    if kind == "empty":
        (folder / "none").mkdir()
        return "none"
    if kind == "one class":
        shutil.copytree(good[0].parent, folder / "one" / "only")
        return "one"
    if kind == "a class with one image":
        shutil.copytree(good[0].parent, folder / "two" / "many")
        (folder / "two" / "single").mkdir()
        shutil.copy(good[-1], folder / "two" / "single" / "1.jpg")
        return "two"
    if kind == "a million":
        rows = "".join(f"dataset/{number}.jpg,{'ab'[number % 2]}\n" for number in range(1_000_000))
        (folder / "million.csv").write_text(f"path,letter\n{rows}")
        return "million.csv"
    (folder / "range").mkdir()  # labels out of range
    shutil.copy(good[0], folder / "range" / "200_5_9_20170101.jpg")
    return "range"


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [
        ("missing", 2, "nowhere: no such data set"),
        ("empty", 1, "no labelled photographs"),
        ("one class", 1, "training needs two classes"),
        ("a class with one image", 1, "only 1 photograph of 'single'"),
        ("labels out of range", 1, "an age over 116"),
        ("a million", 1, "1,000,000 faces take over 4 GB of memory; give no more than 106,292"),
    ],
)
def test_bad_data_is_one_clear_line_and_nothing_is_lost(
    sample: Path, tmp_path: Path, run_script: RunScript, kind: str, status: int, says: str
) -> None:
    shutil.copytree(sample / "dataset", tmp_path / "dataset")
    name = bad(tmp_path, kind)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.onnx").write_bytes(b"an older model")
    before = contents(tmp_path)
    result = run_script("train-attributes", "--dataset", name, *QUICK, "-o", "out/old.onnx", cwd=tmp_path)
    assert result.returncode == status, result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert says in errors[0]
    assert {name: data for name, data in contents(tmp_path).items() if not name.startswith("out/.")} == before


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("-o", "out/model.keras"), 2, "the model is an .onnx file"),
        (("--embedding", "--architecture", "cnn3"), 2, "--embedding needs --architecture pretrained"),
        (("--architecture", "cnn3", "--image-size", "21"), 2, "--image-size 21: cnn3 needs 22 px or more"),
        (("--image-size", "54"), 2, "--image-size 54: pretrained with --blocks 11 needs 55 px or more"),
        (("--evaluate", "none.onnx"), 1, "none.onnx: no such model file"),
        (("--evaluate", "faces.csv"), 1, "not a network"),
    ],
)
def test_bad_options_are_one_clear_line(
    faces: Path, run_script: RunScript, options: tuple[str, ...], status: int, says: str
) -> None:
    result = run_script("train-attributes", "--dataset", "faces.csv", *options, cwd=faces)
    assert result.returncode == status, result.stderr
    assert says in result.stderr.splitlines()[-1]
