"""Find photographs by the people in them, show them on a page, and put the best ones into a data set."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.embedding.embedders import unit
from faces.errors import FacesError, UsageError
from faces.images import read_image
from faces.photos import answers, contents
from faces.photos.exporting import choose, export
from faces.photos.finding import Found, find, since_date
from faces.photos.gallery import write_gallery
from faces.photos.library import Library
from faces.photos.pictures import square
from faces.photos.regrouping import regroup
from faces.photos.sheets import Applied, apply_answers, write_sheets
from tests.fakes import noise
from tests.photos.libraries import add, library_of, person

ADA, GRACE = person(0, 9), person(1, 5)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Ada alone on six photographs, Grace on three, both together on one, Ada beside a stranger on one."""
    with library_of(tmp_path) as library:
        for k in range(6):
            add(library, tmp_path / f"ada-{k}.jpg", ADA[k : k + 1])
        for k in range(3):
            add(library, tmp_path / f"grace-{k}.jpg", GRACE[k : k + 1])
        add(library, tmp_path / "both.jpg", np.stack([ADA[6], GRACE[3]]))
        add(library, tmp_path / "stranger.jpg", np.concatenate([ADA[7:8], person(5, 1)]))
        for path in tmp_path.glob("*.jpg"):
            path.unlink()
        for file in list(contents.files(library)):
            cv2.imwrite(str(file.path), noise(200, 1000))
        regroup(library)
        for first, name in (("ada-0", "Ada"), ("grace-0", "Grace")):
            (face,) = contents.faces(library, path=tmp_path / f"{first}.jpg")
            answers.name(library, [each.id for each in contents.faces(library, group=face.group)], name)
        regroup(library)
        yield library


def names(found: list[Found]) -> list[str]:
    return sorted(one.path.stem for one in found)


def test_people_are_found_together_without_others_and_alone(library: Library) -> None:
    assert len(find(library, ["Ada"])) == 8
    assert names(find(library, ["Ada", "Grace"])) == ["both"]
    assert "both" not in names(find(library, ["Ada"], without=["Grace"]))
    assert names(find(library, ["Ada"], only=True)) == [f"ada-{k}" for k in range(6)]
    assert names(find(library, ["Ada", "Grace"], only=True)) == ["both"]


def test_a_name_that_nobody_has_is_refused_with_those_there_are(library: Library) -> None:
    with pytest.raises(UsageError, match=r"nobody in .* has the name 'Bob'; there are: Ada, Grace"):
        find(library, ["Ada"], without=["Bob"])


def test_photographs_are_found_by_date(library: Library) -> None:
    assert len(find(library, ["Ada"], since="2020")) == len(find(library, ["Ada"], since="2020-05-01")) == 8
    assert find(library, ["Ada"], since="2020-06") == []
    assert since_date("2019-05") == "2019-05"
    for text in ("May", "2019-13", "19", "2019-5-1"):
        with pytest.raises(ValueError, match=text):
            since_date(text)


def test_a_face_is_found_by_example_the_most_similar_first(library: Library) -> None:
    found = find(library, like=person(1, 9)[8])
    assert names(found) == ["both", "grace-0", "grace-1", "grace-2"]
    similarities = [one.similarity or 0 for one in found]
    assert similarities == sorted(similarities, reverse=True)


