"""One at a time, and the second is told who the first is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from faces.errors import FacesError
from faces.files import locks
from tests.conftest import ROOT

HOLDS = """
import sys, time
from pathlib import Path
from faces.files import locks
sys.argv[0] = "/somewhere/extract_embeddings.py"
with locks.only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds ``path``."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_second_process_is_told_who_holds_it_until_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "Made Up" / "a.pickle"
    with holder(path) as process:
        for _ in range(2):
            with pytest.raises(FacesError) as caught, locks.only_one(path):
                pass
            text = str(caught.value)
            assert text.startswith(
                f"{path}: in use by extract_embeddings.py (process {process.pid} on {socket.gethostname()}, since 20"
            )
            assert text.endswith("wait for it, or stop it")
        process.kill()
    with locks.only_one(path):  # the system let go of it
        pass
    assert [file.name for file in path.parent.iterdir()] in ([], [".a.pickle.lock"])


def test_other_files_are_not_held(tmp_path: Path) -> None:
    with locks.only_one(tmp_path / "a"), locks.only_one(tmp_path / "b"):
        pass


def test_an_error_lets_go(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locks.only_one(tmp_path / "a"):
        raise KeyboardInterrupt
    with locks.only_one(tmp_path / "a"):
        pass


@pytest.mark.parametrize("said", [None, b"", b"\xff\xfe"], ids=["nothing", "empty", "no text"])
def test_a_holder_that_could_not_say_who_it_is(tmp_path: Path, said: bytes | None) -> None:
    about = tmp_path / ".a.holder"
    with locks.only_one(tmp_path / "a"):
        about.unlink()
        if said is not None:
            about.write_bytes(said)
        with pytest.raises(FacesError, match="in use by another run"), locks.only_one(tmp_path / "a"):
            pass


def test_a_place_where_nothing_can_be_locked(tmp_path: Path) -> None:
    (tmp_path / "File").write_text("")
    path = tmp_path / "File" / "a"
    with pytest.raises(FacesError, match=f"^cannot lock {path}: ") as caught, locks.only_one(path):
        pass
    assert os.linesep not in str(caught.value)
