"""faces compare and faces search, on drawn people."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import faces
from faces.commands.matching import compare, search


@pytest.fixture
def people(sample: Path) -> list[list[Path]]:
    """Two photographs of each of two people."""
    folders = sorted(path for path in (sample / "dataset").iterdir() if path.is_dir())[:2]
    return [sorted(folder.glob("*.jpg"))[:2] for folder in folders]


def test_compare_tells_one_person_from_two(people: list[list[Path]], capsys: pytest.CaptureFixture[str]) -> None:
    (first, second), (other, _) = people
    assert compare.main([str(first), str(second), "--json"]) == 0
    same = json.loads(capsys.readouterr().out)
    assert same["same_person"] and same["distance"] <= same["threshold"]
    assert same["files"] == [str(first), str(second)] and [len(box) for box in same["boxes"]] == [4, 4]
    assert compare.main([str(first), str(other)]) == 0
    assert f"{first}, {other}: two people  distance " in capsys.readouterr().out
    assert compare.main([str(first), str(second), "--threshold", "0.001"]) == 0
    assert "two people" in capsys.readouterr().out


def test_a_photograph_without_a_face_is_named(people: list[list[Path]], tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    faces.write_image(blank, np.full((200, 200, 3), 128, np.uint8))
    for main in (compare.main, search.main):
        with pytest.raises(faces.FacesError, match=r"blank\.png: no face; choose"):
            main([str(blank), str(people[0][0])])


def test_search_finds_the_person_nearest_first(
    people: list[list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (first, second), (other, _) = people
    for number, path in enumerate((first, second, other)):
        (tmp_path / f"{number}.jpg").write_bytes(path.read_bytes())
    assert search.main([str(first), str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [Path(match["file"]).name for match in found["matches"]] == ["0.jpg", "1.jpg"]
    assert found["matches"][0]["distance"] == 0 and len(found["box"]) == 4
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    assert search.main([str(first), str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert ": 2 matches\n" in captured.out and "broken.jpg" in captured.err
