"""Answers: each says at once what it says, holds when everything is grouped again, and can be taken back."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faces.errors import UsageError
from faces.photos import answers, contents, groups
from faces.photos.library import Library
from faces.photos.records import ENROLLED, GROUP, IGNORED, MATCHED, NAMED, NOBODY, Face
from faces.photos.regrouping import regroup
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from tests.photos.libraries import MODELS, add, library_of, person


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Ada has faces 1 to 5, Grace 6 to 9, two strangers one each."""
    with library_of(tmp_path, person(0, 5), person(1, 4), person(2, 1), person(3, 1)) as library:
        regroup(library)
        yield library


def faces(library: Library) -> dict[int, Face]:
    return {face.id: face for face in contents.faces(library)}


def statuses(library: Library) -> list[str]:
    return [face.status for _, face in sorted(faces(library).items())]


def test_groups_are_listed_largest_first(library: Library) -> None:
    listed = list(groups.groups(library))
    assert [(group.faces, group.photographs, group.person, group.ignored) for group in listed] == [
        (5, 5, None, False),
        (4, 4, None, False),
    ]
    assert statuses(library) == [GROUP] * 9 + [NOBODY] * 2
    assert groups.faces_of(library, listed[1].id) == [6, 7, 8, 9]


def test_a_name_is_there_at_once_and_reaches_new_photographs_of_the_person(library: Library) -> None:
    number = next(groups.groups(library)).id
    answers.name(library, groups.faces_of(library, number), " Ada  Lovelace ")
    assert statuses(library)[:6] == [NAMED] * 5 + [GROUP]
    add(library, Path("/album/new.jpg"), person(0, 6)[5:])
    regroup(library)
    new = faces(library)[12]
    assert (new.person, new.status, new.group) == ("Ada Lovelace", MATCHED, number)
    assert groups.people(library) == {"Ada Lovelace": 6}
    assert [group.person for group in groups.groups(library, unknown=True)] == [None]


def test_faces_of_one_picture_are_not_united(tmp_path: Path) -> None:
    with library_of(tmp_path, person(0, 2), person(1, 2)) as library:
        add(library, Path("/album/both.jpg"), np.concatenate([person(0, 3)[2:], person(1, 3)[2:]]))
        regroup(library)
        one, other = (groups.faces_of(library, group.id) for group in groups.groups(library))
        with pytest.raises(UsageError, match="they have faces in one picture"):
            answers.same(library, [*one, *other])
        assert not list(answers.answers(library))
        answers.same(library, [*one[:2], *other[:2]])


