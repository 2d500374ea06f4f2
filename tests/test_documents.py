"""What documents promise: lines that the scripts really say, files and headings that are really there."""

from __future__ import annotations

import argparse
import ast
import functools
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import faces
from faces.commands import COMMANDS
from tests.conftest import ROOT, RunScript

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
CARDS = sorted((ROOT / "faces" / "attributes" / "weights").glob("*.md"))
PATH = re.compile(r"(?<![\w/.~-])(?:benchmarks|deploy|docs|faces|notebooks|tests)/[\w./-]*\w")
MODULE = re.compile(r"python -m (benchmarks[\w.]*\w)")
ELSEWHERE = re.compile(
    r"<(?:audio|embed|iframe|img|link|object|script|source|video)\b[^>]*\b(?:data|href|poster|src|srcset)=[\"']?(?:https?:)?//"
    r"|@import|url\([\"']?(?:https?:)?//"
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
LINE = re.compile(r"^\| `(.+?)` \|", re.MULTILINE)
OF_OTHERS = ("ImportError: libGL.so.1", "cannot write ...: no space left", "cannot write ...: permission denied")


@functools.cache
def generated_pages() -> dict[str, str]:
    """The pages that are made when the site is built, by their path on it."""
    pages: dict[str, str] = runpy.run_path(str(ROOT / "docs" / "hooks.py"))["generated_pages"]()
    return pages


def words() -> Iterator[str]:
    """Every text in the code, with ``...`` for what is put into it."""
    for path in [*ROOT.glob("*.py"), *(ROOT / "faces").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_examples_name_what_a_reader_has() -> None:
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        assert "../shared" not in path.read_text(encoding="utf-8"), f"{path.name}: a folder that no reader has"


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
        if path.parent.name == "docs" and name in generated_pages():
            assert not heading
            continue
        assert target.exists(), name
        assert not heading or target.suffix != ".md" or heading in anchors(target), f"{name}#{heading}"


@pytest.mark.parametrize(
    "path", [*(path for path in DOCUMENTS if path.name != "CHANGELOG.md"), *CARDS], ids=lambda path: path.name
)
def test_files_of_the_project_are_where_documents_say(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    names = [*PATH.findall(text), *(module.replace(".", "/") for module in MODULE.findall(text))]
    missing = [name for name in names if not (ROOT / name).exists() and not (ROOT / f"{name}.py").exists()]
    assert not missing


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A command's parser and those of its subcommands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                yield from parsers(subparser)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_the_reference_of_commands(name: str) -> None:
    section = generated_pages()["commands.md"].partition(f"\n## faces {name}\n")[2].partition("\n## ")[0]
    for parser in parsers(import_module(f"faces.commands.{COMMANDS[name][0]}").build_parser()):
        options = set(re.findall(r"^ +.*?(--[a-z][\w-]*)", parser.format_help(), re.MULTILINE)) - {"--help"}
        assert all(re.search(rf"^`(?:-\w.*, )?{option}[ `]", section, re.MULTILINE) for option in options)


@pytest.mark.slow
def test_the_site_is_built_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    for package in ("material", "mkdocs", "mkdocstrings"):
        pytest.importorskip(package, reason="needs the extra docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert {*generated_pages()} <= {
        path.relative_to(tmp_path).with_suffix(".md").as_posix() for path in tmp_path.rglob("*.html")
    }
    interface = (tmp_path / "reference.html").read_text(encoding="utf-8")
    assert all(f'id="faces.{name}"' in interface for name in faces.__all__)
    assert "<li><code>" in interface  # parameters
    for path in [*tmp_path.rglob("*.html"), *tmp_path.rglob("*.css")]:
        assert not ELSEWHERE.search(path.read_text(encoding="utf-8")), path
    for path in tmp_path.rglob("*.html"):
        prose = re.sub(r"<pre>.*?</pre>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"^(?:[-*]|\d\.) ", prose, re.MULTILINE), f"a list in {path.name} is not shown as one"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def recipe_commands() -> str:
    """The block of commands under "Exactly as in the recipe" in the README."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    return page.partition("## Exactly as in the recipe")[2].partition("```\n")[2].partition("```")[0]


def test_the_page_about_the_recipe_has_the_same_commands() -> None:
    assert recipe_commands() in (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8")


@pytest.mark.slow
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
            options += ["--source", str(sample / "sample" / "video.mp4"), "--max-frames", "40"]
        result = run_script(script, *options, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert ("no detector in it yet" in result.stderr) is ("--detector" in options)
        said[script] = result.stdout
    assert list(said) == ["extract_embeddings.py", "train_model.py", "recognize_image.py", "recognize_video.py"]
    assert "photo.jpg: Leila " in said["recognize_image.py"]
