"""Folders of drawn files: what a marker file may do."""

from __future__ import annotations

from pathlib import Path

from faces.synthetic.sample_folder import SampleFolder


def test_a_marker_cannot_delete_outside_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "keep.txt"
    outside.write_text("keep", encoding="utf-8")
    folder = SampleFolder(tmp_path / "dataset", {})
    folder.mark(["../keep.txt", str(outside)], complete=True)
    folder.clear()
    assert outside.exists()
