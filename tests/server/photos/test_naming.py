"""The page that names groups, through a client without JavaScript."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from faces.embedding.embedders import unit
from faces.photos.library import Library
from faces.photos.regrouping import regroup
from faces.server.photos.application import create_app
from faces.server.photos.context import Naming
from tests.photos.libraries import MODELS, add, person
from tests.server.photos.conftest import SECRET, Site


def people(site: Site) -> dict[str, int]:
    named = [one for one in site.groups() if one.person]
    return {str(one.person): one.faces for one in named}


def test_the_largest_group_is_asked_for_first_and_named(site: Site) -> None:
    first, second, _ = site.groups()
    page = site.client.get("/").text
    assert "3 questions left" in page and f"/groups/{first.id}/name" in page
    page = site.answer(f"/groups/{first.id}/name", "/", name=" Ada  Lovelace ")
    assert "5 faces are Ada Lovelace." in page and "2 questions left" in page and f"/groups/{second.id}/name" in page
    assert '<option value="Ada Lovelace">' in page
    assert people(site) == {"Ada Lovelace": 5}
    assert "Ada Lovelace" in site.client.get("/people").text
    assert "Ada Lovelace" in (site.path.parent / "corrections.csv").read_text("utf-8")


def test_a_question_can_wait(site: Site) -> None:
    _, second, third = site.groups()
    assert f"/groups/{second.id}/name" in site.client.get("/?after=1").text
    last = site.client.get("/?after=2").text
    assert f"/groups/{third.id}/name" in last and "Later" not in last


def test_an_unusable_name_is_refused(site: Site) -> None:
    group = site.groups()[0].id
    assert "This is no name for a person" in site.answer(f"/groups/{group}/name", "/", name="a/b")
    assert people(site) == {}


def test_faces_are_taken_out_of_a_group(site: Site) -> None:
    group = site.groups()[0].id
    face = site.faces(group=group)[0].id
    page = site.answer(f"/groups/{group}/split", f"/groups/{group}", face=[face])
    assert "1 face is taken out." in page
    assert [one.id for one in site.faces(group=group)].count(face) == 0 and len(site.faces(group=group)) == 4


def test_no_face_and_all_faces_cannot_be_taken_out(site: Site) -> None:
    group = site.groups()[0].id
    every = [one.id for one in site.faces(group=group)]
    assert "Choose the faces first." in site.answer(f"/groups/{group}/split", f"/groups/{group}")
    page = site.answer(f"/groups/{group}/split", f"/groups/{group}", face=every)
    assert "Leave at least one face" in page and len(site.faces(group=group)) == 5


def test_two_groups_are_merged(site: Site) -> None:
    first, second, _ = site.groups()
    page = site.answer(f"/groups/{first.id}/merge", f"/groups/{first.id}/merge", other=second.id)
    assert "The two groups are one person." in page
    assert [one.faces for one in site.groups()] == [9, 3]


def test_groups_with_faces_in_one_picture_cannot_be_merged(tmp_path: Path) -> None:
    path = tmp_path / "output" / "photos.sqlite"
    with Library(path, create=True) as library:
        library.set_models(MODELS, "")
        ada, bob = person(1, 3), person(2, 3)
        for k in range(3):
            add(library, Path(f"/album/{k}.jpg"), np.stack([ada[k], bob[k]]))
        regroup(library)
    site = Site(path, create_app(Naming(path), SECRET))
    first, second = site.groups()
    page = site.answer(f"/groups/{first.id}/merge", f"/groups/{first.id}/merge", other=second.id)
    assert "They are not one person" in page and len(site.groups()) == 2
    assert "Nothing was answered yet." in site.client.get("/answers").text


def test_a_group_is_merged_with_a_person(site: Site) -> None:
    first, second, third = site.groups()
    site.answer(f"/groups/{second.id}/name", f"/groups/{second.id}", name="Ada")
    site.answer(f"/groups/{first.id}/merge", f"/groups/{first.id}/merge", other=second.id)
    assert people(site) == {"Ada": 9}
    ada = next(one.id for one in site.groups() if one.person)
    site.answer(f"/groups/{ada}/merge", f"/groups/{ada}/merge", other=third.id)
    assert people(site) == {"Ada": 12}


def test_a_face_is_not_this_person(site: Site) -> None:
    group = site.groups()[0].id
    site.answer(f"/groups/{group}/name", "/", name="Ada")
    face = site.faces(group=group)[0].id
    page = site.answer(f"/groups/{group}/not-this-person", f"/groups/{group}", face=face)
    assert "1 face is not Ada." in page and people(site) == {"Ada": 4}
    assert site.faces(ids=[face])[0].person is None


def test_it_is_asked_whether_a_face_alone_is_somebody(tmp_path: Path) -> None:
    path = tmp_path / "output" / "photos.sqlite"
    with Library(path, create=True) as library:
        library.set_models(MODELS, "")
        ada = person(0, 6)
        unlike = unit(ada.mean(axis=0, keepdims=True) * np.float32(0.38) + person(1, 1) * np.float32(0.9))
        for k, embedding in enumerate([*ada, *unlike]):
            add(library, Path(f"/album/{k}.jpg"), embedding[None])
        regroup(library)
    site = Site(path, create_app(Naming(path), SECRET))
    site.answer(f"/groups/{site.groups()[0].id}/name", "/", name="Ada")
    page = site.client.get("/").text
    alone = next(one for one in site.faces() if one.person is None)
    assert "Is this Ada?" in page and f"/faces/{alone.id}/yes" in page
    assert "has changed meanwhile" in site.answer(f"/faces/{alone.id}/yes", "/", person="Bob")
    assert "1 face is Ada." in site.answer(f"/faces/{alone.id}/yes", "/", person="Ada")
    assert people(site) == {"Ada": 7} and "No questions left" in site.client.get("/").text


def test_a_group_is_ignored_and_the_answer_taken_back(site: Site) -> None:
    group = site.groups()[0].id
    assert "5 faces are ignored." in site.answer(f"/groups/{group}/ignore", "/")
    assert "2 questions left" in site.client.get("/").text
    assert "Ignored" in site.client.get("/answers").text
    assert "The answer is taken back." in site.answer("/answers/1/undo", "/answers")
    assert "3 questions left" in site.client.get("/").text and "Taken back" in site.client.get("/answers").text
    assert "has changed meanwhile" in site.answer("/answers/1/undo", "/groups/1")


def test_of_two_answers_to_one_question_the_second_is_not_taken(site: Site) -> None:
    group = site.groups()[0].id
    fields = site.fields("/")
    for name, said in (("Ada", "5 faces are Ada."), ("Bob", "has changed meanwhile")):
        page = site.client.post(f"/groups/{group}/name", data=fields | {"name": name}, follow_redirects=True)
        assert said in page.text
    assert people(site) == {"Ada": 5}


def test_faces_are_cut_out_and_one_whose_file_is_gone_is_a_placeholder(
    site: Site, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, there = site.faces()[:2]
    answer = site.client.get(f"/faces/{there.id}.jpg")
    assert answer.mimetype == "image/jpeg" and answer.headers["Cache-Control"] == "no-store"
    shutil.move(gone.path, tmp_path / "away.jpg")
    try:
        answer = site.client.get(f"/faces/{gone.id}.jpg")
    finally:
        shutil.move(tmp_path / "away.jpg", gone.path)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert site.client.get(f"/faces/{gone.id}.jpg").mimetype == "image/jpeg"  # its disk is back
    assert site.client.get("/faces/999.jpg").status_code == 404
    assert sorted(path.name for path in site.path.parent.iterdir() if path.suffix in (".jpg", ".png")) == []


@pytest.mark.parametrize(
    "path", ["/", "/groups", "/people", "/answers", "/groups/1", "/groups/1/merge", "/faces/1.jpg"]
)
def test_nothing_is_shown_without_the_secret(site: Site, path: str) -> None:
    stranger = site.app.test_client()
    assert stranger.get("/enter/wrong").status_code == 403
    answer = stranger.get(path)
    assert answer.status_code == 403 and "Open the address that the command printed" in answer.text
    assert stranger.post("/groups/1/ignore").status_code == 403
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_form_of_another_site_is_refused(site: Site) -> None:
    group = site.groups()[0].id
    state = site.fields("/")["state"]
    answer = site.client.post(f"/groups/{group}/name", data={"state": state, "name": "Ada"})
    assert answer.status_code == 400 and people(site) == {}


def test_a_library_that_is_gone_is_an_error_in_one_line(site: Site) -> None:
    site.path.unlink()
    answer = site.client.get("/")
    assert answer.status_code == 500 and "no library of photographs" in answer.text
