"""Fixtures of the server tests: a server process with models, and an application in this process without any."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from faces.server.api.application import create_app
from faces.server.api.context import Services
from faces.server.api.fetch import Fetcher
from faces.server.api.rate_limits import RateLimiter
from faces.server.keys import KEY_HEADER
from faces.server.monitoring.audit import AuditLog
from faces.server.search.confidence import Confidence
from faces.server.search.matching import Indexes
from faces.server.search.training import Trainer
from faces.server.store.database import Database
from faces.types import Image
from tests.conftest import Running, patience, running
from tests.crowd import COLOURS, stage
from tests.server.colours import FINGERPRINT, ColourVision

SECRET = "a key for tests only"


@dataclass
class Service:
    """A running server process."""

    url: str
    key: str
    folder: Path
    running: Running

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send a request to a path below ``/face/v1.0``, with the key."""
        return requests.request(
            method,
            f"{self.url}/face/v1.0/{path}",
            headers={KEY_HEADER: self.key},
            timeout=patience(30),
            **more,
        )

    def add(self, method: str, path: str, **more: Any) -> dict[str, str]:
        answer = self.call(method, path, **more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()) if answer.content else {}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(folder: Path, *options: object, env: dict[str, str] | None = None) -> Iterator[Service]:
    """Run ``serve.py`` in a folder."""
    port = free_port()
    with running("serve.py", "--port", port, *options, cwd=folder, env=env or {}) as process:
        process.wait_for("Face API and pages at")
        process.wait_for("key ")
        key = (folder / "output" / "face_api.key").read_text().strip()
        yield Service(f"http://127.0.0.1:{port}", key, folder, process)


@pytest.fixture(scope="session")
def drawn(sample: Path) -> dict[str, list[Path]]:
    """Photographs of drawn people, by name. The first two are told apart without a gallery; drawn people are alike."""
    return {name: sorted((sample / "dataset" / name).glob("*.jpg")) for name in ("Amina", "Bruno", "Leila")}


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, drawn: dict[str, list[Path]]) -> Iterator[Service]:
    """A server with the real models, shared by all tests. The first photograph of each person has a URL."""
    maps = [f"https://example.org/{name.split()[0].lower()}.jpg={paths[0]}" for name, paths in drawn.items()]
    options = [word for url_and_file in maps for word in ("--url-map", url_and_file)]
    options += ["--min-face", "80"]  # much faster than 36
    with serving(tmp_path_factory.mktemp("server"), *options) as server:
        yield server


def png(image: Image) -> bytes:
    done, data = cv2.imencode(".png", image)
    assert done
    return data.tobytes()


def photograph(*names: str) -> bytes:
    """Draw people as squares of colour, side by side (see ``tests.crowd``)."""
    return png(stage({name: (60 + 90 * k, 90) for k, name in enumerate(names)}))


PHOTOGRAPHS = {name: photograph(name) for name in COLOURS}


class Api:
    """The application in this process, with squares of colour instead of faces."""

    def __init__(
        self, folder: Path, url: str | None = None, rate: str = "none", origins: frozenset[str] = frozenset()
    ) -> None:
        self.database = Database(url or f"sqlite:///{folder / 'faces.db'}", FINGERPRINT, 3)
        self.indexes = Indexes()
        self.trainer = Trainer(self.database, self.indexes)
        self.audit = AuditLog(folder / "audit.log")
        services = Services(
            vision=ColourVision(),
            database=self.database,
            confidence=Confidence(0.6, 20),
            trainer=self.trainer,
            fetcher=Fetcher(),
            indexes=self.indexes,
            audit=self.audit,
            limiter=RateLimiter(rate),
        )
        self.client: FlaskClient = create_app(services, SECRET, origins).test_client()

    def close(self) -> None:
        """End the trainer's thread and close the files."""
        self.trainer.close()
        self.database.close()
        self.audit.close()

    def __call__(self, method: str, path: str, **more: Any) -> TestResponse:
        """Send a request with the key. A path without a leading slash is below ``/face/v1.0``."""
        path = path if path.startswith("/") else f"/face/v1.0/{path}"
        headers = {KEY_HEADER: SECRET, **more.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **more)

    def ok(self, method: str, path: str, **more: Any) -> Any:
        """Send a request that must succeed, and return its JSON."""
        answer = self(method, path, **more)
        assert answer.status_code in (200, 202), answer.text
        return answer.get_json() if answer.data else None

    def error(self, method: str, path: str, **more: Any) -> tuple[int, str, str]:
        """Send a request that must fail in the API's form, and return status, code and message."""
        answer = self(method, path, **more)
        assert answer.mimetype == "application/json", answer.text
        body = answer.get_json()
        assert set(body) == {"error"} and set(body["error"]) == {"code", "message"}
        return answer.status_code, body["error"]["code"], body["error"]["message"]

    def detect(self, *names: str) -> list[str]:
        """Detect people in an image, and return the ids of their faces from left to right."""
        faces = self.ok("POST", "detect", data=photograph(*names))
        faces = sorted(faces, key=lambda face: face["faceRectangle"]["left"])
        return [face["faceId"] for face in faces]

    def group(self, *names: str, route: str = "persongroups", id_: str = "crowd", train: bool = True) -> dict[str, str]:
        """Create a group of people, and return their ids by name."""
        self.ok("PUT", f"{route}/{id_}", json={"name": "a crowd"})
        people = {}
        for name in names:
            people[name] = self.ok("POST", f"{route}/{id_}/persons", json={"name": name})["personId"]
            self.ok("POST", f"{route}/{id_}/persons/{people[name]}/persistedfaces", data=PHOTOGRAPHS[name])
        if train:
            self.train(f"{route}/{id_}")
        return people

    def train(self, path: str) -> str:
        """Train a collection, and return the final status."""
        self.ok("POST", f"{path}/train")
        self.trainer._worker.submit(lambda: None).result(timeout=10)  # waits for the training before it
        return self.ok("GET", f"{path}/training")["status"]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    instance = Api(tmp_path)
    yield instance
    instance.close()
