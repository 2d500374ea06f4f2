"""What is done is kept, whatever happens to the process or to the file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from faces.datasets import Photograph
from faces.enrolment import Enrolment
from faces.errors import FacesError
from faces.extraction import checkpoints
from faces.extraction.checkpoints import Checkpoint
from faces.types import Faces
from tests.conftest import ROOT

BOX = np.array([[1.5, -2, 300, 4]], np.float32)
EMBEDDING = np.linspace(-1, 1, 128, dtype=np.float32)
GOOD = Enrolment(Faces(BOX, np.array([0.75], np.float32)), EMBEDDING, "a" * 64)
POOR = Enrolment(sha256="b" * 64, reason="no face")
ODD = os.fsdecode(b"Zo\xeb/caf\xe9.jpg")  # no Unicode


def photograph(path: str) -> Photograph:
    return Photograph(path, "Ada", 7, "123")


def filled(path: Path, *names: str) -> None:
    checkpoint = Checkpoint(path, "these models")
    for name in names:
        checkpoint.add(photograph(name), GOOD)
    checkpoint.save()


def paths(checkpoint: Checkpoint) -> list[str]:
    return sorted(path for path, *_ in checkpoint)


def test_what_was_added_is_there_in_the_next_run(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "c", "these models")
    checkpoint.add(photograph(ODD), GOOD)
    checkpoint.add(photograph("Ada/wall.jpg"), POOR)
    checkpoint.save()
    again = Checkpoint(tmp_path / "c", "these models")
    assert sorted(again) == [("Ada/wall.jpg", 7, "123", "b" * 64), (ODD, 7, "123", "a" * 64)]
    good, poor = again[ODD], again["Ada/wall.jpg"]
    assert good.face is not None and good.embedding is not None
    assert (good.sha256, good.reason, good.face.score.tolist()) == ("a" * 64, "", [0.75])
    assert np.array_equal(good.face.xyxy, BOX) and np.array_equal(good.embedding, EMBEDDING)
    assert good.embedding.dtype == good.face.xyxy.dtype == np.float32
    assert (poor.face, poor.embedding, poor.sha256, poor.reason) == (None, None, "b" * 64, "no face")


def test_a_photograph_that_changed_replaces_itself(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "c", "x")
    checkpoint.add(photograph("a"), GOOD)
    checkpoint.add(photograph("a"), POOR)
    assert [sha256 for *_, sha256 in checkpoint] == ["b" * 64]


def test_nothing_is_left_of_it_once_removed(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "c", "x")
    checkpoint.add(photograph("a"), GOOD)
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("made_with", "anew", "then", "then_anew", "kept"),
    [
        ("x", False, "x", False, True),
        ("x", True, "x", True, True),
        ("x", True, "x", False, True),
        ("x", False, "x", True, False),
        ("x", False, "y", False, False),
        ("x", True, "y", True, False),
    ],
)
def test_only_the_same_work_goes_on(
    tmp_path: Path, made_with: str, anew: bool, then: str, then_anew: bool, kept: bool
) -> None:
    checkpoint = Checkpoint(tmp_path / "c", made_with, anew)
    checkpoint.add(photograph("a"), GOOD)
    checkpoint.save()
    assert paths(Checkpoint(tmp_path / "c", then, then_anew)) == (["a"] if kept else [])


KILLED = """
import os, sys
from tests.extraction import test_checkpoints as t
from faces.extraction import checkpoints
checkpoints.SAVE_INTERVAL = float(sys.argv[2])
checkpoint = checkpoints.Checkpoint(t.Path(sys.argv[1]), "these models")
for number in range(500):
    checkpoint.add(t.photograph(f"{number:03}"), t.GOOD)
os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
@pytest.mark.parametrize(("interval", "kept"), [(-1, 500), (1000, 0)], ids=["saved", "not yet saved"])
def test_a_process_that_is_killed(tmp_path: Path, interval: float, kept: int) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "c"), str(interval)], cwd=ROOT, check=False)
    assert killed.returncode == -9
    checkpoint = Checkpoint(tmp_path / "c", "these models")
    assert len(paths(checkpoint)) == kept
    checkpoint.remove()
    assert list(tmp_path.iterdir()) == []


def test_it_is_saved_every_few_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    checkpoint = Checkpoint(tmp_path / "c", "x")
    for number in range(12):
        checkpoint.add(photograph(f"{number:02}"), GOOD)
        now += 1
    seen_by_others = sqlite3.connect(tmp_path / "c").execute("SELECT count(*) FROM done").fetchone()[0]
    assert 12 - seen_by_others <= checkpoints.SAVE_INTERVAL <= 10


@pytest.mark.parametrize("kind", ["text", "empty", "cut off", "pages of nothing", "another table", "an old journal"])
def test_a_damaged_one_is_begun_again(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "c"
    filled(path, *(f"{number:03}" for number in range(200)))
    data = path.read_bytes()
    assert len(data) > 40_000
    if kind == "text":
        path.write_text("Dear diary" * 1000)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut off":
        path.write_bytes(data[: len(data) // 2])
    elif kind == "pages of nothing":
        path.write_bytes(data[:16384] + bytes(len(data) - 32768) + data[-16384:])
    elif kind == "another table":
        path.unlink()
        sqlite3.connect(path).execute("CREATE TABLE done (path TEXT)")
    else:
        path.write_text("no database")
        (tmp_path / "c-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(600))
    checkpoint = Checkpoint(path, "these models")
    assert paths(checkpoint) == []
    checkpoint.add(photograph("new"), GOOD)
    checkpoint.save()
    assert paths(Checkpoint(path, "these models")) == ["new"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    with pytest.raises(FacesError, match=r"cannot write .*/c: unable to open database file") as caught:
        Checkpoint(tmp_path / "c", "x")
    assert "\n" not in str(caught.value)


FULL = """
import resource, sys
from tests.extraction import test_checkpoints as t
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
checkpoint = t.Checkpoint(t.Path(sys.argv[1]), "these models")
try:
    for number in range(500):
        checkpoint.add(t.photograph(f"{number:03}"), t.GOOD)
        checkpoint.save()
except t.FacesError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX")
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "c")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.startswith(f"cannot write {tmp_path / 'c'}: ")
    kept = paths(Checkpoint(tmp_path / "c", "these models"))
    assert len(kept) > 20 and kept == [f"{number:03}" for number in range(len(kept))]


@pytest.mark.parametrize(
    "damage",
    [
        "embedding = x'0000c07f' || substr(embedding, 5)",  # not a number
        "embedding = zeroblob(512)",
        "embedding = substr(embedding, 5)",
        "embedding = substr(embedding, 2)",
        "embedding = 'text'",
        "box = x'00'",
        "score = 'high'",
        "size = 'large'",
    ],
)
def test_a_damaged_row_is_made_again(tmp_path: Path, damage: str) -> None:
    filled(tmp_path / "c", "a", "b", "c")
    with sqlite3.connect(tmp_path / "c") as database:
        database.execute(f"UPDATE done SET {damage} WHERE path = ?", [b"b"])
    database.close()
    checkpoint = Checkpoint(tmp_path / "c", "these models")
    assert paths(checkpoint) == ["a", "c"]
    checkpoint.add(photograph("b"), GOOD)
    assert paths(checkpoint) == ["a", "b", "c"]
