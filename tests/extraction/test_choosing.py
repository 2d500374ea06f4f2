"""Photographs that show several faces about as large: whose face is enrolled."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.photographs import DATA
from faces.enrolment import Enrolment
from faces.extraction.choosing import CHOSEN, ONLY, UNLIKE, choose
from faces.images import read_image
from faces.recognition.gallery import Gallery
from faces.types import Faces, Image
from tests.conftest import RunScript
from tests.extraction.conftest import World, rows

PEOPLE = {name: number for number, name in enumerate(("Ada", "Bob", "Cy", "Dan"))}


def face(name: str) -> Enrolment:
    embedding = np.eye(8, dtype=np.float32)[PEOPLE[name]]
    box = np.array([[PEOPLE[name], 0, 10, 10]], np.float32)
    return Enrolment(Faces(box, np.ones(1, np.float32)), embedding, "a" * 64)


def photograph(*names: str) -> Enrolment:
    """One that shows these people, the main face first."""
    return Enrolment.of_faces([face(name) for name in names])


def chosen(*photographs: Enrolment, persons: str = "Ada", embedder: str = "sface-int8") -> list[str]:
    """Who is enrolled by each photograph, or why nobody is."""
    decided = choose([persons] * len(photographs), photographs, embedder)
    names = list(PEOPLE)
    return [each.reason if each.embedding is None else names[int(each.embedding.argmax())] for each in decided]


@pytest.mark.parametrize(
    ("photographs", "expected"),
    [
        ([photograph("Ada")], ["Ada"]),
        ([photograph("Bob", "Ada")], [ONLY]),
        ([photograph("Ada"), photograph("Bob", "Ada", "Cy")], ["Ada", "Ada"]),
        ([photograph("Ada"), photograph("Bob", "Cy")], ["Ada", UNLIKE]),
        (
            [photograph("Ada"), photograph("Ada"), photograph("Bob"), photograph("Bob", "Ada")],
            ["Ada", "Ada", "Bob", "Ada"],
        ),
        ([photograph("Bob", "Ada"), photograph("Cy", "Ada")], ["Ada", "Ada"]),
        ([photograph("Bob", "Ada"), photograph("Ada", "Bob")], [ONLY, ONLY]),  # a couple
        ([photograph("Bob", "Ada"), photograph("Cy", "Dan")], [ONLY, ONLY]),
        ([photograph("Ada"), photograph("Bob", "Ada"), photograph("Bob", "Ada")], ["Ada"] * 3),  # always with Bob
    ],
)
def test_the_face_on_the_other_photographs(photographs: list[Enrolment], expected: list[str]) -> None:
    assert chosen(*photographs) == expected


def test_each_person_for_themselves() -> None:
    both = [photograph("Ada"), photograph("Ada", "Bob"), photograph("Bob", "Ada"), photograph("Bob")]
    decided = choose(["Ada", "Bob", "Ada", "Bob"], both, "sface-int8")
    assert [int(one.embedding.argmax()) for one in decided if one.embedding is not None] == [0, 1, 0, 1]
    assert [one.chosen for one in decided] == [False, True, True, False]
    assert not any(one.rivals for one in decided)


def test_an_embedder_without_measured_distances_takes_the_closest() -> None:
    assert chosen(photograph("Ada"), photograph("Bob", "Ada"), embedder="unknown") == ["Ada", "Ada"]
    assert chosen(photograph("Bob", "Ada"), photograph("Cy", "Ada"), embedder="unknown") == [ONLY, ONLY]


def test_what_is_no_face_is_no_rival() -> None:
    cat = Enrolment(sha256="a" * 64, reason="not a face")
    blurred = Enrolment(sha256="a" * 64, reason="too blurred to help")
    for faces in ([cat, face("Ada")], [face("Ada"), cat, blurred]):
        whole = Enrolment.of_faces(faces)
        assert whole.embedding is not None and whole.embedding.argmax() == 0 and whole.rivals == ()
    assert Enrolment.of_faces([blurred, face("Ada")]) is blurred  # the other one is not whom it shows
    assert Enrolment.of_faces([cat, cat]) is cat


# -- in a data set that changes ----------------------------------------------------------------------------------------


def test_a_later_photograph_decides_an_earlier_one(world: World) -> None:
    world.put("Cy/1.jpg", "with Dan and Cy")
    result = world.run()
    assert dict(result.gallery.left_out.rows()) == {"Ada/wall.jpg": "no face", "Cy/1.jpg": ONLY}
    assert world.run().known == 5 and world.looked_at == []

    world.put("Cy/2.jpg", "Cy")
    result = world.run()
    assert sorted(world.looked_at) == ["Cy/1.jpg", "Cy/2.jpg"]
    assert (result.new, result.known, result.gone) == (1, 5, 0)
    of_file = dict(zip(result.gallery.paths, result.gallery.chosen, strict=True))
    assert of_file == {"Ada/1.jpg": False, "Ada/2.jpg": False, "Bob/1.jpg": False, "Cy/1.jpg": True, "Cy/2.jpg": False}
    embeddings = rows(result.gallery)
    assert embeddings["Cy/1.jpg"] == embeddings["Cy/2.jpg"]
    assert world.run().known == 6 and world.looked_at == []

    (world.folder / "data" / "Cy" / "2.jpg").unlink()
    assert dict(world.run().gallery.left_out.rows())["Cy/1.jpg"] == ONLY


def test_a_stopped_run_that_continues_decides_too(world: World) -> None:
    world.put("Cy/1.jpg", "with Dan and Cy")
    world.run()
    world.put("Cy/2.jpg", "Cy")
    world.put("Cy/3.jpg", "wall 3")
    world.dies = 2
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.dies = 1000
    assert "Cy/1.jpg" in world.run().gallery.paths


def test_who_is_beside_a_person_on_a_photograph_that_is_gone(world: World) -> None:
    for number in (1, 2):
        world.put(f"Cy/{number}.jpg", f"with Dan and Cy and {number}")
    world.run()
    world.put("Cy/3.jpg", "with Dan and 3")
    assert dict(world.run().gallery.left_out.rows()).keys() >= {"Cy/1.jpg", "Cy/2.jpg"}
    (world.folder / "data" / "Cy" / "3.jpg").unlink()
    world.run()
    assert sorted(world.looked_at) == ["Cy/1.jpg", "Cy/2.jpg"]


def test_a_photograph_that_moves_and_cannot_be_read_is_not_another_persons(world: World) -> None:
    world.put("Cy/1.jpg", "with Dan and Cy")
    world.put("Cy/2.jpg", "Cy")
    world.run()
    moved = world.folder / "data" / "Dan" / "1.jpg"
    moved.parent.mkdir()
    (world.folder / "data" / "Cy" / "1.jpg").rename(moved)
    world.unreadable = "Dan/1.jpg"
    result = world.run()
    assert result.lost == [("Dan/1.jpg", "unreadable: gone")] and "Dan" not in result.gallery.names
    world.unreadable = ""
    assert dict(world.run().gallery.left_out.rows())["Dan/1.jpg"] == ONLY


def test_a_photograph_with_several_faces_that_cannot_be_read_again_stays(world: World) -> None:
    world.put("Cy/1.jpg", "with Dan and Cy")
    world.put("Cy/2.jpg", "Cy")
    world.run()
    world.put("Cy/3.jpg", "Cy again")
    result = world.run(between=lambda: (world.folder / "data" / "Cy" / "1.jpg").unlink())
    assert "Cy/1.jpg" in result.gallery.paths and result.lost == []


# -- real photographs --------------------------------------------------------------------------------------------------


def beside(*paths: Path) -> Image:
    """Portraits beside each other, in one photograph."""
    return np.hstack([cv2.resize(read_image(path), (250, 250)) for path in paths])


@pytest.mark.skipif(not (DATA / "people").is_dir(), reason="no photographs in ../shared/data/people")
def test_the_only_photograph_of_somebody_with_two_friends(tmp_path: Path, run_script: RunScript) -> None:
    ada, bob, cy, dan = (
        sorted((DATA / "people" / name).iterdir())
        for name in ("Amelie_Mauresmo", "Ariel_Sharon", "Hans_Blix", "Laura_Bush")
    )
    pictures = {
        "Ada/alone.jpg": beside(ada[0]),
        "Ada/with two.jpg": beside(bob[1], cy[1], ada[1]),
        "Bob/alone.jpg": beside(bob[0]),
        "Dan/with two.jpg": beside(bob[2], dan[2], cy[2]),
    }
    for name, picture in pictures.items():
        (tmp_path / "dataset" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "dataset" / name), picture)
    result = run_script("extract_embeddings.py", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    with (tmp_path / "output" / "several_faces.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1:] == [
            ["dataset/Ada/with two.jpg", CHOSEN],
            ["dataset/Dan/with two.jpg", ONLY],
        ]
    assert f"dataset/Dan/with two.jpg  {ONLY}" in result.stdout
    assert f"dataset/Ada/with two.jpg  {CHOSEN}" in result.stdout
    gallery = Gallery.load(tmp_path / "output" / "embeddings.pickle")
    of_path = dict(zip(gallery.paths, gallery.embeddings, strict=True))
    assert float(of_path["Ada/with two.jpg"] @ of_path["Ada/alone.jpg"]) > 0.4
    assert float(of_path["Ada/with two.jpg"] @ of_path["Bob/alone.jpg"]) < 0.3
    assert gallery.people == ["Ada", "Bob"]
