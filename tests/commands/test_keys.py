"""``faces keys``, which ``serve.py keys`` is, too."""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from faces.commands import serve
from faces.commands.server import keys
from faces.errors import FacesError
from faces.server.access.callers import Keys
from faces.server.access.scopes import WORDS, Scope
from faces.server.store.database import Database
from tests.server.colours import FINGERPRINT


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["serve.py"])


@pytest.fixture
def served(in_a_folder: None) -> None:
    """A database that a server has made."""
    Database("sqlite:///output/faces.db", FINGERPRINT, 3).close()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert serve.main(["keys", *arguments]) == 0
    return capsys.readouterr().out


def test_keys_are_made_listed_and_revoked_beside_a_running_server(
    served: None, capsys: pytest.CaptureFixture[str]
) -> None:
    key = run(capsys, "add", "front door", "--scope", "identify").strip()
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{64}", key)
    database = Database("sqlite:///output/faces.db", FINGERPRINT, 3)  # of a server, which makes the file its own
    known = Keys(database, "the key in the file")
    caller = known.caller(key)
    assert caller is not None and (caller.key_name, caller.scope) == ("front door", Scope.IDENTIFY)
    other = run(capsys, "add", "Ana", "--scope", "admin").strip()
    assert known.caller(other) is not None and known.caller(f"{key[:9]}{other[9:]}") is None
    listed = run(capsys)
    assert listed == run(capsys, "list")
    assert [line.split("  ")[0] for line in listed.splitlines()] == ["name", "default", "front door", "Ana"]
    assert key[9:] not in listed
    assert run(capsys, "revoke", "FRONT door") == "the key front door is revoked\n"
    assert known.caller(key) is None and known.caller_with_id(key[:8]) is None
    database.close()
    lines = [json.loads(line) for line in Path("output/audit.log").read_text().splitlines()]
    assert [(line["action"], line["name"]) for line in lines] == [
        ("make_key", "front door"),
        ("make_key", "Ana"),
        ("revoke_key", "front door"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("revoke", "nobody"), "there is no key named nobody"),
        (("add", "DEFAULT", "--scope", "read"), "already exists"),
        (("add", "  ", "--scope", "read"), "is empty"),
        (("add", "a\nb", "--scope", "read"), "not allowed"),
        (("--database", "mysql://x", "list"), "--database mysql:"),
    ],
)
def test_what_cannot_be_done_is_said(served: None, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(FacesError, match=message):
        keys.main(arguments)
    assert not Path("output/audit.log").exists() or not Path("output/audit.log").read_text()


@pytest.mark.parametrize("arguments", [("add", "door", "--scope", "read"), ("list",), ("revoke", "door"), ()])
def test_no_database_is_made(arguments: tuple[str, ...]) -> None:
    with pytest.raises(FacesError, match=r"typo\.db is not a database of faces serve.* start faces serve with it once"):
        keys.main(["--database", "sqlite:///output/typo.db", *arguments])
    assert not Path("output").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_key_that_could_not_be_printed_is_not_kept(served: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", full)
        with pytest.raises(OSError, match="No space left"):
            keys.main(["add", "door", "--scope", "read"])
        patch.undo()
        with suppress(OSError):
            full.close()
    with pytest.raises(FacesError, match="there is no key named door"):
        keys.main(["revoke", "door"])


def test_the_command_knows_every_scope(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        serve.main(["keys", "add", "--help"])
    assert f"{{{','.join(WORDS)}}}" in capsys.readouterr().out
