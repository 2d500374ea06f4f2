"""How long identification among many takes: the figures of docs/face-api.md.

python -m benchmarks.identify [--persons 100000] [--database postgresql+psycopg://user@host/an-empty-one]

A group of made-up persons with a face each, random directions, is written into a database, by default an SQLite file
that is made for it. ``serve.py`` runs on it in a process of its own, this one is the client; probes are enrolled faces
with noise, as far from them as photographs of one person are from each other.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from sqlalchemy import func, insert, select, text

from faces.cli import values
from faces.embedding.embedders import unit
from faces.pipeline import Pipeline
from faces.server import keys
from faces.server.kinds import LARGE_PERSON_GROUP
from faces.server.search.index import Index
from faces.server.search.matching import Indexes
from faces.server.store import collections, detected_faces, persisted_faces
from faces.server.store.database import Database
from faces.server.store.persons import create, delete, find
from faces.server.store.schema import Face, Person
from faces.types import Floats

GROUP = "many"
APART = 0.25  # of a probe from the face that was enrolled
AT_ONCE = 10_000
REQUESTS, CHANGES, COMPARED = 300, 30, 1000


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=values.count, default=100_000)
    parser.add_argument("--database", metavar="URL", help="an empty one; without it a file is made")
    args = parser.parse_args(argv)
    pipeline = Pipeline.load()
    dimension = pipeline.embedder.spec.dimension or 0
    print(f"{args.persons:,} persons; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        url = args.database or f"sqlite:///{folder}/faces.db"
        with closing(Database(url, pipeline.fingerprint, dimension)) as database:
            vectors = directions(args.persons, dimension)
            index = "ix_faces_embedding" if database.has_vectors else ""
            if index:  # so many are written sooner without it
                change(database, f"DROP INDEX {index}")
            took(lambda: fill(database, vectors), "writing them")
            if index:
                made = f"CREATE INDEX {index} ON faces USING hnsw (embedding vector_l2_ops)"
                took(lambda: change(database, made), "making the index")
            probes = near(vectors[:COMPARED], 1)
            search_alone(database, probes)
            with database.write() as session:
                ids = detected_faces.remember(session, probes[:REQUESTS])
            key = Path(folder, "key")
            with serving(url, key, Path(folder)) as port:
                over_http(database, vectors, ids, port, keys.load(key))
    print(f"load {os.getloadavg()[0]:.1f}")
    return 0


def directions(number: int, dimension: int, seed: int = 0) -> Floats:
    """float32 (number, D), unit length."""
    return unit(np.random.default_rng(seed).normal(size=(number, dimension)).astype(np.float32))


def near(vectors: Floats, seed: int) -> Floats:
    """Another photograph of each."""
    return unit(vectors + APART * directions(len(vectors), vectors.shape[1], seed + 1000))


def fill(database: Database, vectors: Floats) -> None:
    with database.write() as session:
        collections.create(session, LARGE_PERSON_GROUP, GROUP, "many", None, "recognition_04")
        group = collections.find(session, LARGE_PERSON_GROUP, GROUP)
        for start in range(0, len(vectors), AT_ONCE):
            some = range(start, min(start + AT_ONCE, len(vectors)))
            names = {str(uuid4()): number for number in some}
            people = [{"id": id_, "collection_key": group.key, "name": str(number)} for id_, number in names.items()]
            session.execute(insert(Person), people)
            made = session.execute(select(Person.key, Person.id).where(Person.id.in_(names))).all()
            faces = [
                {
                    "id": str(uuid4()),
                    "collection_key": group.key,
                    "person_key": person,
                    "embedding": vectors[names[id_]].tobytes(),
                }
                for person, id_ in sorted(made, key=lambda row: row.key)
            ]
            session.execute(insert(Face), faces)
        group.trained_to = session.scalar(select(func.max(Face.key)))
        group.training_status = "succeeded"


def change(database: Database, statement: str) -> None:
    with database.write() as session:
        session.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        session.execute(text(statement))


def search_alone(database: Database, probes: Floats) -> None:
    """Without HTTP, and whether the database finds whom the memory does."""
    indexes = Indexes()

    def search(probe: Floats) -> str:
        with database.read() as session:
            index = indexes.of(session, collections.find(session, LARGE_PERSON_GROUP, GROUP))
            assert index is not None  # the group has faces
            return str(index.search(probe[None], 1).ids[0, 0])

    took(lambda: search(probes[0]), "the first search, in this process")
    first = [search(probe) for probe in probes]
    times([lambda probe=probe: search(probe) for probe in probes[:REQUESTS]], "a search in this process")  # type: ignore[misc]
    if database.has_vectors:
        with database.read() as session:
            index = Index.load(session, collections.find(session, LARGE_PERSON_GROUP, GROUP), None)
        assert index is not None
        times([lambda probe=probe: index.nearest(probe[None], 1) for probe in probes[:REQUESTS]], "the same in memory")  # type: ignore[misc]
        same = sum(str(index.search(probe[None], 1).ids[0, 0]) == one for probe, one in zip(probes, first, strict=True))
        print(f"the same person as in memory: {same} of {len(probes)}")


def over_http(database: Database, vectors: Floats, ids: Sequence[str], port: int, key: str) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(path: str, body: dict[str, object], method: str = "POST") -> Any:
        connection.request(method, f"/face/v1.0/{path}", json.dumps(body), {"Ocp-Apim-Subscription-Key": key})
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status in (200, 202), said
        return json.loads(said) if said else None

    def identify(id_: str) -> str:
        (found,) = ask("identify", {"faceIds": [id_], LARGE_PERSON_GROUP.id_name: GROUP})
        return str(found["candidates"][0]["personId"])

    took(lambda: identify(ids[0]), "the first identification after the start")
    times([lambda id_=id_: identify(id_) for id_ in ids], "identify")  # type: ignore[misc]

    added, training = [], []
    for number in range(CHANGES):  # as another server would
        vector = directions(1, vectors.shape[1], 10**6 + number)[0]
        with database.write() as session:
            group = collections.find(session, LARGE_PERSON_GROUP, GROUP)
            person = create(session, group, "new", None)
            persisted_faces.add(session, group, find(session, group, person), vector, None)
        with database.write() as session:
            (probe,) = detected_faces.remember(session, near(vector[None], number))
        begin = time.perf_counter()
        ask(f"largepersongroups/{GROUP}/train", {})
        while (status := ask(f"largepersongroups/{GROUP}/training", {}, "GET"))["status"] != "succeeded":
            assert status["status"] in ("nonstarted", "running"), status
            time.sleep(0.005)
        training.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        assert identify(probe) == person
        added.append(time.perf_counter() - begin)
        if number % 2:  # and is erased
            with database.write() as session:
                group = collections.find(session, LARGE_PERSON_GROUP, GROUP)
                delete(session, group, find(session, group, person))
            begin = time.perf_counter()
            identify(ids[number])
            added.append(time.perf_counter() - begin)
    report(training, "training, after one person more")
    report(added, "identify, after one person more or less")


@contextmanager
def serving(url: str, key: Path, folder: Path) -> Iterator[int]:
    """The port of a server."""
    script = Path(__file__).resolve().parent.parent / "serve.py"
    command = [sys.executable, str(script), "--port", "0", "--log", "none", "--database", url, "--key-file", str(key)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith("database"):
                    print(line.strip())
                if line.startswith("Face API and pages at"):
                    yield int(line.rsplit(":", 1)[1])
                    break
        finally:
            process.kill()


def took(work: Callable[[], object], what: str) -> None:
    begin = time.perf_counter()
    work()
    print(f"{what}: {time.perf_counter() - begin:.2f} s", flush=True)


def times(works: Sequence[Callable[[], object]], what: str) -> None:
    seconds = []
    for work in works:
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    report(seconds, what)


def report(seconds: Sequence[float], what: str) -> None:
    middle, most, worst = np.percentile(np.array(seconds) * 1e3, [50, 95, 99])
    print(f"{what}: p50 {middle:.1f} ms, p95 {most:.1f} ms, p99 {worst:.1f} ms ({len(seconds)} times)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
