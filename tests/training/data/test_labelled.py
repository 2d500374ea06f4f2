"""Labelled photographs: the three forms, what is left out, and what is too little to learn from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from faces.errors import FacesError, UsageError
from faces.files.finding import NO_PHOTOGRAPH
from faces.training.data import labelled, reading
from faces.training.data.labelled import AGE_GROUPS, CLASSES, LabelledImages


def touch(folder: Path, *names: str) -> Path:
    """Empty files: nothing here reads photographs."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names(data: LabelledImages) -> list[str]:
    return [path.name for path in data.paths]


def table(folder: Path, *lines: str) -> Path:
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "labels.csv"


UTKFACE = ("26_1_2_20170116.jpg.chip.jpg", "7_0_4_20170117.jpg", "60_0_0_20170116232725357jpg.chip.jpg")


def test_utkfaces_names(tmp_path: Path) -> None:
    data = reading.read(touch(tmp_path, *UTKFACE))
    assert names(data) == sorted(UTKFACE)
    assert data.labels["age"].tolist() == [26, 60, 7]
    assert data.labels["age"].dtype == np.float32
    assert data.labels["gender"].tolist() == [1, 0, 0]
    assert data.labels["age_group"].tolist() == [1, 2, 0]
    assert data.labels["ethnicity"].tolist() == [2, 0, 4]
    assert data.classes == {target: CLASSES[target] for target in ("gender", "age_group", "ethnicity")}
    assert data.left_out == ()


def test_names_that_do_not_fit_and_labels_out_of_range_are_left_out_and_told(tmp_path: Path) -> None:
    bad = {
        "39_1_20170116.jpg.chip.jpg": "not named AGE_GENDER_RACE_TIME.jpg",
        "portrait.jpg": "not named AGE_GENDER_RACE_TIME.jpg",
        "-3_1_0_20170116.jpg": "not named AGE_GENDER_RACE_TIME.jpg",
        "117_1_0_20170116.jpg": "an age over 116",
        "20_2_0_20170116.jpg": "a gender that is not 0 or 1",
        "20_1_5_20170116.jpg": "a race that is not 0 to 4",
        "notes.txt": NO_PHOTOGRAPH,
    }
    lines: list[str] = []
    data = reading.read(touch(tmp_path, "116_1_0_1.jpg", *bad, ".hidden.jpg"), log=lines.append)
    assert names(data) == ["116_1_0_1.jpg"]
    assert {path.name: reason for path, reason in data.left_out} == bad
    assert lines[:2] == [
        f"{tmp_path}: 1 labelled photograph",
        f"{tmp_path}: 3 left out: not named AGE_GENDER_RACE_TIME.jpg",
    ]


def test_some_targets(tmp_path: Path) -> None:
    touch(tmp_path, *UTKFACE)
    assert list(reading.read(tmp_path, ["age", "gender"]).labels) == ["age", "gender"]
    with pytest.raises(UsageError, match="no label 'beard'; the labels are gender, age, age_group, ethnicity"):
        reading.read(tmp_path, ["beard"])


@pytest.mark.parametrize(("age", "group"), [(0, 0), (19, 0), (19.9, 0), (20, 1), (59, 1), (60, 2), (116, 2)])
def test_age_groups(age: float, group: int) -> None:
    assert labelled.age_groups(np.array([age])).tolist() == [group]
    assert len(AGE_GROUPS) == 3


def test_a_folder_per_class(tmp_path: Path) -> None:
    data = reading.read(touch(tmp_path, "dogs/b.jpg", "cats/deep/a.png", "cats/c.jpg", "cats/notes.txt", "empty/x.txt"))
    assert data.classes == {"class": ("cats", "dogs")}
    assert dict(zip(names(data), data.labels["class"].tolist(), strict=True)) == {"a.png": 0, "c.jpg": 0, "b.jpg": 1}
    assert data.left_out == (
        (tmp_path / "cats" / "notes.txt", NO_PHOTOGRAPH),
        (tmp_path / "empty" / "x.txt", NO_PHOTOGRAPH),
        (tmp_path / "empty", "a folder without photographs"),
    )
    assert data.counts("class") == {"cats": 2, "dogs": 1}
    assert list(reading.read(tmp_path, ["animal"]).labels) == ["animal"]


