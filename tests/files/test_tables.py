"""CSV files as spreadsheets read them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from faces.errors import UsageError
from faces.evaluation.groups import labelled
from faces.evaluation.searches import pairs
from faces.files.tables import cell, write_csv
from faces.training.data import reading


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1"])
def test_a_text_that_looks_like_a_formula_is_a_text(name: str) -> None:
    assert cell(name) == f"'{name}"


@pytest.mark.parametrize("value", ["Ada", "", "dataset/=1+1/1.jpg", -1, -0.5, None])
def test_anything_else_stays_as_it_is(value: object) -> None:
    assert cell(value) == value


def test_a_table_for_excel(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_csv(path, ("name", "seconds"), [("Zoë, Lind", 1.5), ("=1", -2)], "strict")
    assert path.read_bytes() == '\ufeffname,seconds\n"Zoë, Lind",1.5\n\'=1,-2\n'.encode()
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["Zoë, Lind", "'=1"]


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolons"), ("\t", "tabs")])
@pytest.mark.parametrize(
    ("read", "heading"),
    [
        (pairs.read, ("photograph", "other", "same")),
        (labelled.read, ("person", "gender")),
        (reading.read_csv, ("path", "gender")),
    ],
    ids=["pairs", "groups", "labels"],
)
@pytest.mark.parametrize("file", ["table.csv", "table.txt"])
def test_a_table_with_other_separators_is_told_of(
    tmp_path: Path, file: str, read: Callable[[Path], object], heading: tuple[str, ...], separator: str, name: str
) -> None:
    """As spreadsheets write CSV where the comma is part of numbers."""
    path = tmp_path / file
    path.write_text(separator.join(heading) + "\n", encoding="utf-8-sig")
    with pytest.raises(UsageError, match=f"{file}: its columns are separated by {name}, not by commas"):
        read(path)
