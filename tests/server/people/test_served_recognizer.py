"""The pages name people with the recognizer in service, and follow promotions and rollbacks."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import requests

from faces.commands import retrain, serve
from faces.errors import FacesError, UsageError
from faces.recognition import recognizer_files
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.server.people.served_recognizer import ServedRecognizer
from faces.types import Fingerprint, Matches, ModelId
from faces.versions.versions import LE, RECOGNIZER, Versions
from tests.crowd import COLOURS
from tests.server.colours import FINGERPRINT
from tests.server.conftest import Service, serving
from tests.server.enrolled import People, colour, gallery

OUTPUT = Path("output")


class Visitor:
    """A logged-in client of the pages."""

    def __init__(self, service: Service, language: str = "en") -> None:
        self._url, self._session = service.url, requests.Session()
        self._session.headers["Accept-Language"] = language
        self.post("/login", "/login", key=service.key)

    def get(self, path: str) -> str:
        return self._session.get(self._url + path, timeout=60).text

    def post(self, page: str, path: str, picture: Path | None = None, **form: str) -> str:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page))
        assert token
        files = {"picture": (picture.name, picture.read_bytes())} if picture else None
        answer = self._session.post(self._url + path, data={"csrf_token": token[1], **form}, files=files, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.text

    def recognize(self, picture: Path, part: str = "result") -> str:
        return self.post("/recognize", "/recognize", picture, part=part)


@pytest.mark.slow
def test_the_running_server_follows_a_promotion_and_a_rollback(
    trained: Path, tmp_path: Path, drawn: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained / "output", tmp_path / OUTPUT)
    monkeypatch.chdir(tmp_path)
    (known, photographs), (other, others) = list(drawn.items())[:2]
    everybody = Gallery.load(OUTPUT / "embeddings.pickle")
    versions = Versions(OUTPUT / RECOGNIZER, OUTPUT / LE)
    versions.settle()
    candidate = versions.candidate("without one of them")
    rest = [row for row, name in enumerate(everybody.names) if name != known]
    names = tuple(everybody.names[row] for row in rest)
    without = Gallery(everybody.embeddings[rest], names, fingerprint=everybody.fingerprint)
    files = (versions.path(candidate.number, name) for name in (RECOGNIZER, LE))
    recognizer_files.save(FaceRecognizer().fit(without), *files)
    versions.record(replace(candidate, waits=True))

    with serving(tmp_path, "--recognizer", OUTPUT / RECOGNIZER, "--min-face", "80") as service:
        visitor = Visitor(service)
        assert "version 1 of the recognizer" in visitor.get("/recognize")
        page = visitor.recognize(photographs[0])
        assert known in page and "version 1 of the recognizer" in page
        assert retrain.main(["--promote", "--force"]) == 0
        page = visitor.recognize(photographs[0], "live")  # the very next picture
        assert known not in page and "version 2 of the recognizer" in page
        assert other in visitor.recognize(others[0])
        assert retrain.main(["--rollback"]) == 0
        page = visitor.recognize(photographs[0])
        assert known in page and "version 1 of the recognizer" in page

        page = visitor.post("/train", "/train", photographs[1], name="Somebody new")
        assert "Somebody new has 1 face. The recognizer uses it after the next training." in page
        assert known in visitor.recognize(photographs[1])  # by the recognizer, as before
        spanish = Visitor(service, "es")
        assert "versión 1 del reconocedor" in spanish.recognize(photographs[0])

        for path in (OUTPUT / RECOGNIZER, OUTPUT / LE):  # as erasing somebody does
            path.unlink()
        page = visitor.recognize(photographs[1])
        assert "Somebody new" in page and "no recognizer in service" in page


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of a recognizer that knows Ada and Bob."""
    paths = tmp_path / RECOGNIZER, tmp_path / LE
    save(paths, "Ada", "Bob")
    return paths


def save(paths: tuple[Path, Path], *names: str) -> None:
    recognizer_files.save(FaceRecognizer(0.01, 0.6, "centroid").fit(gallery(*((name, 0) for name in names))), *paths)


def named(recognizer: ServedRecognizer, *names: str) -> tuple[str | None, ...] | None:
    matches = recognizer.identify(np.stack([colour(name) for name in names]))
    return matches.names if matches else None


def test_new_files_are_used_at_once(files: tuple[Path, Path]) -> None:
    recognizer = ServedRecognizer(*files, FINGERPRINT)
    assert named(recognizer, "Ada", "Cleo") == ("Ada", None)
    save(files, "Ada", "Cleo")
    assert named(recognizer, "Cleo", "Bob") == ("Cleo", None) and recognizer.label() == str(files[0])


def test_of_two_faces_of_a_picture_one_is_named(files: tuple[Path, Path]) -> None:
    recognizer = ServedRecognizer(*files, FINGERPRINT)
    faces = np.stack([colour("Ada", 1), colour("Ada"), colour("Bob")])
    for exclusive, names in ((False, ("Ada", "Ada", "Bob")), (True, (None, "Ada", "Bob"))):
        matches = recognizer.identify(faces, exclusive)
        assert matches is not None and matches.names == names


def test_deleted_and_damaged_files(files: tuple[Path, Path]) -> None:
    recognizer = ServedRecognizer(*files, FINGERPRINT)
    good = files[0].read_bytes()
    files[0].write_bytes(b"damaged")
    assert named(recognizer, "Ada") == ("Ada",)
    files[0].unlink()
    assert (named(recognizer, "Ada"), recognizer.label()) == (None, "")
    files[0].write_bytes(b"damaged")
    assert named(recognizer, "Ada") is None
    files[0].write_bytes(good)
    assert named(recognizer, "Ada") == ("Ada",)


def test_only_enrolled_people_have_a_page(tmp_path: Path, files: tuple[Path, Path]) -> None:
    assert {"Ada", "Bob", "Cleo"} <= COLOURS.keys()
    people = People(tmp_path)
    ada = people.enrol("Ada")
    faces = np.stack([colour(name) for name in ("Ada", "Bob", "Cleo")])
    matches = ServedRecognizer(*files, FINGERPRINT).identify(faces)
    assert matches is not None
    matched = people.enrolled.with_person_ids(matches, faces)
    assert [(match.person_id, match.name) if match else None for match in matched] == [(ada, "Ada"), ("", "Bob"), None]
    assert people.heard[-1] == ("identify", {"collection": "recognizer", "faces": "3", "persons": f"{ada},-"})
    people.enrolled.corrections.refuse(ada, colour("Ada", 1))
    probes = np.stack([colour("Ada", 1), colour("Ada")])
    twice = Matches(("Ada", "Ada"), ("Ada", "Ada"), np.ones(2, np.float32), np.zeros(2, np.float32))
    assert [match and match.name for match in people.enrolled.with_person_ids(twice, probes)] == [None, "Ada"]


def test_an_unusable_recognizer_stops_the_start(tmp_path: Path, files: tuple[Path, Path]) -> None:
    other = Fingerprint(FINGERPRINT.detector, FINGERPRINT.aligner, ModelId("other", "o" * 64))
    with pytest.raises(FacesError, match=r"the recognizer: made with the embedder .*name the same models"):
        ServedRecognizer(*files, other)
    with pytest.raises(FacesError, match=r"no such file; run: faces train"):
        ServedRecognizer(tmp_path / "none.pickle", tmp_path / LE, FINGERPRINT)


def test_a_label_encoder_needs_a_recognizer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="--le goes with --recognizer"):
        serve.main(["--le", LE])
    assert list(tmp_path.iterdir()) == []
