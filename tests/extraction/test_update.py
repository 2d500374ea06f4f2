"""What is embedded again and what is not, whatever happens to the photographs in between."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces.extraction import known
from faces.extraction.known import load_previous
from faces.recognition.gallery import ERASED, SERVER_PATH, Gallery, LeftOut
from faces.types import ModelId
from tests.extraction.conftest import LONG_AGO, PRINT, SETTINGS, World, enrolment, rows


@pytest.mark.parametrize("name", ["unknown", "Unknown"])
def test_strangers_are_no_person(world: World, name: str) -> None:
    """The recipe's data set has a folder of them."""
    for number in range(5):
        world.put(f"{name}/{number}.jpg", f"stranger {number}")
    result = world.run()
    assert (result.people, result.nobody, result.new, world.looked_at) == (["Ada", "Bob"], (name,), 0, [])
    assert result.gallery.people == ["Ada", "Bob"]
    assert {one.person for one in result.photographs} == {"Ada", "Bob"}


def test_strangers_of_an_older_gallery_are_gone(world: World) -> None:
    assert world.gallery is not None
    names = tuple("unknown" if name == "Bob" else name for name in world.gallery.names)
    world.gallery = replace(world.gallery, names=names, paths=("Ada/1.jpg", "Ada/2.jpg", "unknown/1.jpg"))
    (world.folder / "data" / "Bob").rename(world.folder / "data" / "unknown")
    result = world.run()
    assert (result.gallery.people, result.gone, result.known, world.looked_at) == (["Ada"], 1, 3, [])


def assert_true(world: World) -> None:
    """The gallery is what an extraction from nothing makes of the data set."""
    assert world.gallery is not None
    fresh = World(world.folder)
    fresh.run(anew=True)
    assert fresh.gallery is not None
    assert rows(world.gallery) == rows(fresh.gallery)
    assert world.gallery.hashes == fresh.gallery.hashes
    assert world.gallery.left_out == fresh.gallery.left_out
    assert (world.gallery.sizes, world.gallery.stamps) == (fresh.gallery.sizes, fresh.gallery.stamps)


def test_the_gallery(world: World) -> None:
    gallery = world.gallery
    assert gallery is not None and gallery.boxes is not None and gallery.scores is not None
    assert gallery.paths == ("Ada/1.jpg", "Ada/2.jpg", "Bob/1.jpg")  # in the order of the data set, not of the work
    assert gallery.names == ("Ada", "Ada", "Bob")
    assert gallery.hashes == tuple(hashlib.sha256(path.encode()).hexdigest() for path in gallery.paths)
    assert gallery.sizes == (9, 9, 9)
    assert gallery.boxes.tolist() == [[1, 2, 3, 4]] * 3
    assert gallery.scores.tolist() == [0.75] * 3
    assert (gallery.fingerprint, gallery.settings) == (PRINT, SETTINGS)
    assert (gallery.left_out.paths, gallery.left_out.reasons) == (("Ada/wall.jpg",), ("no face",))


def test_nothing_new_is_no_work(world: World) -> None:
    result = world.run()
    assert world.looked_at == []
    assert (result.new, result.known, result.moved, result.gone) == (0, 4, 0, 0)
    assert result.changed == set()
    assert_true(world)


def test_only_new_content_is_looked_at(world: World) -> None:
    world.put("Ada/3.jpg", "new")
    world.put("Bob/1.jpg", "another photograph under the old name")
    result = world.run()
    assert sorted(world.looked_at) == ["Ada/3.jpg", "Bob/1.jpg"]
    assert (result.new, result.known, result.changed) == (2, 3, {"Ada", "Bob"})
    assert_true(world)


def test_what_is_gone_is_dropped(world: World) -> None:
    (world.folder / "data" / "Ada" / "1.jpg").unlink()
    (world.folder / "data" / "Ada" / "wall.jpg").unlink()
    result = world.run()
    assert (world.looked_at, result.gone, result.known) == ([], 2, 2)
    assert result.changed == {"Ada"}
    assert_true(world)


