"""Files of pairs: LFW's format with and without folds, and CSV; and their errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.errors import UsageError
from faces.evaluation.searches import pairs

FOLDS = "2\t1\nAda\t1\t2\nAda\t1\tBob\t1\nBob\t1\t2\nBob\t2\tAda\t2\n"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name, suffixes in (("Ada", (".jpg", ".png")), ("Bob", (".jpg", ".JPEG"))):
        (tmp_path / name).mkdir()
        for number, suffix in enumerate(suffixes, 1):
            (tmp_path / name / f"{name}_{number:04d}{suffix}").touch()
    return tmp_path


def read(images: Path, text: str, name: str = "pairs.txt") -> pairs.Pairs:
    (images / name).write_text(text, encoding="utf-8")
    return pairs.read(images / name)


def shown(found: pairs.Pairs) -> list[tuple[str, str, bool]]:
    return [
        (a.stem[0] + a.stem[-1], b.stem[0] + b.stem[-1], bool(same))
        for a, b, same in zip(found.first, found.second, found.same, strict=True)
    ]


def test_folds(images: Path) -> None:
    found = read(images, FOLDS)
    assert shown(found) == [("A1", "A2", True), ("A1", "B1", False), ("B1", "B2", True), ("B2", "A2", False)]
    assert found.fold is not None and found.fold.tolist() == [0, 0, 1, 1]
    assert found.second[0] == images / "Ada" / "Ada_0002.png"  # any image's extension
    assert found.second[2].name == "Bob_0002.JPEG"


@pytest.mark.parametrize(
    "text",
    [
        "2\nAda\t1\t2\nBob\t1\t2\nAda\t1\tBob\t1\nBob\t2\tAda\t2\n",
        "Ada 1 2\nBob 1 2\n\nAda 1 Bob 1\r\nBob 2 Ada 2",  # no first line, spaces, an empty line
    ],
)
def test_without_folds(images: Path, text: str) -> None:
    found = read(images, text)
    assert shown(found) == [("A1", "A2", True), ("B1", "B2", True), ("A1", "B1", False), ("B2", "A2", False)]
    assert found.fold is None


@pytest.mark.parametrize(
    "text",
    [
        "photograph,other,same,fold\nAda/Ada_0001.jpg,Ada/Ada_0002.png,1,a\nAda/Ada_0001.jpg,Bob/Bob_0001.jpg,0,a\n"
        "Bob/Bob_0001.jpg,Bob/Bob_0002.JPEG,yes,b\nAda/Ada_0002.png,Bob/Bob_0001.jpg,False,b\n",
        "fold,same,other,photograph\na,1,Ada/Ada_0002.png,Ada/Ada_0001.jpg\na,0,Bob/Bob_0001.jpg,Ada/Ada_0001.jpg\n"
        "b,1,Bob/Bob_0002.JPEG,Bob/Bob_0001.jpg\nb,0,Bob/Bob_0001.jpg,Ada/Ada_0002.png\n",
        "Ada/Ada_0001.jpg,Ada/Ada_0002.png,1,a\n Ada/Ada_0001.jpg, Bob/Bob_0001.jpg, 0, a\n"
        "Bob/Bob_0001.jpg,Bob/Bob_0002.JPEG,true,b\nAda/Ada_0002.png,Bob/Bob_0001.jpg,different,b\n",
    ],
)
def test_csv(images: Path, text: str) -> None:
    found = read(images, text, "some.csv")
    assert shown(found) == [("A1", "A2", True), ("A1", "B1", False), ("B1", "B2", True), ("A2", "B1", False)]
    assert found.fold is not None and found.fold.tolist() == [0, 0, 1, 1]


def test_csv_without_folds_from_another_folder(images: Path, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.txt"  # by its commas
    path.write_text("\ufeffAda_0001.jpg,Ada_0002.png,1\nAda_0001.jpg,../Bob/Bob_0001.jpg,0\n", encoding="utf-8")
    found = pairs.read(path, images / "Ada")
    assert (len(found), found.fold) == (2, None)


def test_a_subset(images: Path) -> None:
    found = read(images, FOLDS)
    some = found[found.same]
    assert shown(some) == [("A1", "A2", True), ("B1", "B2", True)]
    assert some.fold is not None and some.fold.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no pairs in it"),
        ("10\t300\n", "announces 6,000 pairs (10 folds of 300 of one person and 300 of two people), but there are 0"),
        (FOLDS.replace("Bob\t1\t2\n", ""), "announces 4 pairs"),
        ("2\nAda 1 2\nAda 1 Bob 1\nBob 1 Ada 2\nBob 2 Ada 1", "1 pairs of one person and 3 of two, not 2 of each"),
        (FOLDS.replace("Bob\t2\tAda\t2", "Bob\t2\t1"), "fold 2 has 2 pairs of one person and 0 of two, not 1 of each"),
        ("Ada 1 2\nBob 1 2\n", "no pair of two people"),
        ("Ada 1 Bob 2\n", "no pair of one person"),
        (FOLDS.replace("Bob\t1\t2", "Bob\t1\t7"), "line 4: there is no photograph Bob/Bob_0007.jpg"),
        (FOLDS.replace("Ada", "Eve"), "line 2: there is no photograph Eve/Eve_0001.jpg"),
        ("Ada 1 2\nBob\n", "line 2: expected NAME NUMBER NUMBER"),
        ("Ada 1 2\nBob one two\n", "line 2: expected NAME NUMBER NUMBER"),
    ],
)
def test_errors_in_lfw_files(images: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        read(images, text)
    assert message in str(error.value) and "pairs.txt" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photograph,other,same\n", "no pairs in it"),
        ("photograph,same\na.jpg,1\n", "has no column 'other'"),
        ("Ada/Ada_0001.jpg,Ada/Ada_0002.png,perhaps\n", "line 1: expected PHOTOGRAPH,OTHER,SAME"),
        ("Ada/Ada_0001.jpg,Ada/Ada_0002.png\n", "line 1: expected PHOTOGRAPH,OTHER,SAME"),
        ("photograph,other,same\nAda/Ada_0001.jpg,nobody.jpg,0\n", "line 2: there is no photograph nobody.jpg"),
        ("Ada/Ada_0001.jpg,Ada/Ada_0002.png,1,a\nAda/Ada_0001.jpg,Bob/Bob_0001.jpg,0,\n", "line 2: no fold"),
        ("Ada/Ada_0001.jpg,Ada/Ada_0002.png,1,a\nAda/Ada_0001.jpg,Bob/Bob_0001.jpg,0,b\n", "fold 1 has no pair of two"),
    ],
)
def test_errors_in_csv_files(images: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        read(images, text, "some.csv")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: no such file"):
        pairs.read(tmp_path / "pairs.txt")
    (tmp_path / "pairs.txt").write_text("Ada 1 2\n")
    with pytest.raises(UsageError, match="no such folder; give the folder of the photographs with --images"):
        pairs.read(tmp_path / "pairs.txt", tmp_path / "none")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(UsageError, match="not a text file"):
        pairs.read(tmp_path / "photo.jpg")