def test_a_folder_per_class_is_one_target_and_no_age(tmp_path: Path) -> None:
    touch(tmp_path, "cats/a.jpg", "dogs/b.jpg")
    with pytest.raises(UsageError, match="one target, not 2"):
        reading.read(tmp_path, ["gender", "age"])
    with pytest.raises(UsageError, match="age is a number"):
        reading.read(tmp_path, ["age"])


def test_fer2013s_folders_are_the_face_apis_emotions(tmp_path: Path) -> None:
    folders = ("angry", "disgust", "fear", "Happy", "neutral", "sad", "surprise")
    touch(tmp_path, *(f"{folder}/1.jpg" for folder in folders))
    data = reading.read(tmp_path, ["emotion"])
    assert data.classes["emotion"] == CLASSES["emotion"]
    assert [data.classes["emotion"][at] for at in data.labels["emotion"][:2]] == ["happiness", "anger"]  # H before a
    assert reading.read(tmp_path).classes["class"] == tuple(sorted(folders))


def test_a_csv_file(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        "\ufeffpath,gender,age,hair",
        "a.jpg,female,33,red",
        "b/b.png,male,,black",
        "c.jpg,,70.5,",
        "d.jpg,,,",
        "e.jpg,male,old,red",
        "f.jpg,male,117,red",
        ",male,3,red",
        "g.txt,male,3,red",
    )
    data = reading.read(file)
    assert data.paths == (tmp_path / "a.jpg", tmp_path / "b/b.png", tmp_path / "c.jpg")
    assert data.labels["gender"].tolist() == [1, 0, -1]
    assert data.labels["age"].tolist()[::2] == [33, 70.5]
    assert data.known("age").tolist() == [True, False, True]
    assert data.labels["age_group"].tolist() == [1, -1, 2]
    assert data.classes == {"gender": ("male", "female"), "hair": ("black", "red"), "age_group": AGE_GROUPS}
    assert [reason for _, reason in data.left_out] == [
        "no label",
        *["an age that is not a number from 0 to 116"] * 2,
        "a row without a path",
        "not the name of an image",
    ]
    assert list(reading.read(file, ["age_group"]).labels) == ["age_group"]
    elsewhere = reading.read(file, images=tmp_path / "photographs")
    assert elsewhere.paths[0] == tmp_path / "photographs" / "a.jpg"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "no table of labels"),
        (b"file,gender\na.jpg,male\n", "no table of labels"),
        (b"path\na.jpg\n", "no table of labels"),
        (b"path,gender\n\xff.jpg,male\n", "not a readable CSV file"),
        (b"path,gender\n", "no row with a photograph and a label"),
        (b"path,age\na.jpg,-1\nb.jpg,nan\n", "no row with a photograph and a label .2 left out: an age that is not"),
    ],
)
def test_a_csv_file_that_is_none(tmp_path: Path, text: bytes, message: str) -> None:
    (tmp_path / "labels.csv").write_bytes(text)
    with pytest.raises(FacesError, match=message):
        reading.read(tmp_path / "labels.csv")


def test_a_data_set_that_is_not_there_or_has_no_photographs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such data set"):
        reading.read(tmp_path / "nowhere")
    with pytest.raises(FacesError, match="no labelled photographs in it"):
        reading.read(touch(tmp_path, "portrait.jpg"))
    (tmp_path / "cats").mkdir()
    with pytest.raises(FacesError, match="expected a folder per class"):
        reading.read(tmp_path)
    with pytest.raises(FacesError, match=r"1 left out: a gender"):
        reading.read(touch(tmp_path / "utk", "20_7_0_1.jpg"))


def test_indexing_by_mask_indices_and_slice(tmp_path: Path) -> None:
    data = reading.read(touch(tmp_path, *UTKFACE))
    for rows in (np.array([True, False, True]), np.array([0, 2]), slice(0, 3, 2)):
        selected = data[rows]
        assert names(selected) == [names(data)[0], names(data)[2]]
        assert selected.labels["age"].tolist() == [26, 7]
    assert len(data[np.zeros(3, np.bool_)]) == 0


