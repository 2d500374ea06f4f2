from __future__ import annotations

import os
from pathlib import Path

import pytest

from faces.files.identity import identity
from faces.files.writing import write_bytes


def test_an_unchanged_file_keeps_its_identity(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"1")
    before = identity(path)
    assert before is not None and before.size == 1 and before == identity(path)


def test_a_rewritten_or_replaced_file_has_another(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"1")
    first = identity(path)
    path.write_bytes(b"22")
    second = identity(path)
    write_bytes(path, b"33")
    assert len({first, second, identity(path)}) == 3
    assert second is not None
    os.utime(path, ns=(0, second.modified + 1))
    assert identity(path) != second


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_lead_to_the_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"same")
    link = tmp_path / "link"
    link.symlink_to("a")
    first = identity(link)
    assert first == identity(tmp_path / "a")
    link.unlink()
    link.symlink_to("b")
    assert identity(link) not in (None, first)
    (tmp_path / "b").unlink()
    assert identity(link) is None
    (tmp_path / "loop").symlink_to("loop")
    assert identity(tmp_path / "loop") is None


def test_no_file_has_none(tmp_path: Path) -> None:
    assert identity(tmp_path / "missing") is None
