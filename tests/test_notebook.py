"""The notebook works from top to bottom, as it is in the repository: without outputs, and without leaving anything.

One run shows that and that it sends nothing, since it takes a minute.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, contents
from tests.test_nothing_is_sent import Watched, why_not_watched

NOTEBOOK = ROOT / "notebooks" / "quickstart.ipynb"

RUN = """
import pathlib, sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
place = {"metadata": {"path": str(pathlib.Path(sys.argv[1]).parent)}}
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
nbformat.write(notebook, sys.argv[2])
"""

nbformat = pytest.importorskip("nbformat", reason="needs the extra dev")
nbclient = pytest.importorskip("nbclient", reason="needs the extra dev")
pytest.importorskip("matplotlib", reason="needs the extra notebook")


def test_it_is_kept_without_outputs() -> None:
    for cell in nbformat.read(NOTEBOOK, 4).cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.exhaustive
def test_it_names_people_with_both_and_draws_how_good_that_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = tmp_path / "a clone"
    for folder in ("faces", "notebooks"):
        shutil.copytree(ROOT / folder, clone / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "serve.py", clone)
    before = contents(clone)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTHONPATH", raising=False)

    words = [sys.executable, "-c", RUN, str(clone / "notebooks" / NOTEBOOK.name), str(tmp_path / "done.ipynb")]
    if why_not_watched():
        subprocess.run(words, check=True)
    else:
        watched = Watched(tmp_path)
        watched.run_words(words)
        watched.assert_nothing_was_sent()
    notebook = nbformat.read(tmp_path / "done.ipynb", 4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    assert "30 faces of 5 people" in text
    assert "unknown beyond a distance of " in text
    for line in ("Amina ", "Bruno ", "Finn ", "unknown "):
        assert text.count(f"\n{line}") >= 1, line
    assert "http://127.0.0.1:" in text
    assert "strangers named" in text
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 6
    assert contents(clone) == before