def test_a_person_renamed_is_no_work(world: World) -> None:
    (world.folder / "data" / "Ada").rename(world.folder / "data" / "Zoë")
    result = world.run()
    assert world.looked_at == []
    assert (result.moved, result.known, result.new, result.gone) == (3, 1, 0, 0)
    assert result.gallery.people == ["Bob", "Zoë"]
    assert result.gallery.paths == ("Bob/1.jpg", "Zoë/1.jpg", "Zoë/2.jpg")
    assert result.changed == {"Ada", "Zoë"}
    assert_true(world)


def test_moved_copied_and_touched_photographs_are_no_work(world: World) -> None:
    data = world.folder / "data"
    (data / "Ada" / "2019").mkdir()
    (data / "Ada" / "1.jpg").rename(data / "Ada" / "2019" / "summer.jpg")
    (data / "Ada" / "2.jpg").rename(data / "Bob" / "2.jpg")
    world.put("Eve/1.jpg", "Bob/1.jpg")  # what is in it
    os.utime(data / "Bob" / "1.jpg", (LONG_AGO + 5, LONG_AGO + 5))
    result = world.run()
    assert (world.looked_at, result.moved, result.known, result.gone) == ([], 3, 2, 0)
    assert_true(world)


def test_two_that_change_places(world: World) -> None:
    world.put("Ada/1.jpg", "Bob/1.jpg", LONG_AGO + 1)
    world.put("Bob/1.jpg", "Ada/1.jpg", LONG_AGO + 1)
    world.run()
    assert world.looked_at == []
    assert_true(world)


def test_rebuilding_looks_at_everything(world: World) -> None:
    assert world.run(anew=True).new == 4
    assert len(world.looked_at) == 4


# A clock that goes backwards


def test_the_same_size_and_another_content(world: World) -> None:
    for content, when in (("Ada/8.jpg", LONG_AGO + 5), ("Ada/9.jpg", LONG_AGO - 5)):  # later, and earlier than ever
        world.put("Ada/1.jpg", content, when)
        world.run()
        assert world.looked_at == ["Ada/1.jpg"]
        assert_true(world)


def test_times_in_the_future_are_not_trusted(world: World) -> None:
    future = 4_000_000_000
    world.put("Ada/1.jpg", "Ada/1.jpg", future)
    world.run()
    assert world.looked_at == []  # the content tells
    world.put("Ada/1.jpg", "Ada/9.jpg", future)  # at the same time, as long as the other
    world.run()
    assert world.looked_at == ["Ada/1.jpg"]
    assert_true(world)


