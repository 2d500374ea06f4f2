"""Databases made when dlib's models were the built-in ones: they go on working, and are moved to other models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from faces.commands.server import move_database
from faces.errors import FacesError
from faces.pipeline import Pipeline
from faces.server.assembly import chosen_models
from faces.server.people import people_group
from faces.server.people.enrolled_people import EnrolledPeople
from faces.server.people.people_group import NewFace
from faces.server.search.confidence import curve
from faces.server.search.matching import Indexes
from faces.server.store import origins
from faces.server.store.database import Database
from faces.server.vision import cutouts
from faces.synthetic.people import CAST
from faces.synthetic.scenes import group, portrait
from faces.types import Fingerprint, Image
from tests.conftest import RunScript
from tests.dlib_models import needs_dlib_models
from tests.server.postgresql import cluster, debian, wheel
from tests.test_model_choice import FORMER

ADA, BOB, CY = CAST[:3]


def as_jpeg(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image)[1])


class Served:
    """A database with the people of a server that uses some models."""

    def __init__(self, place: Path | str, models: Pipeline) -> None:
        self.models = models
        self.url = place if isinstance(place, str) else f"sqlite:///{place / 'faces.db'}"
        self.database = Database(self.url, models.fingerprint, 128)
        spec = models.embedder.spec
        self.people = EnrolledPeople(self.database, Indexes(), curve(spec, 0.6), keep_photos=True)

    def enrol(self, name: str, image: Image, number: int = 0) -> bytes:
        """Enrol a face of a photograph, by the order of its faces from the left, as the page does."""
        faces = self.models.detect(image)
        face = faces[np.argsort(faces.xyxy[:, 0])][number : number + 1]
        photograph = as_jpeg(image)
        cutout = cutouts.cut_out(image, face.xyxy[0])
        self.people.enrol(name, self.models.embed(image, face)[0], cutout, photograph)
        return photograph

    def add(self, name: str, embedding: Any, photograph: bytes) -> None:
        """Enrol a face whose photograph is not kept."""
        with self.database.write() as session:
            found = people_group.find_or_create_group(session)
            new = NewFace(name, embedding, origins.digest(photograph))
            people_group.add_named_faces(session, found, [new])

    def faces(self) -> dict[str, int]:
        return {person.name: len(person.faces) for person in self.people.list_all()}

    def name_of(self, image: Image) -> str | None:
        (match,) = self.people.identify(self.models.embed(image, self.models.best_face(image)))
        return match.name if match else None


@pytest.fixture(scope="module")
def dlib() -> Pipeline:
    return Pipeline.load("dlib", "dlib", threads=1)


@pytest.fixture(scope="module")
def built_in() -> Pipeline:
    return Pipeline.load(threads=1)


@pytest.fixture
def before(tmp_path: Path, dlib: Pipeline) -> Served:
    """A database with one photograph each of two people, and a group picture's second face."""
    served = Served(tmp_path, dlib)
    assert dlib.fingerprint == FORMER
    for person in (ADA, BOB):
        served.enrol(person.name, portrait(person, 3, 0).image)
    return served


def options(served: Served, **changes: Any) -> Any:
    named = {"models": None, "detector": None, "embedding_model": None, "accuracy": None}
    return SimpleNamespace(
        **{**named, "database": served.url, "gallery": None, "recognizer": None, "le": None, **changes}
    )


@needs_dlib_models
def test_the_server_uses_the_models_of_its_database(before: Served, tmp_path: Path) -> None:
    chosen = chosen_models(options(before))
    assert (chosen.detector, chosen.embedding_model, chosen.accuracy) == ("dlib", "dlib", "default")
    assert f"{tmp_path / 'faces.db'} was made with dlib's models: these are used (faces move-database" in chosen.note
    chosen = chosen_models(options(before, models="built-in"))
    assert (chosen.detector, chosen.embedding_model, chosen.note) == ("built-in", "built-in", "")
    chosen = chosen_models(options(before, database=f"sqlite:///{tmp_path / 'new.db'}"))
    assert (chosen.detector, chosen.embedding_model, chosen.note) == ("built-in", "built-in", "")
    assert not (tmp_path / "new.db").exists()


