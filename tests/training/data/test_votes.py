"""Tables of votes, as FER+ has them: shares, majorities, ties, and rows that say nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces.errors import FacesError, UsageError
from faces.training.attributes import heads
from faces.training.data import labelled, reading
from faces.training.data.labelled import UNKNOWN
from faces.training.data.votes import read_votes

HEAD = "path,neutral,happiness,anger,unknown,NF"


def table(folder: Path, *lines: str, head: str = HEAD) -> Path:
    (folder / "votes.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return folder / "votes.csv"


def test_the_shares_of_the_votes_and_the_majority(tmp_path: Path) -> None:
    data = read_votes(table(tmp_path, "a.jpg,6,2,0,2,0", "b.jpg,5,5,,0,0", "c.jpg,0,0,0.5,0,0"), "emotion")
    assert data.classes == {"emotion": ("anger", "happiness", "neutral")}
    assert data.votes["emotion"].tolist() == [[0, 0.25, 0.75], [0, 0.5, 0.5], [1, 0, 0]]
    assert data.labels["emotion"].tolist() == [2, UNKNOWN, 0]  # the second is a tie
    assert data.paths[0] == tmp_path / "a.jpg"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.txt,6,0,0,0,0", "not the name of an image"),
        ("a.jpg,many,0,0,0,0", "votes that are not numbers from 0"),
        ("a.jpg,-1,2,0,0,0", "votes that are not numbers from 0"),
        ("a.jpg,nan,2,0,0,0", "votes that are not numbers from 0"),
        ("a.jpg,0,0,0,0,0", "no vote for a class"),
        ("a.jpg,1,0,0,9,0", "most votes are for no class"),
        ("a.jpg,3,0,0,0,7", "most votes are for no class"),
    ],
)
def test_rows_that_are_left_out(tmp_path: Path, row: str, reason: str) -> None:
    data = read_votes(table(tmp_path, "good.jpg,9,1,0,0,0", row), "emotion")
    assert [why for _, why in data.left_out] == [reason]
    with pytest.raises(FacesError, match=f"no row with a photograph and votes for a class .*{reason}"):
        read_votes(table(tmp_path, row), "emotion")


@pytest.mark.parametrize("head", ["path,neutral", "file,neutral,anger", "path,neutral,unknown"])
def test_tables_that_are_none_of_votes(tmp_path: Path, head: str) -> None:
    with pytest.raises(UsageError, match="no table of votes: its first line must be path and the names of the classes"):
        read_votes(table(tmp_path, head=head), "emotion")


def test_a_missing_table_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such data set"):
        reading.read(tmp_path / "none.csv", votes="emotion")
    with pytest.raises(UsageError, match="--votes needs a CSV file with a column for each class"):
        reading.read(tmp_path, votes="emotion")
    (tmp_path / "votes.csv").write_bytes(b"path,a,b\n\xff,1,0\n")
    with pytest.raises(UsageError, match="not a readable CSV file in UTF-8"):
        reading.read(tmp_path / "votes.csv", votes="emotion")


def test_votes_are_selected_and_digested_with_their_photographs(tmp_path: Path) -> None:
    data = reading.read(table(tmp_path, "a.jpg,6,4,0,0,0", "b.jpg,0,1,9,0,0"), votes="emotion")
    other = reading.read(table(tmp_path, "a.jpg,9,1,0,0,0", "b.jpg,0,1,9,0,0"), votes="emotion")
    assert data[1:].votes["emotion"].tolist() == data.votes["emotion"][1:].tolist()
    files = np.array([b"a", b"b"], "S64")
    assert labelled.digest(data, files) != labelled.digest(other, files)  # though the majorities are equal
    assert labelled.digest(data, files) == labelled.digest(data[::-1], files[::-1])


def test_training_gets_the_shares_and_rare_classes_count_more(tmp_path: Path) -> None:
    rows = [f"{number}.jpg,8,2,0,0,0" for number in range(3)] + ["rare.jpg,0,0,5,0,0", "tie.jpg,5,5,0,0,0"]
    data = read_votes(table(tmp_path, *rows), "emotion")
    images = np.zeros((5, 8, 8, 3), np.uint8)
    _, labels, weights = heads.fit_data(data, images, np.ones(5, np.bool_), balance=0.25)
    assert labels["emotion"].tolist() == data.votes["emotion"].tolist()
    assert weights["emotion"][3] > weights["emotion"][0] > 0
    assert weights["emotion"][4] > 0  # a tie is learned too
    assert heads.fit_data(data, images, np.ones(5, np.bool_))[2]["emotion"].tolist() == [1] * 5