def test_labels_must_fit_the_photographs() -> None:
    with pytest.raises(ValueError, match="per photograph"):
        LabelledImages((Path("a"),), {"class": np.zeros(2, np.intp)}, {"class": ("a", "b")})
    with pytest.raises(ValueError, match="classes"):
        LabelledImages((Path("a"),), {"class": np.zeros(1, np.intp)}, {})


def test_copies_that_augmentation_made(tmp_path: Path) -> None:
    data = reading.read(touch(tmp_path, "a/X.jpg", "a/X.jpg3.jpg", "b/Y.jpg12.jpg", "b/1_0_0_7.jpg.chip.jpg"))
    assert dict(zip(names(data), data.copies.tolist(), strict=True)) == {
        "X.jpg": False,
        "X.jpg3.jpg": True,
        "Y.jpg12.jpg": True,
        "1_0_0_7.jpg.chip.jpg": False,
    }
    assert labelled.original_of(Path("b/Y.jpg12.jpg")) == Path("b/Y.jpg")
    assert labelled.original_of(Path("b/Y.jpg")) is None


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["cats/1.jpg", "cats/2.jpg", "cats/3.jpg"], "all photographs are 'cats'; training needs two classes"),
        (["cats/1.jpg", "cats/2.jpg", "cats/3.jpg", "dogs/1.jpg"], "only 1 photograph of 'dogs'"),
        (["cats/1.jpg", "cats/2.jpg", "cats/3.jpg", "dogs/1.jpg", "dogs/1.jpg1.jpg"], "only 1 photograph of 'dogs'"),
        (["cats/1.jpg", "cats/2.jpg", "cats/3.jpg", "dogs/1.jpg", "dogs/2.jpg"], "only 2 photographs of 'dogs'"),
    ],
)
def test_what_cannot_be_learnt(tmp_path: Path, files: list[str], message: str) -> None:
    with pytest.raises(FacesError, match=message):
        labelled.require_trainable(reading.read(touch(tmp_path, *files)), ["class"])


def test_what_can_be_learnt(tmp_path: Path) -> None:
    folder = touch(tmp_path, *(f"{20 + at}_{at % 2}_0_{at}.jpg" for at in range(6)))
    labelled.require_trainable(reading.read(folder), ["gender", "age"])
    with pytest.raises(FacesError, match="age_group: all photographs are 'adult'"):
        labelled.require_trainable(reading.read(folder), ["age_group"])
    one = table(tmp_path, "path,gender,age", "a.jpg,male,", "b.jpg,female,3")
    with pytest.raises(FacesError, match="age: fewer than 3"):
        labelled.require_trainable(reading.read(one), ["age"])


def test_the_digest_is_of_contents_and_labels_not_of_names_or_order(tmp_path: Path) -> None:
    data = reading.read(touch(tmp_path, *UTKFACE))
    files, back = np.array([b"a", b"b", b"c"], "S64"), np.array([2, 0, 1])
    assert labelled.digest(data, files) == labelled.digest(data[back], files[back])
    assert labelled.digest(data, files) != labelled.digest(data, files[back])
    assert labelled.digest(data, files) != labelled.digest(data, np.array([b"a", b"b", b"d"], "S64"))


def test_a_huge_folder_is_listed_lazily(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = []

    @contextmanager
    def scandir(_: object) -> Iterator[Iterator[SimpleNamespace]]:
        def entries() -> Iterator[SimpleNamespace]:
            for number in range(1_000_000):
                given.append(number)
                yield SimpleNamespace(name=f"20_1_0_{number}.jpg")

        yield entries()

    monkeypatch.setattr(os, "scandir", scandir)
    assert next(reading._entries(tmp_path)).name == "20_1_0_0.jpg"
    monkeypatch.setattr(reading, "read_utkface", lambda _: LabelledImages((), {}, {}))
    reading.read(tmp_path)
    assert len(given) <= 4  # the form is told from the first file that fits


def test_listing_looks_at_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    touch(tmp_path, *(f"{at % 90}_1_0_{at}.jpg" for at in range(300)))
    looked: list[object] = []
    real = os.stat

    def stat(path: object, *args: object, **more: object) -> os.stat_result:
        looked.append(path)
        return real(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", stat)
    assert len(reading.read(tmp_path)) == 300
    assert len(looked) < 20  # of the folder and those above it
