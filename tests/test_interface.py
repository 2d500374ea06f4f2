"""The Python interface: what it exports, and that its page works as written."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import faces
from tests.conftest import ROOT, environment

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)


def test_every_name_can_be_imported() -> None:
    assert set(faces._PLACES) == set(faces.__all__) and len(set(faces.__all__)) == len(faces.__all__)
    for name in faces.__all__:
        assert getattr(faces, name) is not None
    assert set(faces.__all__) <= set(dir(faces))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        faces.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(faces.__file__).read_text(encoding="utf-8"))
    typed = {
        alias.asname or alias.name: f"{str(node.module).removeprefix('faces.')}:{alias.name}"
        for branch in tree.body
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    places = {name: place if ":" in place else f"{place}:{name}" for name, place in faces._PLACES.items()}
    assert typed == places


def test_importing_the_package_imports_none_of_it() -> None:
    code = "import faces, sys; print([name for name in sys.modules if name.startswith('faces.') or name == 'numpy'])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_the_distance_of_two_embeddings() -> None:
    assert faces.distance(np.array([1, 0], np.float32), np.array([0, 1], np.float32)) == pytest.approx(2**0.5)


def test_an_unreadable_photograph_is_named(tmp_path: Path) -> None:
    with pytest.raises(faces.ImageError, match=rf"^{re.escape(str(tmp_path / 'none.jpg'))}: "):
        faces.read_image(str(tmp_path / "none.jpg"))


@pytest.mark.slow
def test_the_page_works_as_written(sample: Path, tmp_path: Path) -> None:
    """As one program, without ``if __name__ == "__main__"``: worker processes do not run it again."""
    for name in ("dataset", "sample"):
        (tmp_path / name).symlink_to(sample / name, target_is_directory=True)
    program = tmp_path / "program.py"
    program.write_text("\nprint('---')\n".join(BLOCKS), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    names, training, photograph, attributes, two, video, error = result.stdout.split("---\n")
    assert len(names.splitlines()) == len(photograph.splitlines()) >= 2 and "unknown" in names
    assert training.startswith("Threshold(") and "leaving one photograph out: 100.0% right" in training
    assert "age" in attributes and (tmp_path / "output" / "annotated" / "photo.jpg").is_file()
    assert two == "the same person\n"
    assert len(video.splitlines()) == 50
    assert error.startswith("no such photograph.jpg: no such file")
