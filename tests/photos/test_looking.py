"""What a worker sees: when a photograph was taken, why it cannot be read, and who is one person in a film."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faces.images import taken_at
from faces.photos.records import FoundFace
from faces.photos.scanning import looking
from faces.photos.scanning.looking import KEPT, LOST, Look, look_at, look_at_film
from faces.pipeline import Pipeline
from tests.photos.libraries import person


def jpeg(exif: dict[int, str] | None = None, taken: str = "") -> bytes:
    data = io.BytesIO()
    picture = Image.new("RGB", (8, 8))
    tags = picture.getexif()
    tags.update(exif or {})
    if taken:
        tags.get_ifd(0x8769)[0x9003] = taken
    picture.save(data, "JPEG", exif=tags)
    return data.getvalue()


def test_when_a_photograph_was_taken_comes_from_its_exif() -> None:
    assert taken_at(jpeg(taken="2019:05:20 13:04:05")) == "2019-05-20T13:04:05"
    assert taken_at(jpeg({0x132: "2018:01:02 03:04:05"})) == "2018-01-02T03:04:05"
    assert taken_at(jpeg({0x132: "2018:01:02 03:04:05"}, "2017:01:01 00:00:00\0")) == "2017-01-01T00:00:00"
    for data in (jpeg(), jpeg(taken="0000:00:00 00:00:00"), jpeg(taken="yesterday"), b"no picture", b""):
        assert taken_at(data) == ""


def test_what_cannot_be_read_has_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pipeline = Pipeline.load(threads=1)
    assert look_at("permission denied", pipeline).reason == "permission denied"
    broken = look_at(jpeg()[:100], pipeline)
    assert broken.reason.startswith("damaged or cut off") and len(broken.sha256) == 64
    empty = look_at(jpeg(taken="2019:05:20 13:04:05"), pipeline)
    assert (empty.size, empty.faces, empty.taken, empty.reason) == ((8, 8), (), "2019-05-20T13:04:05", "")
    film = tmp_path / "film.mp4"
    assert look_at_film(film, pipeline).reason == "no such file or directory"
    film.write_bytes(b"no film")
    assert look_at_film(film, pipeline).reason.startswith("damaged")


def face(embedding: np.ndarray[tuple[int], np.dtype[np.float32]], left: float, quality: float = 0.5) -> FoundFace:
    return FoundFace(np.array([left, 0, left + 50, 50], np.float32), 0.9, None, embedding, quality, time=0.0)


def test_a_person_is_followed_through_a_film() -> None:
    ada, grace = person(0, 12, scatter=0.01), person(1, 12, scatter=0.01)
    tracks = looking._Tracks(0.9, 1.2)
    for look in range(8):
        tracks.add([face(grace[look], 300 - 9 * look), face(ada[look], 9 * look, quality=look / 10)])
    kept = tracks.faces()
    of_ada = [found for found in kept if found.track == 1]
    assert len(kept) == 2 * KEPT and {found.track for found in kept} == {0, 1}
    assert [found.quality for found in of_ada] == [0.7, 0.6, 0.5, 0.4, 0.3]
    tracks.add([face(ada[8], 500)])  # elsewhere, but the same face
    for _ in range(LOST):
        tracks.add([])
    tracks.add([replace(face(ada[9], 500), quality=0.9)])  # away for too long
    assert {found.track for found in tracks.faces()} == {0, 1, 2}


def test_somebody_else_in_the_same_place_is_another_person() -> None:
    tracks = looking._Tracks(0.9, 1.2)
    tracks.add([face(person(0, 1)[0], 100)])
    tracks.add([face(person(1, 1)[0], 100)])
    assert {found.track for found in tracks.faces()} == {0, 1}


@pytest.mark.slow
def test_a_film_is_looked_at_once_a_second(sample: Path) -> None:
    _, (content,) = Look(("built-in", "built-in", None, "default"))([str(sample / "sample" / "video.mp4")])
    times = {found.time for found in content.faces}
    assert content.kind == "film" and content.faces and not content.reason
    assert all(found.time is not None and found.track is not None for found in content.faces)
    assert min(np.diff(sorted(time or 0.0 for time in times))) >= 1 - 1e-3
