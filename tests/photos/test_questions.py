"""Questions: the largest group first, and a face alone only if it may be somebody who has a name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faces.embedding.embedders import unit
from faces.photos import answers, groups
from faces.photos.library import Library
from faces.photos.questions import IS_IT, WHO, questions
from faces.photos.regrouping import regroup
from tests.photos.libraries import add, library_of, person


def test_an_empty_library_asks_nothing(tmp_path: Path) -> None:
    assert questions(Library(tmp_path / "photos.sqlite", create=True)) == []


def test_groups_are_asked_largest_first_and_settled_ones_never(tmp_path: Path) -> None:
    library = library_of(tmp_path, person(0, 3), person(1, 6), person(2, 4), person(3, 1))
    regroup(library)
    asked = questions(library)
    assert [(question.kind, question.settles, question.person) for question in asked] == [
        (WHO, 6, ""),
        (WHO, 4, ""),
        (WHO, 3, ""),
    ]
    answers.name(library, groups.faces_of(library, asked[0].group or 0), "Ada")
    answers.ignore(library, groups.faces_of(library, asked[1].group or 0))
    regroup(library)
    assert [question.group for question in questions(library)] == [asked[2].group]


def test_a_face_that_may_be_a_person_is_asked_about_until_it_is_answered(tmp_path: Path) -> None:
    ada = person(0, 6)
    rest = person(1, 1)
    unlike = unit(ada.mean(axis=0, keepdims=True) * np.float32(0.38) + rest * np.float32(0.9))
    library = library_of(tmp_path, ada, unlike)
    answers.name(library, [1, 2, 3, 4, 5, 6], "Ada")
    regroup(library)
    (question,) = questions(library)
    assert (question.kind, question.face, question.person) == (IS_IT, 7, "Ada")
    assert question.settles == question.probability
    assert 0.1 < question.settles < 1
    answers.not_person(library, [7], "Ada")
    regroup(library)
    assert questions(library) == []


def test_a_face_beside_the_person_is_not_asked_about(tmp_path: Path) -> None:
    ada = person(0, 6)
    unlike = unit(ada.mean(axis=0, keepdims=True) * np.float32(0.38) + person(1, 1) * np.float32(0.9))
    library = library_of(tmp_path, ada)
    add(library, Path("/album/two.jpg"), np.concatenate([person(0, 7)[6:], unlike]))
    answers.name(library, [1, 2, 3, 4, 5, 6], "Ada")
    regroup(library)
    assert questions(library) == []
