"""What documents promise: lines that the scripts really say, files and headings that are really there."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, RunScript

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
LINE = re.compile(r"^\| `(.+?)` \|", re.MULTILINE)
OF_OTHERS = ("ImportError: libGL.so.1", "cannot write ...: no space left", "cannot write ...: permission denied")


def words() -> Iterator[str]:
    """Every text in the code, with ``...`` for what is put into it."""
    for path in [*ROOT.glob("*.py"), *(ROOT / "faces").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "..." for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_errors_that_are_explained_are_said() -> None:
    said = "\n".join(words())
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    lines = [line for line in LINE.findall(page) if not line.startswith(OF_OTHERS)]
    assert len(lines) > 40
    for line in lines:
        pieces = [piece.strip(" :;,.()") for piece in line.removeprefix("warning: ").split("...")]
        assert all(piece in said for piece in pieces), f"nothing says {line!r}"


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for name, heading in LINK.findall(path.read_text(encoding="utf-8")):
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), name
        assert not heading or target.suffix != ".md" or heading in anchors(target), f"{name}#{heading}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def recipe_commands() -> str:
    """The block of commands under "Exactly as in the recipe" in the README."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    return page.partition("## Exactly as in the recipe")[2].partition("```\n")[2].partition("```")[0]


def test_the_page_about_the_recipe_has_the_same_commands() -> None:
    assert recipe_commands() in (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8")


def test_the_recipes_own_commands_run_in_a_new_clone(sample: Path, tmp_path: Path, run_script: RunScript) -> None:
    """The README's commands run as they are; only the video is a file, since there may be no camera."""
    section = recipe_commands()
    (tmp_path / "face_detection_model").mkdir()
    for name in ("openface_nn4.small2.v1.t7", "face_detection_model/README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(sample / "dataset", tmp_path / "dataset")
    shutil.copy(sample / "sample" / "photo.jpg", tmp_path)
    said = {}
    for line in section.replace("\\\n", "").splitlines():
        python, script, *options = line.split()
        assert python == "python"
        if script == "recognize_video.py":
            options += ["--source", sample / "sample" / "video.mp4", "--max-frames", 40]
        result = run_script(script, *options, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert ("no detector in it yet" in result.stderr) is ("--detector" in options)
        said[script] = result.stdout
    assert list(said) == ["extract_embeddings.py", "train_model.py", "recognize_image.py", "recognize_video.py"]
    assert "photo.jpg: Leila " in said["recognize_image.py"]
