"""The scripts and the server with the real models and a shared gallery."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.commands import recognize, serve, train
from faces.errors import FingerprintError
from faces.pipeline import Pipeline
from faces.recognition.gallery import Gallery
from faces.server.people.enrolled_people import EnrolledPeople
from faces.server.people.gallery_file import GalleryFile
from faces.server.search.confidence import curve
from faces.server.search.matching import Indexes
from faces.server.store.database import Database
from faces.server.vision.vision import Vision
from faces.types import Fingerprint
from tests.conftest import Result, patience
from tests.server.conftest import serving

pytestmark = pytest.mark.slow
PATH = Path("output/embeddings.pickle")


def test_the_scripts_recognize_people_enrolled_on_the_server(
    sample: Path,
    extraction: Result,
    tmp_path: Path,
    drawn: dict[str, list[Path]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    new, photographs = next(iter(drawn.items()))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(sample / "output", PATH.parent)
    shutil.copy(photographs[2], "probe.jpg")  # a path without the person's name
    everybody = Gallery.load(PATH)
    kept = [row for row, name in enumerate(everybody.names) if name != new]
    others = _part(everybody, kept)
    others.save(PATH)
    with serving(tmp_path, "--gallery", PATH, "--min-face", "80") as service:
        people = service.call("GET", "largepersongroups/people/persons").json()
        assert {person["name"] for person in people} == set(others.names)
        (face,) = service.call("POST", "detect", data=list(drawn.values())[1][0].read_bytes()).json()
        body = {"faceIds": [face["faceId"]], "largePersonGroupId": "people"}
        (identified,) = service.call("POST", "identify", json=body).json()
        named = {person["personId"]: person["name"] for person in people}
        assert named[identified["candidates"][0]["personId"]] == list(drawn)[1]
        service.running.process.send_signal(signal.SIGTERM)
        assert service.running.process.wait(timeout=patience(60)) == 0

    vision = Vision(Pipeline.load(min_face=80))
    database = Database("sqlite:///output/faces.db", vision.pipeline.fingerprint)
    confidence = curve(vision.pipeline.embedder.spec)
    people = EnrolledPeople(database, Indexes(), confidence, True, GalleryFile(PATH))
    for path in photographs[:2]:
        data = path.read_bytes()
        with vision.open_image(data) as image:
            created, person = people.enrol(new, vision.embed_single(image, None), b"", data)
    assert not created and len(person.faces) == 2 and len(Gallery.load(PATH)) == len(others) + 2

    def names() -> str:
        assert train.main([]) == 0
        capsys.readouterr()
        assert recognize.main(["--image", "probe.jpg"]) == 0
        return capsys.readouterr().out

    assert new in names()
    removal = people.remove_person(person.id)
    assert removal.models == ("output/recognizer.pickle",) and removal.photographs == 2
    assert Gallery.load(PATH).names == others.names
    assert new not in names()

    # Export as a data set: extract_embeddings.py detects the same faces in it.
    imported = people.import_dataset([(f"{new}/{path.name}", path.open("rb")) for path in photographs], vision)
    assert (imported.people, imported.faces, imported.left_out) == (1, len(photographs), ())
    back = Gallery.load(PATH)
    by_hash = {name: row for row, name in zip(back.embeddings, back.hashes, strict=True)}
    for row, sha256 in zip(everybody.embeddings, everybody.hashes, strict=True):
        np.testing.assert_allclose(by_hash[sha256], row, atol=1e-3)
    database.close()

    assert everybody.fingerprint is not None
    other = everybody.fingerprint.to_dict()
    other["embedder"]["sha256"] = "0" * 64
    _part(everybody, kept, Fingerprint.from_dict(other)).save(PATH)
    with pytest.raises(FingerprintError, match=r"embeddings\.pickle: made with the embedder"):
        serve.main(["--gallery", str(PATH), "--port", "0"])


def _part(gallery: Gallery, rows: list[int], fingerprint: Fingerprint | None = None) -> Gallery:
    def kept(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(values[row] for row in rows)

    assert gallery.boxes is not None and gallery.scores is not None
    return Gallery(
        gallery.embeddings[rows],
        kept(gallery.names),
        kept(gallery.paths),
        kept(gallery.hashes),
        gallery.boxes[rows],
        gallery.scores[rows],
        fingerprint or gallery.fingerprint,
        kept(gallery.sizes),
        kept(gallery.stamps),
        gallery.settings,
    )
