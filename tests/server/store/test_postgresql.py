"""PostgreSQL shared by several servers, searched in memory and with pgvector."""

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
    """A cluster without pgvector."""
    with cluster(debian()) as server:
        yield server


@pytest.fixture(scope="module")
def with_pgvector() -> Iterator[Cluster]:
    with cluster(wheel()) as server:
        yield server


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database."""
    return str(request.getfixturevalue(kind).database())


@pytest.fixture
def two(url: str, tmp_path: Path) -> Iterator[tuple[Api, Api]]:
    """Two servers with one database."""
    first, second = Api(tmp_path, url), Api(tmp_path, url)
    yield first, second
    for api in (first, second):
        api.trainer.close()
        api.database.close()


@Both
def test_servers_see_each_others_changes(two: tuple[Api, Api], kind: str) -> None:
    first, second = two
    assert first.database.has_vectors == second.database.has_vectors == (kind == "with_pgvector")
    people = first.group("Ada", "Bob")
    ada, bob, cleo = (first.detect(name)[0] for name in ("Ada", "Bob", "Cleo"))
    ask = {"personGroupId": "crowd", "maxNumOfCandidatesReturned": 3, "confidenceThreshold": 0}

    def identified(api: Api, face: str) -> list[str]:
        (answer,) = api.ok("POST", "identify", json={"faceIds": [face], **ask})
        return [candidate["personId"] for candidate in answer["candidates"]]

    assert identified(second, ada)[0] == people["Ada"] and identified(first, ada)[0] == people["Ada"]
    third = second.ok("POST", "persongroups/crowd/persons", json={"name": "Cleo"})["personId"]
    second.ok("POST", f"persongroups/crowd/persons/{third}/persistedfaces", data=PHOTOGRAPHS["Cleo"])
    assert third not in identified(first, cleo)  # not trained yet
    second.train("persongroups/crowd")
    assert identified(first, cleo)[0] == third and len(identified(first, cleo)) == 3
    first.ok("DELETE", f"persongroups/crowd/persons/{people['Bob']}")
    assert people["Bob"] not in identified(second, bob) and len(identified(second, bob)) == 2
    (verified,) = [second.ok("POST", "verify", json={"faceId": ada, "personId": people["Ada"], **ask})]
    assert verified["isIdentical"]
    second.ok("DELETE", "persongroups/crowd")
    assert first.error("GET", "persongroups/crowd")[0] == 404


@Both
def test_lists(two: tuple[Api, Api]) -> None:
    first, second = two
    first.ok("PUT", "facelists/few", json={"name": "n"})
    (probe,) = first.detect("Ada")
    ask = {"faceId": probe, "faceListId": "few", "mode": "matchFace"}
    assert second.error("POST", "findsimilars", json=ask)[:2] == (400, "FaceListNotReady")
    for name in ("Ada", "Bob"):
        face = first.ok("POST", "facelists/few/persistedfaces", data=PHOTOGRAPHS[name])["persistedFaceId"]
        matches = second.ok("POST", "findsimilars", json=ask)
        assert {match["persistedFaceId"] for match in matches} >= {face}
    second.ok("DELETE", f"facelists/few/persistedfaces/{face}")
    assert len(first.ok("POST", "findsimilars", json=ask)) == 1


@Both
def test_quotas_hold_when_servers_add_concurrently(two: tuple[Api, Api]) -> None:
    first, second = two
    first.ok("PUT", "facelists/few", json={"name": "n"})
    vector = np.zeros(3, np.float32)
    few = 30

    def add(number: int) -> bool:
        try:
            with (first, second)[number % 2].database.write() as session:
                face_list = collections.find(session, FACE_LIST, "few")
                if len(persisted_faces.listed(session, face_list)) >= few:
                    return False
                persisted_faces.add(session, face_list, None, vector, None)
                return True
        except Exception as error:  # shown by the assertion
            raise AssertionError(error) from error

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(add, range(50))) == few
        made = list(pool.map(lambda k: (first, second)[k % 2]("PUT", "facelists/same", json={"name": "n"}), range(6)))
    assert sorted(answer.status_code for answer in made) == [200, *[409] * 5]


@Both
def test_enrolled_people(url: str, tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    first = People(tmp_path, gallery=True, keep_photos=True, url=url)
    second = People(tmp_path, keep_photos=True, url=url)
    with ThreadPoolExecutor(4) as pool:  # the group and Ada are created once
        made = list(pool.map(lambda number: (first, second)[number % 2].enrol("Ada", number), range(8)))
    assert len(set(made)) == 1 and first.faces() == second.faces() == {"Ada": 8}
    bob = second.enrol("Bob")
    assert first.named("Ada", "Bob", "Cleo") == ["Ada", "Bob", None]
    first.enrolled.try_synchronize()  # as every minute
    assert first.gallery().names == ("Ada",) * 8 + ("Bob",)
    ada = first.enrolled.person(made[0])
    assert second.enrolled.cutout(ada.faces[0].id) == b"cut-out"
    exported = io.BytesIO()
    assert second.enrolled.export_dataset(exported).photographs == 9
    assert second.enrolled.remove_face(ada.id, ada.faces[0].id).photographs == 1
    first.enrolled.rename(bob, "Robert")
    assert first.gallery().names == ("Ada",) * 7 + ("Robert",)
    assert second.enrolled.removals.merge(ada.id, bob).name == "Robert" and first.named("Ada") == ["Robert"]
    (tmp_path / "exported.pickle").write_bytes(second.enrolled.export_embeddings())
    assert second.enrolled.remove_person(bob).faces == 8 and first.named("Ada", "Bob") == [None, None]
    first.enrolled.try_synchronize()
    assert len(first.gallery()) == 0
    assert first.enrolled.import_embeddings(tmp_path / "exported.pickle") == ImportResult(1, 8, 0)
    assert second.named("Ada") == ["Robert"] and len(first.gallery()) == 8
    with first.database.write() as session:
        session.execute(update(Face).values(added=0))
    assert first.enrolled.erase_older(1).pending == "" and second.faces() == {} and len(first.gallery()) == 0
    for people in (first, second):
        people.database.close()


@Both
def test_tables_are_as_in_the_schema_and_made_once(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:  # servers that start at the same time
        made = list(pool.map(lambda _: Database(url, FINGERPRINT, 3), range(4)))
    for difference in made:
        difference.close()
    with create_engine(url).connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert [difference for difference in differences if "embedding" not in str(difference)] == []
    other = Fingerprint(FINGERPRINT.detector, FINGERPRINT.aligner, ModelId("other", "o" * 64))
    with pytest.raises(FingerprintError, match=r"the faces in postgresql\+psycopg://postgres:\*\*\*@") as caught:
        Database(url, other)
    assert "no-secret" not in str(caught.value)


def crowd(database: Database, vectors: Floats, each: int) -> None:
    """Create a large group of people with ``each`` faces."""
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
def test_pgvector_agrees_with_the_index_in_memory(
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
            for embedder in (None, "sface-int8"):
                expected = Layers.of(index, embedder).search(probes, number)
                searchable = Indexes(embedder=embedder).of(session, group)
                assert searchable is not None
                found = searchable.search(probes, number)
                np.testing.assert_array_equal(found.ids, expected.ids)
                np.testing.assert_allclose(found.distance, expected.distance, atol=1e-6)
                if embedder is not None:
                    assert found.expected is not None
                    assert expected.expected is not None
                    np.testing.assert_allclose(found.expected, expected.expected, rtol=1e-3)
        plan = "EXPLAIN SELECT key FROM faces ORDER BY embedding <-> :probe LIMIT 1"
        session.execute(text("SET LOCAL enable_seqscan = off"))
        rows = session.execute(text(plan), {"probe": str(probes[0].tolist())}).scalars()
        assert "ix_faces_embedding" in " ".join(rows)
    database.close()


def test_pgvector_installed_later_converts_the_embeddings(
    with_pgvector: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_training_belongs_to_its_server_until_that_dies(
    plain: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    api = Api(tmp_path, plain.database())
    api.group("Ada", train=False)

    def under_way(alive: float) -> None:
        with api.database.write() as session:
            unfinished = update(Collection).values(training_status="running", training_owner="x", training_alive=alive)
            session.execute(unfinished)

    under_way(time.time())
    third = Trainer(api.database, api.indexes)  # another server starts
    assert api.ok("GET", "persongroups/crowd/training")["status"] == "running"
    assert api.error("POST", "persongroups/crowd/train")[0] == 409
    under_way(time.time() - training.ABANDONED_SECONDS - 1)
    third._mark_failed(training._is_abandoned())
    training_status = api.ok("GET", "persongroups/crowd/training")
    assert training_status["status"] == "failed" and "stopped" in training_status["message"]
    assert api.train("persongroups/crowd") == "succeeded"
    under_way(time.time())
    assert not third._set_status(1, "succeeded", trained_to=99)  # the training belongs to another server
    third.close()
    api.trainer.close()
    api.database.close()


def test_database_errors_have_the_api_form(with_pgvector: Cluster, tmp_path: Path) -> None:
    """A busy database, and one that stops and starts again."""
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
    assert api.ok("POST", "identify", json=ask)[0]["candidates"]
    assert api.ok("POST", "persongroups/crowd/persons", json={"name": "n"})
    api.trainer.close()
    api.database.close()


@pytest.mark.parametrize(
    ("state", "answer"),
    [("53100", 507), ("40001", 503), ("40P01", 503), ("55P03", 503), ("57P01", 503), ("08006", 503), ("42P01", None)],
)
def test_states(state: str, answer: int | None) -> None:
    kind = psycopg.errors.lookup(state)
    error = postgresql.api_error(OperationalError("", {}, kind("words")))
    assert (error.status if error else None) == answer


def test_two_servers_erase_expired_faces(plain: Cluster) -> None:
    url = plain.database()
    databases = [Database(url, FINGERPRINT) for _ in range(2)]
    with databases[0].write() as session:
        detected_faces.remember(session, np.zeros((50, 3), np.float32), -1)
    with databases[0].write() as first:
        detected_faces.erase_expired(first)
        with databases[1].write() as second:
            detected_faces.erase_expired(second)  # does not wait for the other server
    with databases[0].read() as session:
        assert session.query(DetectedFace).count() == 0
    for database in databases:
        database.close()


def test_urls_and_their_secrets(tmp_path: Path) -> None:
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
def test_a_killed_server_does_not_stop_the_others(plain: Cluster, tmp_path: Path, drawn: dict[str, list[Path]]) -> None:
    data = next(iter(drawn.values()))[0].read_bytes()
    url, acknowledged = plain.database(), []
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "face_api.key").write_text("a" * 32)
    (tmp_path / "output" / "face_api.key").chmod(0o600)
    options = "--min-face", 80, "--database", url
    with serving(tmp_path, *options) as first, serving(tmp_path, *options) as second:
        first.add("PUT", "persongroups/g", json={"name": "n"})
        person = second.add("POST", "persongroups/g/persons", json={"name": "Ana"})["personId"]
        path = f"persongroups/g/persons/{person}/persistedfaces"
        acknowledged.append(first.add("POST", path, data=data)["persistedFaceId"])
        (face,) = first.call("POST", "detect", data=data).json()

        def add(service: Service) -> None:
            while True:
                try:
                    answer = service.call("POST", "persongroups/g/persons", json={"name": "x"})
                except requests.RequestException:
                    return
                if answer.status_code != 200:
                    return
                acknowledged.append(answer.json()["personId"])

        threads = [threading.Thread(target=add, args=[first]) for _ in range(3)]
        for thread in threads:
            thread.start()
        while len(acknowledged) < 6:
            time.sleep(0.02)
        first.call("POST", "persongroups/g/train")
        first.running.process.kill()
        for thread in threads:
            thread.join()
        kept = {p["personId"]: p["persistedFaceIds"] for p in second.call("GET", "persongroups/g/persons").json()}
        assert set(acknowledged) <= {*kept, *kept[person]}
        with plain.connect(url.partition("@/")[2].partition("?")[0]) as connection:  # a long silence
            connection.execute("UPDATE collections SET training_alive = 0 WHERE training_alive IS NOT NULL")
        assert second.call("POST", "persongroups/g/train").status_code == 202
        for _ in range(200):
            if (status := second.call("GET", "persongroups/g/training").json()["status"]) == "succeeded":
                break
            time.sleep(0.1)
        assert status == "succeeded"
        body = {"faceIds": [face["faceId"]], "personGroupId": "g"}
        (result,) = second.call("POST", "identify", json=body).json()
        assert result["candidates"][0]["personId"] == person