@pytest.mark.parametrize(
    "name", ["", "  ", "unknown", "a/b", ".hidden", "..\\..\\b", "C:b", "a\0b", "a\x1b[31m", "\udcff", "x" * 256]
)
def test_an_unusable_name_is_refused(library: Library, name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a person"):
        answers.name(library, [1], name)
    assert not list(answers.answers(library))


def test_a_face_that_is_not_there_is_refused_and_nothing_is_stored(library: Library) -> None:
    with pytest.raises(UsageError, match="no face 99"):
        answers.name(library, [1, 99], "Ada")
    assert not list(answers.answers(library)) and statuses(library)[0] == GROUP


def test_two_groups_become_one_and_a_face_leaves_its_group(library: Library) -> None:
    answers.same(library, [1, 2, 3, 4, 5, 6, 7, 8, 9])
    regroup(library)
    assert [group.faces for group in groups.groups(library)] == [9]
    answers.different(library, [3], [1, 2, 4, 5])
    assert (faces(library)[3].status, faces(library)[3].group) == (NOBODY, None)
    regroup(library)
    assert [group.faces for group in groups.groups(library)] == [8]
    assert faces(library)[3].group is None


def test_a_number_that_no_database_holds_is_one_line(library: Library) -> None:
    with pytest.raises(UsageError, match="a number is too large"):
        answers.name(library, [10**20], "Ada")
    with pytest.raises(UsageError, match="a number is too large"):
        groups.faces_of(library, 10**20)
    assert not list(answers.answers(library))


def test_who_is_not_a_person_keeps_out_of_their_group_and_of_the_recognizers_names(library: Library) -> None:
    answers.name(library, [1, 2, 3, 4, 5], "Ada")
    answers.not_person(library, [5], "Ada")
    regroup(library)
    assert [faces(library)[number].person for number in (1, 4, 5)] == ["Ada", "Ada", None]
    recognizer = ada()
    for _ in range(2):  # for ever
        regroup(library, recognizer=recognizer)
        assert faces(library)[5].person is None


def test_the_ignored_stay_ignored_also_in_new_photographs(library: Library) -> None:
    answers.ignore(library, [6, 7, 8, 9])
    add(library, Path("/album/new.jpg"), person(1, 5)[4:])
    regroup(library)
    assert statuses(library)[5:9] == [IGNORED] * 4 and faces(library)[12].status == IGNORED
    assert [group.ignored for group in groups.groups(library)] == [False, True]
    assert [group.faces for group in groups.groups(library, unknown=True)] == [5]


def test_what_was_said_is_taken_back_once(library: Library) -> None:
    answers.name(library, [1, 2], "Ada")
    answers.ignore(library, [6])
    assert answers.undo(library).kind == "ignore"
    assert answers.undo(library).kind == "name"
    with pytest.raises(UsageError, match="no answer to undo"):
        answers.undo(library)
    regroup(library)
    assert statuses(library) == [GROUP] * 9 + [NOBODY] * 2
    assert [answer.undone for answer in answers.answers(library)] == [True, True]


def test_numbers_of_groups_stay(library: Library) -> None:
    before = {face: found.group for face, found in faces(library).items()}
    with library.write():
        for seed in range(5, 9):
            for k, embedding in enumerate(person(seed, 7)):
                add(library, Path(f"/album/more-{seed}-{k}.jpg"), embedding[None])
    regroup(library)
    assert {face: faces(library)[face].group for face in before} == before
    assert len({group.id for group in groups.groups(library)}) == 6


def ada() -> FaceRecognizer:
    enrolled = np.concatenate([person(0, 8)[5:], *(person(seed, 3) for seed in range(20, 28))])
    names = ("Ada",) * 3 + tuple(f"P{k // 3}" for k in range(24))
    return FaceRecognizer().fit(Gallery(embeddings=enrolled, names=names, fingerprint=MODELS))


def test_the_recognizer_names_whole_groups_and_answers_count_more(library: Library) -> None:
    regroup(library, recognizer=ada())
    assert statuses(library)[:6] == [ENROLLED] * 5 + [GROUP] and faces(library)[1].person == "Ada"
    answers.name(library, [1, 2, 3, 4, 5], "Augusta")
    regroup(library, recognizer=ada())
    assert {faces(library)[number].person for number in range(1, 6)} == {"Augusta"}


def test_a_region_names_a_face_once_and_people_count_more(library: Library) -> None:
    path, box = Path("/album/0-00.jpg"), np.array([0, 0, 90, 120], np.float32)
    for _ in range(2):
        assert answers.name_region(library, path, box, "Ada") == 1
    assert len(list(answers.answers(library))) == 1
    assert answers.name_region(library, path, np.array([500, 0, 600, 100], np.float32), "Ada") is None
    answers.name(library, [1], "Augusta")
    answers.name_region(library, path, box, "Countess")
    regroup(library)
    assert faces(library)[1].person == "Augusta"


def test_answers_outlive_the_photograph_and_come_back_with_it(library: Library) -> None:
    answers.name(library, [1], "Ada")
    embedding = contents.embeddings(library, [1])
    with library.write() as database:
        database.execute("DELETE FROM files WHERE path = ?", [b"/album/0-00.jpg"])
        database.execute("DELETE FROM contents WHERE sha256 NOT IN (SELECT sha256 FROM files)")
    regroup(library)
    assert groups.people(library) == {}
    add(library, Path("/album/0-00.jpg"), embedding)
    regroup(library)
    assert groups.people(library) == {"Ada": 5}


def test_corrections_are_a_table_beside_the_library(library: Library) -> None:
    answers.name(library, [1], "=Ada")
    answers.different(library, [6], [7])
    answers.undo(library)
    path = answers.write_corrections(library)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert path.name == "corrections.csv" and len(rows) == 3
    assert (rows[0]["kind"], rows[0]["name"], rows[0]["file"], rows[0]["box"]) == (
        *("name", "'=Ada", "/album/0-00.jpg", "0 10 80 110"),
    )
    assert [(row["kind"], row["side"], bool(row["undone"])) for row in rows[1:]] == [
        ("different", "0", True),
        ("different", "1", True),
    ]


def test_a_file_with_new_metadata_keeps_faces_and_answers(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"with a region")
    add(library, path, person(9, 1))
    face = next(contents.faces(library, path=path)).id
    answers.name(library, [face], "Mary")
    contents.rewritten(library, path, "e" * 64)
    kept = next(contents.faces(library, path=path))
    assert (kept.id, kept.sha256, kept.person) == (face, "e" * 64, "Mary")
    stored = contents.file_of(library, path)
    assert stored is not None and stored.size == len(b"with a region")
