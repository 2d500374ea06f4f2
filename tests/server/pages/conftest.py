"""Serve the pages in this process, with a vision that detects coloured squares, and open them in Chromium."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from faces.attributes.answers import Answers, Head
from faces.enrolment import Enrolment as Enrolled
from faces.images import decode_image
from faces.server import compatible, pages
from faces.server.api.application import create_app
from faces.server.api.context import Services
from faces.server.api.fetch import Fetcher
from faces.server.listening import Listener
from faces.server.pages import language
from faces.server.pages.context import PageServices
from faces.server.pages.picture_classifier import PictureClassifier
from faces.server.people.enrolled_people import EnrolledPeople
from faces.server.search.confidence import Confidence
from faces.server.search.matching import Indexes
from faces.server.search.training import Trainer
from faces.server.store.database import Database
from faces.types import Faces, Floats, Image
from tests.browser import CHROMIUM, OPTIONS
from tests.crowd import stage
from tests.server.colours import FINGERPRINT, ColourVision
from tests.server.conftest import SECRET

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TIMEOUT = 60_000  # ms, on a machine that has other things to do
HEADS = (
    Head("gender", ("male", "female")),
    Head("age", unit="years"),
    Head("glasses", ("noGlasses", "readingGlasses", "sunglasses")),
    Head("emotion", ("anger", "happiness", "neutral")),
    Head("live", ("live", "spoof"), threshold=0.084),
)


class SeeingVision(ColourVision):
    """Describe every face as a woman of 34, without glasses, happy with a probability of 0.4.

    The first face is live, the second a photograph, and of the others nobody can tell.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pipeline = self  # type: ignore[assignment]
        self.fingerprint = FINGERPRINT

    def enrol(self, photographs: Iterable[bytes | str]) -> list[Enrolled]:
        return [self._enrolled(data) for data in photographs]

    def _enrolled(self, data: bytes | str) -> Enrolled:
        if isinstance(data, str):
            return Enrolled(reason=data)
        image = decode_image(data)
        (face, embeddings), sha256 = self.find(image), hashlib.sha256(data).hexdigest()
        if len(face) == 0:
            return Enrolled(sha256=sha256, reason="no face")
        return Enrolled(face, embeddings[0], sha256)

    def attributes(self, image: Image, faces: Faces, embeddings: Floats | None, names: Any) -> Answers:
        rows = {"gender": [0.1, 0.9], "age": [34], "glasses": [0.9, 0.1, 0], "emotion": [0.4, 0.4, 0.2]}
        values = {name: np.array([row] * len(faces), np.float32) for name, row in rows.items()}
        live = np.array([[0.93, 0.07], [0.01, 0.99]], np.float32)
        values["live"] = np.concatenate([live, np.full((len(faces), 2), np.nan, np.float32)])[: len(faces)]
        return Answers(HEADS, values)


class RecordingCatalogue(dict[str, str]):
    """A catalogue that records messages without a translation."""

    def __init__(self, catalogue: dict[str, str]) -> None:
        super().__init__(catalogue)
        self.missing: set[str] = set()

    def get(self, message: str, default: Any = None) -> Any:
        if message not in self:
            self.missing.add(message)
        return super().get(message, default)