def test_a_page_shows_what_was_found_and_only_its_owner_may_read_it(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "found.html"
    write_gallery(path, "<Ada>", [*find(library, ["Ada"]), Found(tmp_path / "gone.jpg", "2020", ())])
    page = path.read_text(encoding="utf-8")
    assert page.count("<figure>") == 9 and page.count("data:image/jpeg") == 8
    assert "<h1>&lt;Ada&gt; (9)</h1>" in page
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_square_around_a_face_has_it_in_the_middle_at_any_scale() -> None:
    image = np.zeros((400, 600, 3), np.uint8)
    image[100:200, 300:400] = (0, 0, 255)
    for side in (40, 160, 340):
        cut = square(image, (300, 100, 400, 200), side)
        assert cut.shape == (side, side, 3)
        red = np.argwhere(cut[:, :, 2] > 127)
        assert np.allclose(red.mean(axis=0), (side - 1) / 2, atol=1)
        assert abs(np.ptp(red[:, 0]) + 1 - side / 1.7) <= 2
    assert (square(image, (-50, 0, 50, 100), 100)[50, 0] == 255).all()


def test_the_best_and_most_different_photographs_become_a_data_set(library: Library, tmp_path: Path) -> None:
    done = export(library, tmp_path / "dataset", ["Ada"], most=5)
    made = sorted((tmp_path / "dataset" / "Ada").iterdir())
    assert (done.people, done.photographs, done.known, len(made)) == (1, 5, 0, 5)
    assert export(library, tmp_path / "dataset", ["Ada"], most=5).known == 5
    for path in made:
        assert path.is_symlink() or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_faces_that_are_least_like_each_other_are_chosen(tmp_path: Path) -> None:
    poses = person(0, 2, scatter=0.05)
    nearly_same = np.concatenate([unit(pose + person(1, 4) * np.float32(0.02)) for pose in poses])
    with library_of(tmp_path, nearly_same) as library:
        answers.name(library, list(range(1, 9)), "Ada")
        regroup(library)
        first, second = (face.id for face in choose(library, "Ada", 2))
        assert (first <= 4) != (second <= 4)


def test_of_a_picture_with_others_the_face_is_cut_out(library: Library, tmp_path: Path) -> None:
    export(library, tmp_path / "dataset", most=20)
    links = [path for path in (tmp_path / "dataset").rglob("*.jpg") if path.is_symlink()]
    cut = [path for path in (tmp_path / "dataset").rglob("*.jpg") if not path.is_symlink()]
    assert (len(links), len(cut)) == (9, 3)
    assert read_image(cut[0]).shape == (400, 400, 3)


def test_nobody_of_that_name_is_exported(library: Library, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nobody in .* has the name 'Bob'"):
        export(library, tmp_path / "dataset", ["Bob"])
    assert not (tmp_path / "dataset").exists()


def test_nothing_is_exported_while_nobody_has_a_name(tmp_path: Path) -> None:
    with library_of(tmp_path, person(0, 2)) as library, pytest.raises(UsageError, match="run: faces photos name"):
        export(library, tmp_path / "dataset")


@pytest.mark.parametrize("name", ["../../Bob", "C:Bob", "..", "B\0b"])
def test_an_enrolled_name_that_is_no_folder_is_not_exported(library: Library, tmp_path: Path, name: str) -> None:
    with library.write() as database:  # as the recognizer may name people who were enrolled on the server
        database.execute("UPDATE people SET name = ? WHERE name = 'Ada'", [name])
    with pytest.raises(UsageError, match="cannot be a folder"):
        export(library, tmp_path / "one" / "dataset")
    assert not (tmp_path / "one").exists()
    assert export(library, tmp_path / "one" / "dataset", ["Grace"]).people == 1


@pytest.fixture
def unnamed(library: Library) -> Library:
    while [answer for answer in answers.answers(library) if not answer.undone]:
        answers.undo(library)
    regroup(library)
    return library


def test_groups_are_named_with_sheets_and_a_table(unnamed: Library, tmp_path: Path) -> None:
    folder = tmp_path / "sheets"
    assert write_sheets(unnamed, folder) == 2
    sheets = sorted(folder.glob("*.jpg"))
    assert len(sheets) == 2 and {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    lines = (folder / "answers.csv").read_text(encoding="utf-8-sig").splitlines()
    (wrong,) = (face.id for face in contents.faces(unnamed, path=tmp_path / "ada-3.jpg"))
    lines[1] = lines[1].replace(",,,,", f",,Ada,,{wrong}")
    lines[2] = lines[2].replace(",,,,", ",,-,,")
    (folder / "answers.csv").write_text("\n".join(lines), encoding="utf-8")
    assert apply_answers(unnamed, folder / "answers.csv") == Applied(named=1, ignored=1, taken_out=1)
    regroup(unnamed)
    people = {face.path.stem: face.person for face in contents.faces(unnamed) if face.path.stem != "both"}
    assert people["ada-2"] == "Ada" and people["ada-3"] is None and people["grace-0"] is None


def test_a_table_is_not_written_over_answers(unnamed: Library, tmp_path: Path) -> None:
    write_sheets(unnamed, tmp_path / "sheets")
    with pytest.raises(UsageError, match=r"answers.csv is there, perhaps with answers"):
        write_sheets(unnamed, tmp_path / "sheets")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("group,name,same_as,not_these\n1,Ada,,\n99,Bob,,\n", "line 3: there is no group 99"),
        ("group,name,same_as,not_these\n1,Ada,,\none,Bob,,\n", "line 3: 'one' is not a number"),
        ("group,name,same_as,not_these\n1,a/b,,\n", "line 2: 'a/b' is no name"),
        ("group,name,same_as,not_these\n1,,77,\n", "line 2: there is no group 77"),
        ("group,name,same_as,not_these\n1,Ada,,999\n", "line 2: face 999 is not in group 1"),
        ("group;name;same_as;not_these\n1;Ada;;\n", "separated by semicolons"),
        ("group,who\n1,Ada\n", "it has no column 'name'"),
        (b"group,name\xff\n", "not UTF-8"),
        (f"group,name,same_as,not_these\n{'9' * 19},Ada,,\n", "line 2: '9+' is not a number"),
        (f"group,name,same_as,not_these\n1,Ada,{'9' * 5000},\n", "line 2: '9+' is not a number"),
        (f"group,name,same_as,not_these\n1,{'a' * 200_000},,\n", "field larger than field limit"),
        ("group,name,same_as,not_these\n1,Ada\rBob,,\n", "line 3: 'Bob' is not a number"),
    ],
)
def test_a_table_with_an_error_is_refused_whole(
    unnamed: Library, tmp_path: Path, table: str | bytes, message: str
) -> None:
    path = tmp_path / "answers.csv"
    path.write_bytes(table if isinstance(table, bytes) else table.encode())
    before = len(list(answers.answers(unnamed)))
    with pytest.raises(UsageError, match=message):
        apply_answers(unnamed, path)
    assert len(list(answers.answers(unnamed))) == before


def test_a_table_that_is_not_there_is_one_line(unnamed: Library, tmp_path: Path) -> None:
    with pytest.raises(FacesError, match=r"answers.csv: cannot be read"):
        apply_answers(unnamed, tmp_path / "answers.csv")
