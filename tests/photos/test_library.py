"""The file: who may read it, what is refused, and that a transaction is done whole or not at all."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from faces.errors import FacesError, UsageError
from faces.photos import contents
from faces.photos.library import Library
from tests.conftest import disk
from tests.photos.libraries import MODELS, add, library_of, person


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    with library_of(tmp_path, person(0, 2)) as library:
        modes = [stat.S_IMODE(path.stat().st_mode) for path in library.path.parent.iterdir()]
        assert set(modes) == {0o600}
        assert stat.S_IMODE(library.path.parent.stat().st_mode) == 0o700


def test_a_library_that_is_not_there_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"photos.sqlite: no library of photographs; run: faces photos scan FOLDER"):
        Library(tmp_path / "photos.sqlite")


@pytest.mark.parametrize("content", [b"no database at all, but a text", b""])
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photos.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE mine (x)")
    if content:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(FacesError, match=r"photos\.sqlite: (not a library|damaged or not a library)"):
        Library(path, create=True)
    assert path.read_bytes() == before


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    library_of(tmp_path).close()
    path = tmp_path / "output" / "photos.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(FacesError, match="made by a newer version"):
        Library(path)


def test_what_fails_in_a_transaction_leaves_nothing(tmp_path: Path) -> None:
    with library_of(tmp_path) as library:
        with pytest.raises(RuntimeError), library.write():
            add(library, Path("/album/a.jpg"), person(0, 1))
            raise RuntimeError
        assert not list(contents.files(library))
        assert library.fingerprint == MODELS


def test_a_face_that_is_found_again_keeps_its_number(tmp_path: Path) -> None:
    faces = person(0, 2)
    with library_of(tmp_path) as library:
        add(library, Path("/album/a.jpg"), faces)
        before = [face.id for face in contents.faces(library)]
        add(library, Path("/album/a.jpg"), person(1, 3))
        again = [face.id for face in contents.faces(library)]
        assert again[:2] == before and len(again) == 3
        assert np.allclose(contents.embeddings(library, again[::-1]), person(1, 3)[::-1])


def test_a_folder_is_no_library(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a folder, not a library of photographs"):
        Library(tmp_path, create=True)


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "1m") as folder:
        library = library_of(folder, person(0, 20))
        with pytest.raises(FacesError, match=r"cannot write .*photos.sqlite: .*full|disk I/O"):
            for number in range(100):
                with library.write():
                    add(library, Path(f"/album/{number}.jpg"), person(number, 40))
        library.close()
        with Library(folder / "output" / "photos.sqlite") as again:
            assert len(list(contents.files(again))) >= 20
