"""Names from metadata as answers, and names of a library in metadata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from faces.errors import UsageError
from faces.photos import answers, contents
from faces.photos.library import Library, stored
from faces.photos.records import ENROLLED, NAMED, READ, Content, FoundFace
from faces.photos.regions.naming import Taken, take_labels
from faces.photos.regions.reading import read_labels
from faces.photos.regions.region import Box, turned
from faces.photos.regions.sharing import undo_names, write_names
from faces.photos.regions.undo import digest
from faces.photos.regions.writing import EMBED, SIDECAR
from faces.recognition.assignment import Candidates
from faces.types import Floats, Matches
from tests.photos.libraries import MODELS
from tests.photos.regions.pictures import HEIGHT, WIDTH, picture, rounded
from tests.photos.regions.test_reading import lightroom, lightroom_face, sidecar

LEFT, RIGHT = (0.2, 0.4, 0.3, 0.6), (0.7, 0.4, 0.8, 0.6)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "output" / "photos.sqlite", create=True) as library:
        library.set_models(MODELS, "")
        yield library


def add(library: Library, path: Path, *boxes: Box, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """Add a photograph with faces; size: as displayed."""
    data = path.read_bytes()
    found = tuple(
        FoundFace(
            np.array(box, np.float32) * np.array([*size, *size], np.float32),
            0.9,
            None,
            np.eye(128, dtype=np.float32)[number],
            0.8,
        )
        for number, box in enumerate(boxes)
    )
    with library.write() as database:
        contents.store(library, Content(digest(data), "photo", size, "", "", found))
        row = (stored(path), len(data), path.stat().st_mtime_ns, digest(data), READ, "")
        database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", row)
    return path


def named(library: Library) -> list[tuple[str | None, str]]:
    return [(face.person, face.status) for face in contents.faces(library)]


def enrol(library: Library, *people: str) -> None:
    """Let the recognizer name all faces of the library."""
    with library.write() as database:
        for face, person in zip(list(contents.faces(library)), people, strict=True):
            number = database.execute("INSERT INTO people (name) VALUES (?)", [person]).lastrowid
            values = (number, ENROLLED, face.id)
            database.execute("UPDATE faces SET person = ?, status = ? WHERE id = ?", values)


def two_regions(path: Path, one: str, other: str) -> None:
    faces = (lightroom_face(one, "0.26", "0.5", "0.12", "0.24"), lightroom_face(other, "0.75", "0.5", "0.15", "0.3"))
    sidecar(path, lightroom(*faces))


def test_regions_name_the_faces_that_they_overlap(library: Library, tmp_path: Path) -> None:
    path = add(library, picture(tmp_path / "a.jpg"), LEFT, RIGHT, (0.4, 0, 0.5, 0.1))
    two_regions(path, "Ada", "Bob")
    assert take_labels(library) == Taken(2, ())
    assert sorted(named(library), key=str) == [("Ada", NAMED), ("Bob", NAMED), (None, "nobody")]
    assert {answer.source for answer in answers.answers(library)} == {answers.REGIONS}
    assert take_labels(library) == Taken(0, ())
    two_regions(path, "Ada", "Eve, who came")
    assert take_labels(library).faces == 2  # the same name again adds no answer
    assert [answer.person for answer in answers.answers(library)] == ["Ada", "Bob", "Eve, who came"]


class Names:
    """A recognizer that names the faces of a photograph, in order."""

    def __init__(self, *names: str | None) -> None:
        self.names = names

    def identify(self, embeddings: Floats) -> Matches:
        size = len(embeddings)
        figures = np.ones(size, np.float32)
        return Matches(self.names[:size], tuple(map(str, self.names[:size])), figures, figures)

    def candidates(self, embeddings: Floats) -> Candidates:
        raise NotImplementedError

    def match_probability(self, embeddings: Floats, names: Sequence[str], prior: float = 0.5) -> Floats:
        raise NotImplementedError


def test_enrolled_people_have_their_spelling_and_a_clash_with_one_is_told(library: Library, tmp_path: Path) -> None:
    path = add(library, picture(tmp_path / "a.jpg"), LEFT, RIGHT)
    two_regions(path, "ada LOVELACE", "Bob")
    note = "a face is 'Bob' there, which counts, but 'Eve' to the recognizer"
    assert take_labels(library, Names("Ada Lovelace", "Eve")) == Taken(2, ((path, note),))
    assert [person for person, _ in named(library)] == ["Ada Lovelace", "Bob"]


def test_two_faces_of_a_picture_are_never_one_person(library: Library, tmp_path: Path) -> None:
    path = add(library, picture(tmp_path / "a.jpg"), LEFT, RIGHT)
    two_regions(path, "Ada", "Ada")
    assert take_labels(library) == Taken(0, ((path, "more than one face is 'Ada'; none of them is taken"),))
    assert [person for person, _ in named(library)] == [None, None]


def test_a_name_that_cannot_be_used_is_told(library: Library, tmp_path: Path) -> None:
    path = add(library, picture(tmp_path / "a.jpg"), LEFT, RIGHT)
    two_regions(path, "../etc", "Bob")
    reason = "'../etc' is no name for a person: use letters, no slash, and at most 255 bytes"
    assert take_labels(library) == Taken(1, ((path, reason),))


@pytest.mark.parametrize(
    ("keywords", "name"), [(["Ada"], "Ada"), (["ada", "holiday"], "Ada"), (["Ada", "Bob"], None), (["holiday"], None)]
)
def test_a_keyword_names_a_single_face(library: Library, tmp_path: Path, keywords: list[str], name: str | None) -> None:
    path = add(library, picture(tmp_path / "a.jpg"), LEFT)
    items = "".join(f"<rdf:li>{word}</rdf:li>" for word in keywords)
    sidecar(path, f'<s:subject xmlns:s="http://purl.org/dc/elements/1.1/"><rdf:Bag>{items}</rdf:Bag></s:subject>')
    other = add(library, picture(tmp_path / "b.jpg", 3), LEFT, RIGHT)
    two_regions(other, "Ada", "Bob")
    take_labels(library)  # now it knows Ada and Bob
    path.with_name(".picasa.ini").touch()  # the metadata are read again
    take_labels(library)
    assert next(contents.faces(library, path=path)).person == name


def test_a_photograph_that_is_gone_or_damaged_is_told(library: Library, tmp_path: Path) -> None:
    add(library, picture(tmp_path / "a.jpg"), LEFT).unlink()
    path = add(library, picture(tmp_path / "b.jpg", 3), LEFT)
    path.with_name("b.jpg.xmp").write_bytes(b"<x")
    note = "b.jpg.xmp: damaged XMP (unclosed token, line 1); not used"
    assert take_labels(library) == Taken(0, ((path, note),))


@pytest.mark.parametrize("place", [SIDECAR, EMBED])
def test_names_are_written_and_taken_back(library: Library, tmp_path: Path, place: str) -> None:
    path = add(library, picture(tmp_path / "a.jpg", 6), LEFT, RIGHT, size=(HEIGHT, WIDTH))
    enrol(library, "Ada", "Bob")
    before = path.read_bytes()
    ((_, dry),) = write_names(library, (), place, dry_run=True)
    assert dry.target is not None and path.read_bytes() == before and not path.with_name("a.jpg.xmp").exists()
    ((shown, written),) = write_names(library, ["Ada"], place)
    assert (shown, written.target, written.notes) == (path, dry.target, ())
    assert [(region.name, rounded(region.box)) for region in read_labels(path).regions] == [("Ada", LEFT)]
    assert contents.file_of(library, path).sha256 == digest(path.read_bytes())  # type: ignore[union-attr]
    assert [person for person, _ in named(library)] == ["Ada", "Bob"]
    assert [undone.restored for undone in undo_names(library)] == [True]
    assert path.read_bytes() == before and not path.with_name("a.jpg.xmp").exists()
    assert contents.file_of(library, path).sha256 == digest(before)  # type: ignore[union-attr]
    assert [person for person, _ in named(library)] == ["Ada", "Bob"]


@pytest.mark.parametrize("place", [SIDECAR, EMBED])
def test_names_that_the_library_wrote_are_no_answers(library: Library, tmp_path: Path, place: str) -> None:
    path = add(library, picture(tmp_path / "a.jpg"), LEFT, RIGHT)
    enrol(library, "Ada", "Bob")
    assert len(list(write_names(library, (), place))) == 1
    for _ in range(2):
        assert take_labels(library) == Taken(0, ())
        path.with_name(".picasa.ini").touch()  # its metadata are read again
    assert list(answers.answers(library)) == []


def test_a_photograph_that_was_changed_since_the_scan_is_told(library: Library, tmp_path: Path) -> None:
    path = add(library, picture(tmp_path / "a.jpg"), LEFT)
    other = add(library, picture(tmp_path / "b.jpg", 2), LEFT)
    enrol(library, "Ada", "Bob")
    picture(path, 3)
    (_, one), (_, two) = write_names(library, (), SIDECAR)
    assert one.failed and one.notes == (f"{path}: changed since it was scanned; run: faces photos scan {tmp_path}",)
    assert two.target == other.with_name("b.jpg.xmp")


def test_a_name_that_nobody_has_is_refused(library: Library, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nobody in .* has the name 'Eve'"):
        list(write_names(library, ["Eve"], SIDECAR))


def test_boxes_are_written_as_the_picture_is_stored(library: Library, tmp_path: Path) -> None:
    path = add(library, picture(tmp_path / "a.jpg", 6), LEFT, size=(HEIGHT, WIDTH))
    enrol(library, "Ada")
    list(write_names(library, (), SIDECAR))
    text = path.with_name("a.jpg.xmp").read_text()
    x, y = 0.5, 1 - 0.25
    assert f'stArea:x="{x:.6f}" stArea:y="{y:.6f}"' in text
    assert rounded(turned((0.4, 0.7, 0.6, 0.8), 6)) == LEFT
