"""Labelled faces: a table whose photographs are not there is told of, and of one of them why."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.commands import train_attributes
from faces.errors import FacesError


def test_photographs_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faces.cli.signals.stop_on_signals", lambda: None)
    table = tmp_path / "votes.csv"
    table.write_text("path,anger,fear\nx.jpg,1,0\ny.jpg,3,0\n", encoding="utf-8")
    options = ["--dataset", str(table), "--votes", "emotion", "-o", str(tmp_path / "model.onnx")]
    with pytest.raises(
        FacesError, match=r"no photograph of it can be used; the last one, .*y\.jpg: unreadable: no such"
    ):
        train_attributes.main(options)
    assert not (tmp_path / "model.onnx").exists()
