"""The SQLite database: tables, file mode, models, erasure, a full disk; and the key file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import OperationalError

from faces.errors import FacesError, FingerprintError, UsageError
from faces.server import keys
from faces.server.store import database
from faces.server.store.database import Database
from faces.server.store.schema import Base, Collection, Face
from faces.types import Fingerprint, ModelId
from tests.conftest import disk
from tests.server.colours import FINGERPRINT
from tests.server.conftest import PHOTOGRAPHS, Api


def test_the_migrations_make_the_tables_of_the_schema(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'faces.db'}", FINGERPRINT).close()
    with create_engine(f"sqlite:///{tmp_path / 'faces.db'}").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        tables = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'faces'")).scalar_one()
    assert "AUTOINCREMENT" in tables  # trainings rely on keys that are never reused


def test_the_project_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "100% %(here)s"
    place.symlink_to(Path(database.__file__).parent)
    monkeypatch.setattr(database, "__file__", str(place / "database.py"))
    Database(f"sqlite:///{tmp_path / 'faces.db'}", FINGERPRINT).close()


def test_file_mode_and_models(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "faces.db"
    Database(f"sqlite:///{path}", FINGERPRINT).close()
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]
    Database(f"sqlite:///{path}", FINGERPRINT).close()
    other = Fingerprint(FINGERPRINT.detector, FINGERPRINT.aligner, ModelId("other", "o" * 64))
    with pytest.raises(FingerprintError, match="embedder"):
        Database(f"sqlite:///{path}", other)


@pytest.mark.parametrize("url", ["faces.db", "sqlite://", "sqlite:///:memory:", "mysql://x/y", "http://x"])
def test_invalid_urls(url: str) -> None:
    with pytest.raises(UsageError, match="give a file"):
        Database.path_of(url)


@pytest.mark.parametrize(
    "rest", ["127.0.0.1:1/faces", "127.0.0.1/faces?sslmode=disable", "/faces", "127.0.0.1:1/faces?user=me@server"]
)
@pytest.mark.parametrize("password", ["an@no-secret", "an@no-secret/no-secret", "an@no-secret?x=no-secret", "@"])
def test_a_password_with_an_unescaped_at_is_not_shown(password: str, rest: str) -> None:
    with pytest.raises(UsageError, match="as %40") as caught:
        Database(f"postgresql+psycopg://user:{password}@{rest}", FINGERPRINT)
    assert "no-secret" not in str(caught.value) and "127" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["me:p%40ss@host/faces", "me@server@host/faces", "host/faces?user=me@server", "me:p@host/faces?user=me%40server"],
)
def test_urls_with_escaped_characters(url: str) -> None:
    assert Database.path_of(f"postgresql://{url}") is None


def test_a_folder_is_not_a_database(tmp_path: Path) -> None:
    with pytest.raises(FacesError, match=r": is a directory$"):
        Database(f"sqlite:///{tmp_path}", FINGERPRINT)


def test_an_error_undoes_the_transaction(api: Api) -> None:
    def half() -> None:
        with api.database.write() as session:
            session.add(Collection(kind="persongroups", id="half", name="n", recognition_model="recognition_01"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert api.error("GET", "persongroups/half")[0] == 404


def test_reading_during_a_write(api: Api) -> None:
    api.group("Ada")
    with api.database.write() as session:
        session.execute(text("DELETE FROM persons"))
        assert len(api.ok("GET", "persongroups/crowd/persons")) == 1
    assert api.ok("GET", "persongroups/crowd/persons") == []


def test_a_busy_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise OperationalError("", {}, Exception("database is locked"))

    monkeypatch.setattr("faces.server.store.collections.listed", busy)
    assert api.error("GET", "persongroups")[:2] == (503, "ServiceUnavailable")


def test_erased_data_is_gone_from_the_file(tmp_path: Path) -> None:
    api = Api(tmp_path)
    api.ok("PUT", "facelists/one", json={"name": "n"})
    face = api.ok("POST", "facelists/one/persistedfaces?userData=to-be-erased", data=PHOTOGRAPHS["Ada"])
    api.ok("DELETE", f"facelists/one/persistedfaces/{face['persistedFaceId']}")
    with api.database.write() as session:
        session.execute(text("UPDATE properties SET value = value"))
    api.trainer.close()
    api.database.close()  # merges the write-ahead log into the file
    assert b"to-be-erased" not in (tmp_path / "faces.db").read_bytes()


def test_erased_data_is_gone_from_every_file_at_once(api: Api) -> None:
    people = api.group("Ada")
    with api.database.read() as session:
        (blob,) = session.scalars(select(Face.embedding))
    assert any(blob in path.read_bytes() for path in files(api))
    api.ok("DELETE", f"persongroups/crowd/persons/{people['Ada']}")
    assert not any(blob in path.read_bytes() for path in files(api))


def files(api: Api) -> list[Path]:
    assert api.database.path is not None
    return list(api.database.path.parent.glob(f"{api.database.path.name}*"))


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path) -> None:
    with disk(tmp_path / "small", "1m") as folder:
        api = Api(folder)
        api.ok("PUT", "persongroups/one", json={"name": "n"})
        made = 0
        while (answer := api("POST", "persongroups/one/persons", json={"userData": "u" * 16_000})).status_code == 200:
            made += 1
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (507, "InsufficientStorage")
        assert len(api.ok("GET", "persongroups/one/persons")) == made > 0
        api.database.close()
        api.trainer.close()


def test_keys(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "key"
    key = keys.load(path)
    assert len(key) == 32 and keys.load(path) == key
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]
    for content in (b"", b"short", b"with spaces in it, which is none", b"\xff" * 40):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="not a key"):
            keys.load(path)
