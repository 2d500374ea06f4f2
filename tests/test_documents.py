"""What documents promise: lines that the scripts really say, files and headings that are really there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCUMENTS = sorted((ROOT / "docs").glob("*.md"))
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
