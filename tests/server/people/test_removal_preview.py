"""What is shown before a person or a face is erased; a photograph under two names; training without who went."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from faces.recognition import recognizer_files
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.server.errors import ApiError
from faces.server.people import removal_preview
from faces.server.people.values import OtherGroup, RemovalPreview
from faces.versions.versions import LE, RECOGNIZER
from tests.server.colours import FINGERPRINT, ColourVision
from tests.server.conftest import PHOTOGRAPHS, Api
from tests.server.enrolled import CONFIDENCE, People, colour, gallery
from tests.server.page_client import page_client


def train(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    trained = FaceRecognizer(0.01, 0.6, "centroid").fit(Gallery.load(path))
    recognizer_files.save(trained, folder / RECOGNIZER, folder / LE)


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    (tmp_path / "output").mkdir()
    path = tmp_path / "output" / "embeddings.pickle"
    gallery(("Ada", 0), ("Ada", 1), ("Bob", 0), ("Bob", 1)).save(path)
    people = People(tmp_path, gallery=True)
    train(path, path.parent)
    train(path, path.parent / "versions" / "1")
    gallery(("Bob", 0), ("Cleo", 1)).save(path.parent / "others.pickle")
    train(path.parent / "others.pickle", path.parent / "versions" / "2")
    yield people
    people.database.close()


def preview(people: People, name: str, face: int | None = None) -> RemovalPreview:
    (person,) = (person for person in people.enrolled.list_all() if person.name == name)
    face_id = None if face is None else person.faces[face].id
    return removal_preview.preview(people.database, people.indexes, CONFIDENCE, people.path, person.id, face_id)


def names_of(paths: tuple[str, ...]) -> list[str]:
    return [path.partition("/output/")[2] for path in paths]


def test_the_recognizers_that_go_are_named_before(people: People) -> None:
    before = preview(people, "Ada"), preview(people, "Ada", 1)
    assert names_of(before[0].models) == names_of(before[1].models) == [RECOGNIZER, f"versions/1/{RECOGNIZER}"]
    assert len(preview(people, "Bob", 0).models) == 3 and len(preview(people, "Bob", 1).models) == 2
    assert all(Path(path).exists() for path in before[0].models)  # so far, nothing is erased
    removal = people.enrolled.remove_person(people.enrolled.list_all()[0].id)
    assert removal.models == before[0].models
    with pytest.raises(ApiError):
        removal_preview.preview(people.database, people.indexes, CONFIDENCE, None, "nobody")


def test_a_photograph_under_two_names_is_found_under_both(people: People) -> None:
    twice = gallery(("Ada", 0), ("Ada", 1), ("Bob", 0), ("Bob", 1), ("Ada", 0))
    names, paths = (*twice.names[:4], "Mom"), (*twice.paths[:4], "Mom/0.jpg")
    gallery(*[("Ada", 0), ("Ada", 1), ("Bob", 0), ("Bob", 1), ("Ada", 0)], names=names, paths=paths).save(people.path)
    people.enrolled.synchronize()
    ids = {person.name: person.id for person in people.enrolled.list_all()}
    assert preview(people, "Ada").same_photographs == ((ids["Mom"], "Mom"),)
    assert preview(people, "Mom").same_photographs == ((ids["Ada"], "Ada"),)
    assert preview(people, "Ada", 1).same_photographs == preview(people, "Bob").same_photographs == ()
    people.enrolled.removals.remove_person(ids["Mom"])
    assert preview(people, "Ada").same_photographs == ()
    people.enrolled.removals.undo(ids["Mom"])
    people.enrolled.remove_person(ids["Ada"])  # the other one stays what it is
    shared = people.gallery()
    assert sorted(shared.names) == ["Bob", "Bob", "Mom"]
    assert "Ada" not in str(shared.names + shared.paths)
    assert people.faces() == {"Bob": 2, "Mom": 1}


def test_the_same_person_in_other_groups_is_named(api: Api, tmp_path: Path) -> None:
    people = People(tmp_path)
    people.enrol("Ada")
    api.group("Ada", "Bob", id_="crowd")
    other = api.group("Ada", id_="untrained", route="largepersongroups", train=False)
    api.ok("PATCH", f"largepersongroups/untrained/persons/{other['Ada']}", json={"name": "A. L."})
    api.group("Bob", id_="strangers")
    api.ok("PUT", "persongroups/names", json={"name": "no faces"})
    api.ok("POST", "persongroups/names/persons", json={"name": "ADA"})
    api.ok("PUT", "facelists/faces", json={"name": "a list"})
    api.ok("PUT", "facelists/empty", json={"name": "a list"})
    for name in ("Ada", "Bob"):
        api.ok("POST", "facelists/faces/persistedfaces", data=PHOTOGRAPHS[name])
    (person,) = people.enrolled.list_all()
    shown = removal_preview.preview(api.database, api.indexes, CONFIDENCE, None, person.id)
    assert shown.groups == (
        OtherGroup("facelists/faces", faces=1),
        OtherGroup("largepersongroups/untrained", ("A. L.",)),
        OtherGroup("persongroups/crowd", ("Ada",)),
        OtherGroup("persongroups/names", ("ADA",)),
    )
    people.database.close()


@pytest.fixture
def client(people: People, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    return page_client(people, ColourVision(), monkeypatch)


def test_the_page_says_what_goes_and_trains_again(people: People, client: FlaskClient) -> None:
    people.enrol("Cleo")
    people.enrol("Cleo", 1)
    (ada, *_) = people.enrolled.list_all()
    page = client.get(f"/people/{ada.id}/remove").text
    shown = re.findall(r"<li>[^<]*/output/([^<]+)</li>", page)
    assert shown == [RECOGNIZER, f"versions/1/{RECOGNIZER}"]
    answer = client.post(f"/people/{ada.id}/remove", data={"retrain": "1"}, follow_redirects=True).text
    assert "A new recognizer was trained on 4 faces of 2 people." in answer and "Run train_model.py" not in answer
    trained, _ = recognizer_files.load(people.path.with_name(RECOGNIZER), people.path.with_name(LE), FINGERPRINT)
    assert isinstance(trained, FaceRecognizer) and trained.threshold == 0.6 and set(trained.names_) == {"Bob", "Cleo"}
    assert colour("Ada").tobytes() not in {row.tobytes() for row in trained.people_.embeddings}
    for person, words in zip(people.enrolled.list_all(), ("A new recognizer", "No new recognizer could"), strict=True):
        answer = client.post(f"/people/{person.id}/remove", data={"retrain": "1"}, follow_redirects=True).text
        assert words in answer
    assert not people.path.with_name(RECOGNIZER).exists()


def test_nothing_is_trained_unless_asked_for(people: People, client: FlaskClient) -> None:
    (ada, *_) = people.enrolled.list_all()
    answer = client.post(f"/people/{ada.id}/remove", follow_redirects=True).text
    assert "Run train_model.py" in answer and not people.path.with_name(RECOGNIZER).exists()
