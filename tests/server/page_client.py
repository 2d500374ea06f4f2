"""The pages over the people of ``tests.server.enrolled``, without a browser."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from faces.server import compatible, pages
from faces.server.api.application import create_app
from faces.server.api.context import Services
from faces.server.api.fetch import Fetcher
from faces.server.pages import access
from faces.server.pages.context import PageServices
from faces.server.pages.picture_classifier import PictureClassifier
from faces.server.vision.vision import Vision
from tests.server.conftest import SECRET
from tests.server.enrolled import CONFIDENCE, People


def page_client(people: People, vision: Vision, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Return a client of the pages and of all interfaces, logged in, whose forms need no token."""
    trainer: Any = None
    services = Services(
        vision=vision,
        database=people.database,
        confidence=CONFIDENCE,
        trainer=trainer,
        fetcher=Fetcher(),
        indexes=people.indexes,
    )
    app = create_app(services, SECRET)
    pages.install(app, PageServices(people.enrolled, PictureClassifier(people.path)), SECRET)
    compatible.install(app, people.enrolled)
    monkeypatch.setattr(access.csrf, "protect", lambda: None)
    client: FlaskClient = app.test_client()
    assert client.post("/login", data={"key": SECRET}).status_code == 302
    return client
