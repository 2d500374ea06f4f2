"""PostgreSQL, for several servers at once: searched in memory and with pgvector."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psycopg
import pytest
import requests
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, text, update
from sqlalchemy.exc import OperationalError

from faces.errors import FacesError, FingerprintError, UsageError
from faces.server.kinds import FACE_LIST, LARGE_PERSON_GROUP
from faces.server.people.values import ImportResult
from faces.server.search import pgvector, training
from faces.server.search.index import Index, Layers
from faces.server.search.matching import Indexes
from faces.server.search.training import Trainer
from faces.server.store import collections, detected_faces, persisted_faces, persons, postgresql
from faces.server.store.database import Database
from faces.server.store.schema import Base, Collection, DetectedFace, Face
from faces.types import Fingerprint, Floats, ModelId
from tests.server.colours import FINGERPRINT
from tests.server.conftest import PHOTOGRAPHS, Api, Service, serving
from tests.server.enrolled import People
from tests.server.postgresql import Cluster, cluster, debian, wheel
from tests.server.search.test_matching import around

Both = pytest.mark.parametrize("kind", ["plain", "with_pgvector"])


@pytest.fixture(scope="module")
def plain() -> Iterator[Cluster]:
    """Without pgvector."""
    with cluster(debian()) as one:
        yield one


@pytest.fixture(scope="module")
def with_pgvector() -> Iterator[Cluster]:
    with cluster(wheel()) as one:
        yield one


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str:
    """Of an empty database."""
    return str(request.getfixturevalue(kind).database())


@pytest.fixture
def two(url: str, tmp_path: Path) -> Iterator[tuple[Api, Api]]:
    """Two servers with one database."""
    one, other = Api(tmp_path, url), Api(tmp_path, url)
    yield one, other
    for api in (one, other):
        api.trainer.close()
        api.database.close()


@Both
def test_what_one_server_does_the_others_know(two: tuple[Api, Api], kind: str) -> None:
    one, other = two
    assert one.database.has_vectors == other.database.has_vectors == (kind == "with_pgvector")
    people = one.group("Ada", "Bob")
    ada, bob, cleo = (one.detect(name)[0] for name in ("Ada", "Bob", "Cleo"))
    ask = {"personGroupId": "crowd", "maxNumOfCandidatesReturned": 3, "confidenceThreshold": 0}

    def identified(api: Api, face: str) -> list[str]:
        (found,) = api.ok("POST", "identify", json={"faceIds": [face], **ask})  # type: ignore[misc]
        return [candidate["personId"] for candidate in found["candidates"]]

    assert identified(other, ada)[0] == people["Ada"] and identified(one, ada)[0] == people["Ada"]
    third = other.ok("POST", "persongroups/crowd/persons", json={"name": "Cleo"})["personId"]
    other.ok("POST", f"persongroups/crowd/persons/{third}/persistedfaces", data=PHOTOGRAPHS["Cleo"])
    assert third not in identified(one, cleo)  # not trained
    other.train("persongroups/crowd")
    assert identified(one, cleo)[0] == third and len(identified(one, cleo)) == 3
    one.ok("DELETE", f"persongroups/crowd/persons/{people['Bob']}")
    assert people["Bob"] not in identified(other, bob) and len(identified(other, bob)) == 2
    (verified,) = [other.ok("POST", "verify", json={"faceId": ada, "personId": people["Ada"], **ask})]
    assert verified["isIdentical"]  # type: ignore[index]
    other.ok("DELETE", "persongroups/crowd")
    assert one.error("GET", "persongroups/crowd")[0] == 404


@Both
def test_lists(two: tuple[Api, Api]) -> None:
    one, other = two
    one.ok("PUT", "facelists/few", json={"name": "n"})
    (probe,) = one.detect("Ada")
    ask = {"faceId": probe, "faceListId": "few", "mode": "matchFace"}
    assert other.error("POST", "findsimilars", json=ask)[:2] == (400, "FaceListNotReady")
    for name in ("Ada", "Bob"):
        face = one.ok("POST", "facelists/few/persistedfaces", data=PHOTOGRAPHS[name])["persistedFaceId"]
        found = other.ok("POST", "findsimilars", json=ask)
        assert {one_["persistedFaceId"] for one_ in found} >= {face}  # type: ignore[attr-defined]
    other.ok("DELETE", f"facelists/few/persistedfaces/{face}")
    assert len(one.ok("POST", "findsimilars", json=ask)) == 1  # type: ignore[arg-type]


@Both
def test_quotas_hold_when_servers_add_at_the_same_time(two: tuple[Api, Api]) -> None:
    one, other = two
    one.ok("PUT", "facelists/few", json={"name": "n"})
    vector = np.zeros(3, np.float32)
    few = 30

    def add(number: int) -> bool:
        try:
            with (one, other)[number % 2].database.write() as session:
                found = collections.find(session, FACE_LIST, "few")
                if len(persisted_faces.listed(session, found)) >= few:
                    return False
                persisted_faces.add(session, found, None, vector, None)
                return True
        except Exception as error:  # told by the assertion
            raise AssertionError(error) from error

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(add, range(50))) == few
        made = list(pool.map(lambda k: (one, other)[k % 2]("PUT", "facelists/same", json={"name": "n"}), range(6)))
    assert sorted(answer.status_code for answer in made) == [200, *[409] * 5]


@Both
def test_the_people_of_the_pages(url: str, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    one = People(tmp_path, gallery=True, keep_photos=True, url=url)
    other = People(tmp_path, keep_photos=True, url=url)
    with ThreadPoolExecutor(4) as pool:  # the group, and Ada, are made once
        made = list(pool.map(lambda number: (one, other)[number % 2].enrol("Ada", number), range(8)))
    assert len(set(made)) == 1 and one.faces() == other.faces() == {"Ada": 8}
    bob = other.enrol("Bob")
    assert one.named("Ada", "Bob", "Cleo") == ["Ada", "Bob", None]
    one.enrolled.try_synchronize()  # as every minute
    assert one.gallery().names == ("Ada",) * 8 + ("Bob",)
    ada = one.enrolled.person(made[0])
    assert other.enrolled.cutout(ada.faces[0].id) == b"cut-out"
    exported = io.BytesIO()
    assert other.enrolled.export_dataset(exported).photographs == 9
    assert other.enrolled.remove_face(ada.id, ada.faces[0].id).photographs == 1
    one.enrolled.rename(bob, "Robert")
    assert one.gallery().names == ("Ada",) * 7 + ("Robert",)
    assert other.enrolled.merge(ada.id, bob).name == "Robert" and one.named("Ada") == ["Robert"]
    (tmp_path / "exported.pickle").write_bytes(other.enrolled.export_embeddings())
    assert other.enrolled.remove_person(bob).faces == 8 and one.named("Ada", "Bob") == [None, None]
    one.enrolled.try_synchronize()
    assert len(one.gallery()) == 0
    assert one.enrolled.import_embeddings(tmp_path / "exported.pickle") == ImportResult(1, 8, 0)
    assert other.named("Ada") == ["Robert"] and len(one.gallery()) == 8
    with one.database.write() as session:
        session.execute(update(Face).values(added=0))
    assert one.enrolled.erase_older(1).pending == "" and other.faces() == {} and len(one.gallery()) == 0
    for people in (one, other):
        people.database.close()


@Both
def test_the_tables_are_those_that_the_code_knows_and_made_once(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:  # that start at once
        made = list(pool.map(lambda _: Database(url, FINGERPRINT, 3), range(4)))
    for one in made:
        one.close()
    with create_engine(url).connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert [one for one in differences if "embedding" not in str(one)] == []
    other = Fingerprint(FINGERPRINT.detector, FINGERPRINT.aligner, ModelId("other", "o" * 64))
    with pytest.raises(FingerprintError, match=r"the faces in postgresql\+psycopg://postgres:\*\*\*@") as caught:
        Database(url, other)
    assert "no-secret" not in str(caught.value)


def crowd(database: Database, vectors: Floats, each: int) -> None:
    """A large group of people with so many faces each."""
    with database.write() as session:
        collections.create(session, LARGE_PERSON_GROUP, "crowd", "n", None, "recognition_04")
        group = collections.find(session, LARGE_PERSON_GROUP, "crowd")
        for number in range(0, len(vectors), each):
            person = persons.find(session, group, persons.create(session, group, str(number), None))
            for vector in vectors[number : number + each]:
                persisted_faces.add(session, group, person, vector, None)
                session.flush()
        group.trained_to = 10**6


@pytest.mark.parametrize("small", [1, 5_000])
def test_pgvector_finds_whom_the_memory_finds(
    with_pgvector: Cluster, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgvector, "EXACT_BELOW", small)
    vectors = around(0, 40, 3)
    database = Database(with_pgvector.database(), FINGERPRINT, 128)
    crowd(database, vectors, 3)
    probes = np.concatenate([vectors[::30], around(5, 6, 1)])
    with database.read() as session:
        group = collections.find(session, LARGE_PERSON_GROUP, "crowd")
        index = Index.load(session, group, None)
        assert index is not None
        np.testing.assert_array_equal(index.people.embeddings, vectors)
        for number in (1, 5, 200):
            mine, apart = index.nearest(probes, number)
            theirs, their_apart = Indexes().of(session, group).nearest(probes, number)
            np.testing.assert_array_equal(theirs, mine)
            np.testing.assert_allclose(their_apart, apart, atol=1e-6)
        known, stored = Layers.of(index).crowd, Indexes().of(session, group).crowd
        assert known is not None and known == stored
        plan = "EXPLAIN SELECT key FROM faces ORDER BY embedding <-> :probe LIMIT 1"
        session.execute(text("SET LOCAL enable_seqscan = off"))
        rows = session.execute(text(plan), {"probe": str(probes[0].tolist())}).scalars()
        assert "ix_faces_embedding" in " ".join(rows)
    database.close()


def test_pgvector_that_comes_later_takes_what_there_is(with_pgvector: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    url, vectors = with_pgvector.database(), around(1, 5, 2)
    with monkeypatch.context() as patch:
        patch.setattr(postgresql, "use_vectors", lambda *_: False)
        patch.setattr(postgresql, "BATCH_ROWS", 3)
        before = Database(url, FINGERPRINT, 128)
        crowd(before, vectors, 2)
        before.close()
    database = Database(url, FINGERPRINT, 128)
    assert database.has_vectors
    with database.read() as session:
        index = Index.load(session, collections.find(session, LARGE_PERSON_GROUP, "crowd"), None)
    assert index is not None
    np.testing.assert_array_equal(index.people.embeddings, vectors)
    database.close()


def test_a_training_is_its_owners_while_that_lives(
    plain: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    api = Api(tmp_path, plain.database())
    api.group("Ada", train=False)

    def under_way(alive: float) -> None:
        with api.database.write() as session:
            found = update(Collection).values(training_status="running", training_owner="x", training_alive=alive)
            session.execute(found)

    under_way(time.time())
    third = Trainer(api.database, api.indexes)  # another server starts
    assert api.ok("GET", "persongroups/crowd/training")["status"] == "running"  # type: ignore[index]
    assert api.error("POST", "persongroups/crowd/train")[0] == 409
    under_way(time.time() - training.ABANDONED_SECONDS - 1)
    third._mark_failed(training._is_abandoned())
    told = api.ok("GET", "persongroups/crowd/training")
    assert told["status"] == "failed" and "stopped" in told["message"]  # type: ignore[index]
    assert api.train("persongroups/crowd") == "succeeded"
    under_way(time.time())
    assert not third._set_status(1, "succeeded", trained_to=99)  # it is not its training
    third.close()
    api.trainer.close()
    api.database.close()


def test_errors_are_told_in_the_form_of_the_api(with_pgvector: Cluster, tmp_path: Path) -> None:
    """A database that goes away and comes back."""
    api = Api(tmp_path, with_pgvector.database())
    api.group("Ada")
    (ada,) = api.detect("Ada")
    ask = {"faceIds": [ada], "personGroupId": "crowd"}
    assert api.error("GET", "persongroups/crowd/persons/a%00b")[0] == 400
    with api.database.write() as session:
        session.execute(text("SELECT key FROM collections FOR UPDATE"))
        hasty = "SET LOCAL lock_timeout = '50ms'"
        event.listen(api.database._writer, "begin", lambda connection: connection.exec_driver_sql(hasty))
        assert api.error("PATCH", "persongroups/crowd", json={"name": "m"})[:2] == (503, "ServiceUnavailable")
    with_pgvector.stop()
    try:
        for _ in range(2):
            assert api.error("POST", "identify", json=ask)[:2] == (503, "ServiceUnavailable")
            assert api.error("POST", "persongroups/crowd/persons", json={"name": "n"})[0] == 503
    finally:
        with_pgvector.start()
    assert api.ok("POST", "identify", json=ask)[0]["candidates"]  # type: ignore[index]
    assert api.ok("POST", "persongroups/crowd/persons", json={"name": "n"})
    api.trainer.close()
    api.database.close()


@pytest.mark.parametrize(
    ("state", "answer"),
    [("53100", 507), ("40001", 503), ("40P01", 503), ("55P03", 503), ("57P01", 503), ("08006", 503), ("42P01", None)],
)
def test_states(state: str, answer: int | None) -> None:
    kind = psycopg.errors.lookup(state)
    told = postgresql.api_error(OperationalError("", {}, kind("words")))
    assert (told.status if told else None) == answer


def test_expired_faces_are_erased_by_whoever_comes_first(plain: Cluster) -> None:
    url = plain.database()
    databases = [Database(url, FINGERPRINT) for _ in range(2)]
    with databases[0].write() as session:
        detected_faces.remember(session, np.zeros((50, 3), np.float32), -1)
    with databases[0].write() as first:
        detected_faces.erase_expired(first)
        with databases[1].write() as second:
            detected_faces.erase_expired(second)  # waits for nobody
    with databases[0].read() as session:
        assert session.query(DetectedFace).count() == 0
    for one in databases:
        one.close()


def test_addresses_and_what_they_hide(tmp_path: Path) -> None:
    assert Database.path_of("postgresql://x/y") is None
    for wrong in (
        "postgresql+asyncpg://u:no-secret@x/y",
        "mysql://u:no-secret@x/y",
        "postgresql+psycopg://u:no-secret@x:y/z",
    ):
        with pytest.raises(UsageError, match="give a file") as usage:
            Database.path_of(wrong)
        assert "no-secret" not in str(usage.value)
    with pytest.raises(FacesError, match="cannot use the database") as caught:
        Database(f"postgresql+psycopg://u:no-secret@/x?host={tmp_path}&password=no-secret", FINGERPRINT)
    assert "no-secret" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_server_that_is_killed_stops_nobody_else(
    plain: Cluster, tmp_path: Path, drawn: dict[str, list[Path]]
) -> None:
    data = next(iter(drawn.values()))[0].read_bytes()
    url, acknowledged = plain.database(), []
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "face_api.key").write_text("a" * 32)
    (tmp_path / "output" / "face_api.key").chmod(0o600)
    options = "--min-face", 80, "--database", url
    with serving(tmp_path, *options) as one, serving(tmp_path, *options) as other:
        one.add("PUT", "persongroups/g", json={"name": "n"})
        person = other.add("POST", "persongroups/g/persons", json={"name": "Ana"})["personId"]
        path = f"persongroups/g/persons/{person}/persistedfaces"
        acknowledged.append(one.add("POST", path, data=data)["persistedFaceId"])
        (face,) = one.call("POST", "detect", data=data).json()

        def add(service: Service) -> None:
            while True:
                try:
                    answer = service.call("POST", "persongroups/g/persons", json={"name": "x"})
                except requests.RequestException:
                    return
                if answer.status_code != 200:
                    return
                acknowledged.append(answer.json()["personId"])

        threads = [threading.Thread(target=add, args=[one]) for _ in range(3)]
        for thread in threads:
            thread.start()
        while len(acknowledged) < 6:
            time.sleep(0.02)
        one.call("POST", "persongroups/g/train")
        one.running.process.kill()
        for thread in threads:
            thread.join()
        kept = {p["personId"]: p["persistedFaceIds"] for p in other.call("GET", "persongroups/g/persons").json()}
        assert set(acknowledged) <= {*kept, *kept[person]}
        with plain.connect(url.partition("@/")[2].partition("?")[0]) as connection:  # as if long ago
            connection.execute("UPDATE collections SET training_alive = 0 WHERE training_alive IS NOT NULL")
        assert other.call("POST", "persongroups/g/train").status_code == 202
        for _ in range(200):
            if (status := other.call("GET", "persongroups/g/training").json()["status"]) == "succeeded":
                break
            time.sleep(0.1)
        assert status == "succeeded"
        body = {"faceIds": [face["faceId"]], "personGroupId": "g"}
        (result,) = other.call("POST", "identify", json=body).json()
        assert result["candidates"][0]["personId"] == person