@dataclass
class Site:
    """A running server with pages."""

    url: str
    folder: Path
    services: PageServices
    app: Any

    @property
    def enrolled(self) -> EnrolledPeople:
        return self.services.people

    def enrol(self, *names: str) -> None:
        """Enrol people whose embeddings match their colours."""
        for name in names:
            picture = (self.folder / "Ada.png").read_bytes()
            self.enrolled.enrol(name, np.eye(3, dtype=np.float32)["AdaBobCleo".find(name) // 3], picture, picture)


@contextmanager
def serving(folder: Path, proxy: str | None = None) -> Iterator[Site]:
    database = Database(f"sqlite:///{folder / 'faces.db'}", FINGERPRINT)
    indexes, confidence = Indexes(), Confidence(0.6, 20)
    trainer = Trainer(database, indexes)
    app = create_app(
        Services(
            vision=SeeingVision(),
            database=database,
            confidence=confidence,
            trainer=trainer,
            fetcher=Fetcher(),
            indexes=indexes,
        ),
        SECRET,
    )
    services = PageServices(
        EnrolledPeople(database, indexes, confidence, True), PictureClassifier(folder / "classifier.onnx")
    )
    pages.install(app, services, SECRET)
    compatible.install(app, services.people)
    listener = Listener(app, "127.0.0.1", 0, 4, proxy)
    thread = Thread(target=listener.run)
    thread.start()
    try:
        yield Site(listener.url, folder, services, app)
    finally:
        listener.stop()
        thread.join()
        trainer.close()
        database.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, spoken: RecordingCatalogue) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    for names in ((), ("Ada",), ("Bob",), ("Cleo",), ("Ada", "Cleo")):
        picture = stage({name: (80 + 140 * k, 90) for k, name in enumerate(names)})
        cv2.imwrite(str(folder / f"{'-'.join(names) or 'nobody'}.png"), picture)
    cv2.imwrite(str(folder / "large.png"), np.random.default_rng(0).integers(0, 256, (1100, 1100, 3), np.uint8))
    (folder / "notes.png").write_text("no picture at all\n" * 100)
    with serving(folder) as site:
        yield site


@pytest.fixture(scope="module")
def spoken() -> Iterator[RecordingCatalogue]:
    """The Spanish catalogue in use, which records missing translations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(language.CATALOGUES, "es", catalogue := RecordingCatalogue(language.CATALOGUES["es"]))
        yield catalogue


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, with Ada and Cleo in front of its camera."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[dev]'")
    if CHROMIUM is None:
        pytest.skip("needs a browser: apt-get install chromium")
    film = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    frames = [stage({"Ada": (200 + shift, 240), "Cleo": (440, 240)}, (640, 480), 96) for shift in range(8)]
    film.write_bytes(b"".join(cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames))
    options = [
        *OPTIONS,
        "--disable-gpu",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
    with (
        api.sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=options) as chromium,
    ):
        yield chromium


Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def login(browser: Browser, site: Site) -> Any:
    """The cookies after a login."""
    with browser.new_context() as context:
        context.set_default_timeout(TIMEOUT)
        page = context.new_page()
        page.goto(f"{site.url}/login")
        page.fill("#key", SECRET)
        page.click("main button")
        page.wait_for_url("**/recognize")
        return context.storage_state()


@pytest.fixture
def visit(browser: Browser, site: Site, login: Any) -> Iterator[Open]:
    """Open a page, logged in unless ``logged_in=False``; erase all people afterwards.

    No script may fail, violate the content security policy, or send a request to another server.
    """
    contexts, failures = [], []

    def elsewhere(url: str) -> bool:
        return not url.startswith((site.url, "data:", f"blob:{site.url}"))

    def report(message: str) -> None:
        if "Content Security Policy" in message:
            failures.append(message)

    def go(path: str = "/", lang: str = "en", width: int = 1280, logged_in: bool = True, **options: Any) -> Page:
        options |= {"storage_state": login if logged_in else None, "viewport": {"width": width, "height": 800}}
        contexts.append(browser.new_context(locale=lang, **options))
        contexts[-1].set_default_timeout(TIMEOUT)
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda message: report(message.text))
        page.on("request", lambda request: failures.append(request.url) if elsewhere(request.url) else None)
        page.goto(site.url + path)
        return page

    yield go
    for context in contexts:
        context.close()
    for person in site.enrolled.list_all():
        site.enrolled.remove_person(person.id)
    for removed in site.enrolled.removals.listed():
        site.enrolled.removals.erase(removed.id)
    assert failures == []
