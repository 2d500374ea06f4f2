"""Exploration of a data set: counts, plots, copies, contradictions, unusable files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from faces.images import write_image
from faces.training.data import exploration, near_duplicates, reading
from tests.training.data.test_near_duplicates import scene


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    for seed, name in enumerate(("5_0_0_1.jpg", "25_1_1_2.jpg", "70_0_4_3.jpg")):
        write_image(folder / name, scene(seed))
    write_image(folder / "31_0_1_4.jpg", scene(1, 120))  # the second again, larger, of another gender and age
    (folder / "40_0_0_5.jpg").write_bytes((folder / "5_0_0_1.jpg").read_bytes())
    write_image(folder / "30_0_0_6.jpg", scene(9, 31))
    (folder / "30_0_0_7.jpg").write_text("no picture")
    write_image(folder / "portrait.jpg", scene(3))
    return folder


def test_what_is_in_it(photographs: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    lines: list[str] = []
    data = reading.read(photographs)
    result = exploration.explore(data, tmp_path / "report", lines.append)
    facts = json.loads((tmp_path / "report/exploration.json").read_text(encoding="utf-8"))
    assert (facts["photographs"], facts["usable"], facts["equal_files"]) == (7, 5, 1)
    assert facts["labels"]["gender"] == {"male": 6, "female": 1}
    assert facts["labels"]["age"]["30-39"] == 3
    assert {Path(row["file"]).name: row["why"] for row in facts["left_out"]} == {
        "portrait.jpg": "not named AGE_GENDER_RACE_TIME.jpg",
        "30_0_0_6.jpg": "tiny: under 32 px",
        "30_0_0_7.jpg": "unreadable: not an image",
    }
    copies = {tuple(sorted(Path(file).name for file in files)) for files in facts["copies"]}
    assert copies == {("25_1_1_2.jpg", "31_0_1_4.jpg"), ("40_0_0_5.jpg", "5_0_0_1.jpg")}
    assert {target: len(files) for target, files in facts["contradicted"].items()} == {
        "gender": 1,
        "age": 2,
        "age_group": 1,
        "ethnicity": 0,
    }
    text = (tmp_path / "report/exploration.md").read_text(encoding="utf-8")
    assert "7 labelled photographs, 5 of them usable" in text
    assert facts["data_sha256"] == result.sha256
    assert result.sha256 in text
    assert (tmp_path / "report/exploration.png").read_bytes().startswith(b"\x89PNG")
    assert lines[-1].endswith("exploration.md: description of the data set")


def test_names_of_any_bytes(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    odd = tmp_path / "data" / os.fsdecode(b"Ren\xe9")  # no Unicode
    try:
        odd.mkdir(parents=True)
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    for seed, folder in enumerate((odd, odd.with_name("Ada"))):
        write_image(folder / "1.png", scene(seed))
    (odd / os.fsdecode(b"caf\xe9.jpg")).write_text("no picture")
    exploration.explore(reading.read(tmp_path / "data"), tmp_path)
    facts = json.loads((tmp_path / "exploration.json").read_text(encoding="utf-8"))
    assert os.fsencode(facts["left_out"][0]["file"]).endswith(b"Ren\xe9/caf\xe9.jpg")
    assert set(facts["labels"]["class"]) == {"Ada", "Ren\\udce9"}
    assert "caf\\udce9.jpg: unreadable" in (tmp_path / "exploration.md").read_text(encoding="utf-8")


def test_without_what_cannot_be_used(photographs: Path) -> None:
    data = reading.read(photographs)
    files = near_duplicates.scan(data.paths)
    kept, usable = exploration.drop_unusable(data, files)
    assert (len(kept), len(kept.left_out), usable.tolist().count(False)) == (5, 3, 2)
    assert files[usable].unreadable == {}


def test_many_classes_and_copies_of_augmentation(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for seed in range(10):
        write_image(tmp_path / "data" / f"class {seed}" / "1.jpg", scene(seed))
    write_image(tmp_path / "data/class 0/1.jpg4.jpg", scene(50))
    exploration.explore(reading.read(tmp_path / "data"), tmp_path)
    text = (tmp_path / "exploration.md").read_text(encoding="utf-8")
    assert "or are made by augmentation (1)" in text
    assert "## Left out\n\nNothing." in text
