"""The same photographs, versions and options give the same files, bit for bit."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from faces import records
from faces.commands import extract, retrain, train
from faces.records import Run, Runs, lineage
from tests.conftest import contents

pytestmark = pytest.mark.slow
FILES = ("embeddings.pickle", "recognizer.pickle", "le.pickle", "training_report.json")
LONG_AGO = 1_600_000_000


def copied(trained: Path, folder: Path, backwards: bool) -> Path:
    """The sample data set in another folder, whose files lie in another order on the disk."""
    files = sorted((trained / "dataset").rglob("*.jpg"), reverse=backwards)
    for number, file in enumerate(files):
        copy = folder / file.relative_to(trained)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
        os.utime(copy, (LONG_AGO + len(copy.name), LONG_AGO))
        assert number < len(files)
    return folder


def listed_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file system may that has an order of its own."""
    walk, iterdir = os.walk, Path.iterdir

    def walked(*args: Any, **more: Any) -> Any:
        return ((parent, folders[::-1], files[::-1]) for parent, folders, files in list(walk(*args, **more)))

    monkeypatch.setattr(os, "walk", walked)
    monkeypatch.setattr(Path, "iterdir", lambda path: iter(sorted(iterdir(path), reverse=True)))


def test_another_folder_order_and_number_of_workers(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for name, workers in (("one", "1"), ("a much deeper/folder", "2")):
        with monkeypatch.context() as patch:
            patch.chdir(copied(trained, tmp_path / name, backwards=workers == "2"))
            if workers == "2":
                listed_backwards(patch)
            assert extract.main(["--workers", workers]) == 0
            assert train.main([]) == 0
            output = contents(Path("output"))
            made.append({file: output[file] for file in FILES})
            found = [one for one in Runs(Path("output/runs")).all() if isinstance(one, Run)]
            assert [one.kind for one in found] == ["train", "extract"] and found[0].data == found[1].data
            made[-1]["data set"] = found[0].data[0].sha256.encode()
    assert made[0] == made[1]

    monkeypatch.chdir(tmp_path / "one")
    shutil.rmtree("output")
    assert retrain.main([]) == 0  # the same steps, in one
    again = contents(Path("output"))
    assert {file: again[file] for file in FILES} == {file: made[0][file] for file in FILES}
    run = records.maker(Path("output/recognizer.pickle"))
    assert run is not None and [one.kind for one in lineage.ancestors(run, Path("output/runs"))] == ["extract"]