def test_a_photograph_written_a_moment_ago_may_change_within_its_times_resolution(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faces.datasets.folder.SETTLED", 3600)  # seconds: a moment, however slow the machine is
    now = (world.folder / "data").stat().st_mtime
    for content in ("Ada/8.jpg", "Ada/9.jpg"):
        world.put("Ada/1.jpg", content, now)
        world.run()
        assert world.looked_at == ["Ada/1.jpg"]


# A data set that changes while it is read


def test_photographs_that_vanish_between_listing_and_reading(world: World) -> None:
    world.put("Ada/3.jpg", "new")
    world.put("Eve/1.jpg", "new, too")
    result = world.run(between=lambda: (world.folder / "data" / "Ada" / "3.jpg").unlink())
    assert result.lost == [("Ada/3.jpg", "unreadable: No such file or directory")]
    assert (result.new, result.known) == (1, 4)
    assert "Ada/3.jpg" not in (*result.gallery.paths, *result.gallery.left_out.paths)
    world.run()
    assert_true(world)


def test_photographs_that_change_between_listing_and_reading(world: World) -> None:
    world.put("Ada/3.jpg", "before")
    world.run(between=lambda: world.put("Ada/3.jpg", "after!", LONG_AGO + 1))
    world.run()
    assert world.looked_at == []  # what was read is what is there
    assert_true(world)


def test_photographs_that_change_after_they_were_read(world: World) -> None:
    world.put("Ada/3.jpg", "before")
    world.run()
    world.put("Ada/3.jpg", "after!", LONG_AGO + 1)
    world.run()
    assert world.looked_at == ["Ada/3.jpg"]
    assert_true(world)


def test_what_cannot_be_read_is_tried_again(world: World) -> None:
    (world.folder / "data" / "Ada" / "3.jpg").symlink_to("nowhere.jpg")
    for _ in range(2):
        result = world.run()
        assert (world.looked_at, len(result.lost), result.known) == (["Ada/3.jpg"], 1, 4)
    world.put("Ada/nowhere.jpg", "now it is there")
    result = world.run()
    assert (result.lost, result.new) == ([], 2)
    assert_true(world)


def test_a_data_set_without_a_face(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.put("Ada/1.jpg", "wall")
    gallery = world.run().gallery
    assert (len(gallery), len(gallery.left_out)) == (0, 1)
    world.run()
    assert world.looked_at == []


# Stopped in the middle


@pytest.mark.parametrize("anew", [False, True], ids=["new photographs", "anew"])
def test_a_run_that_is_stopped_goes_on_where_it_was(world: World, anew: bool) -> None:
    for number in range(10):
        world.put(f"Eve/{number}.jpg", f"Eve/{number}.jpg")
    total = 14 if anew else 10
    old, done = world.gallery, 0
    for dies in (0, 3, 4):
        world.dies = dies
        with pytest.raises(KeyboardInterrupt):
            world.run(anew)
        done += len(world.looked_at)
        assert world.gallery is old
    world.dies = 1000
    world.run(anew)
    assert len(world.looked_at) == total - done
    assert_true(world)


def test_a_copy_keeps_its_embedding_when_another_photograph_replaces_the_original(world: World) -> None:
    world.put("Eve/1.jpg", "the original")
    world.put("Eve/2.jpg", "another")
    world.dies = 1
    with pytest.raises(KeyboardInterrupt):
        world.run()
    [done] = world.looked_at  # known from the stopped run only
    data = world.folder / "data"
    (data / done).rename(data / "Bob" / "copy.jpg")
    world.put(done, "a replacement", LONG_AGO + 1)
    world.dies = 1000
    world.run()
    assert "Bob/copy.jpg" not in world.looked_at
    assert_true(world)


def test_a_rebuild_does_not_go_on_from_a_run_that_was_none(world: World) -> None:
    world.put("Eve/1.jpg", "x")
    world.put("Eve/2.jpg", "y")
    world.dies = 1
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.dies = 1000
    world.run(anew=True)
    assert len(world.looked_at) == 6


def test_a_stopped_rebuild_is_of_use_to_a_run_that_is_none(world: World) -> None:
    world.dies = 3
    with pytest.raises(KeyboardInterrupt):
        world.run(anew=True)
    (world.folder / "data" / "Bob" / "1.jpg").unlink()
    result = world.run()
    assert (world.looked_at, result.gone) == ([], 1)
    assert_true(world)


def test_other_settings_do_not_go_on(world: World) -> None:
    world.put("Eve/1.jpg", "x")
    world.put("Eve/2.jpg", "y")
    world.dies, world.gallery = 2, None
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.dies = 1000
    world.run(made_with=known.settings("built-in", 0.7))
    assert len(world.looked_at) == 6


def test_who_was_erased_on_the_server_is_known_by_the_photographs_content(world: World, tmp_path: Path) -> None:
    assert world.gallery is not None
    gallery = world.gallery
    out = gallery.left_out
    erased = LeftOut(
        (*gallery.paths[:2], *out.paths),
        (*gallery.hashes[:2], *out.hashes),
        (*gallery.sizes[:2], *out.sizes),
        (*gallery.stamps[:2], *out.stamps),
        (ERASED,) * 3,
    )
    parts = {
        name: getattr(gallery, name)[2:]
        for name in ("embeddings", "names", "paths", "hashes", "sizes", "stamps", "chosen")
    }
    assert gallery.boxes is not None and gallery.scores is not None
    parts |= {"boxes": gallery.boxes[2:], "scores": gallery.scores[2:]}
    for _ in range(2):
        replace(gallery, **parts, left_out=erased).save(tmp_path / "a.pickle")
        assert b"Ada" not in (tmp_path / "a.pickle").read_bytes()
        world.gallery = Gallery.load(tmp_path / "a.pickle")
        assert world.gallery.left_out.paths == ("",) * 3
        result = world.run()
        assert (result.new, result.known, result.moved, result.gone, world.looked_at) == (0, 4, 0, 0, [])
        assert result.gallery.people == ["Bob"] and set(result.gallery.left_out.reasons) == {ERASED}
        assert result.gallery.left_out.paths == ("Ada/1.jpg", "Ada/2.jpg", "Ada/wall.jpg")  # to say which are left out
        erased = result.gallery.left_out
    (world.folder / "data" / "Ada" / "1.jpg").unlink()
    world.run()
    assert world.gallery.left_out.paths == ("Ada/2.jpg", "Ada/wall.jpg")


# Enrolled on the page


def enrolled_on_page(*faces: tuple[str, bytes]) -> Gallery:
    """As the server adds to the file who was enrolled on its page: the name, and the photograph's content, of each."""
    made = [enrolment(data) for _, data in faces]
    return Gallery(
        np.stack([one.embedding for one in made if one.embedding is not None]),
        tuple(name for name, _ in faces),
        tuple(f"{SERVER_PATH}{number}" for number in range(len(faces))),
        tuple(one.sha256 for one in made),
        np.full((len(faces), 4), np.nan, np.float32),
        np.full(len(faces), np.nan, np.float32),
        PRINT,
        (0,) * len(faces),
        ("",) * len(faces),
        SETTINGS,
    )


@pytest.fixture
def with_page(world: World) -> World:
    """With Bea and a second photograph of Bob, who were enrolled on the page."""
    assert world.gallery is not None
    world.gallery = world.gallery.with_faces(enrolled_on_page(("Bea", b"Bea"), ("Bob", b"Bob on the page")))
    return world


@pytest.mark.parametrize("anew", [False, True])
def test_who_was_enrolled_on_the_page_stays(with_page: World, anew: bool) -> None:
    before = with_page.gallery
    again = with_page.run(anew=anew)
    assert again.gallery.names == ("Ada", "Ada", "Bob", "Bea", "Bob")
    assert before is not None and rows(again.gallery) == rows(before)
    assert again.gallery.left_out.paths == ("Ada/wall.jpg",)
    assert (again.gone, again.changed, again.people) == (0, set() if not anew else {"Ada", "Bob"}, ["Ada", "Bob"])
    with_page.put("Cleo/1.jpg", "Cleo/1.jpg")
    assert with_page.run().gallery.people == ["Ada", "Bea", "Bob", "Cleo"]


def test_a_photograph_of_the_page_that_is_in_the_data_set_counts_once(with_page: World) -> None:
    with_page.put("Bea/1.jpg", "Bea")
    with_page.put("Zoe/1.jpg", "Bob on the page")  # of another name: both stay, and are told as duplicates
    gallery = with_page.run().gallery
    assert list(zip(gallery.names, gallery.paths, strict=True))[2:] == [
        ("Bea", "Bea/1.jpg"),
        ("Bob", "Bob/1.jpg"),
        ("Zoe", "Zoe/1.jpg"),
        ("Bob", "serve.py/1"),
    ]
    assert gallery.boxes is not None and np.isfinite(gallery.boxes[:-1]).all()


def test_people_of_the_page_by_other_settings_and_other_models(with_page: World) -> None:
    path = with_page.folder / "embeddings.pickle"
    assert with_page.gallery is not None
    with_page.gallery.save(path)
    previous = load_previous(path, PRINT, "others")
    assert previous.gallery is None and previous.on_server is not None and "embedded again" in previous.why
    assert previous.on_server.people == ["Bea", "Bob"]
    other = load_previous(path, replace(PRINT, embedder=ModelId("another", "4" * 64)), SETTINGS)
    assert other.on_server is None
    assert other.why.endswith(
        "; Bea, Bob, enrolled on the page, cannot be: faces move-database and serve.py --gallery add them"
    )