@needs_dlib_models
@pytest.mark.parametrize("of", [debian, wheel], ids=["plain", "with pgvector"])
def test_a_database_of_postgresql_is_moved(
    of: Callable[[], Path], dlib: Pipeline, built_in: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    with cluster(of()) as server:
        before = Served(server.database(), dlib)
        for person in (ADA, BOB):
            before.enrol(person.name, portrait(person, 3, 0).image)
        before.database.close()
        assert move_database.main(["--database", before.url]) == 0
        assert capsys.readouterr().out == "2 faces moved from dlib-resnet, mirrored to sface-int8\n"
        after = Served(before.url, built_in)
        assert after.faces() == {ADA.name: 1, BOB.name: 1}
        assert [after.name_of(portrait(person, 3, 1).image) for person in (ADA, BOB)] == [ADA.name, BOB.name]
        after.database.close()


@needs_dlib_models
def test_a_database_is_moved(before: Served, built_in: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    picture = group([ADA, CY], 4).image
    before.enrol(CY.name, picture, number=1)
    expected = [before.name_of(portrait(person, 3, 1).image) for person in (ADA, BOB)]
    assert expected == [ADA.name, BOB.name]
    before.database.close()
    assert move_database.main(["--database", before.url]) == 0
    assert capsys.readouterr().out == "3 faces moved from dlib-resnet, mirrored to sface-int8\n"
    after = Served(Path(before.database.name).parent, built_in)
    assert after.faces() == {person.name: 1 for person in (ADA, BOB, CY)}
    assert [after.name_of(portrait(person, 3, 1).image) for person in (ADA, BOB, CY)] == [ADA.name, BOB.name, CY.name]
    after.database.close()
    assert move_database.main(["--database", before.url]) == 0
    assert "of these models already" in capsys.readouterr().out


@needs_dlib_models
def test_who_cannot_be_moved_is_said_and_nothing_is_changed(
    before: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = portrait(CY, 3, 0).image
    before.add(CY.name, before.models.embed(image, before.models.best_face(image))[0], b"a photograph")
    with pytest.raises(FacesError, match=r"^1 face cannot be moved, so nothing was changed; .* --dataset, or erase"):
        move_database.main(["--database", before.url])
    assert f"{CY.name}" in capsys.readouterr().out.splitlines()[1]
    assert Database.models_of(before.url) == FORMER
    assert before.faces() == {person.name: 1 for person in (ADA, BOB, CY)}
    before.database.close()
    assert move_database.main(["--database", before.url, "--erase-others"]) == 0
    assert "2 faces moved from dlib-resnet, mirrored to sface-int8; 1 face erased" in capsys.readouterr().out


@needs_dlib_models
def test_photographs_come_from_a_data_set(before: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = portrait(CY, 3, 0).image
    folder = tmp_path / "dataset" / "under another name"
    folder.mkdir(parents=True)
    (folder / "1.jpg").write_bytes(as_jpeg(image))
    before.add(CY.name, before.models.embed(image, before.models.best_face(image))[0], as_jpeg(image))
    before.database.close()
    assert move_database.main(["--database", before.url, "--dataset", str(tmp_path / "dataset")]) == 0
    assert "3 faces moved" in capsys.readouterr().out


def test_there_must_be_a_database(tmp_path: Path) -> None:
    with pytest.raises(FacesError, match=r"none\.db is not a database of faces serve"):
        move_database.main(["--database", f"sqlite:///{tmp_path / 'none.db'}"])
    (tmp_path / "text.db").write_text("no database")
    with pytest.raises(FacesError, match=r"text\.db is not a database of faces serve, or cannot be read"):
        move_database.main(["--database", f"sqlite:///{tmp_path / 'text.db'}"])
    assert not (tmp_path / "none.db").exists()


def test_models_of_a_database_survive(tmp_path: Path) -> None:
    models = Fingerprint.from_dict(json.loads(json.dumps(FORMER.to_dict())))
    url = f"sqlite:///{tmp_path / 'faces.db'}"
    Database(url, models).close()
    assert Database.models_of(url) == FORMER


@needs_dlib_models
@pytest.mark.slow
def test_where_dlibs_models_are_missing_one_line_names_the_command(
    before: Served, tmp_path: Path, run_script: RunScript
) -> None:
    before.database.close()
    result = run_script("serve.py", "--database", before.url, cwd=tmp_path, env={"FACES_HOME": str(tmp_path / "home")})
    assert result.returncode == 1
    assert result.stderr.endswith("is not there; run: faces download-models dlib\n") and result.stderr.count("\n") == 1
