"""A family in real photographs, as double-take sends them: everybody is named, and the daughter, a stranger, is not."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from benchmarks.photographs import DATA
from tests.conftest import patience
from tests.server.conftest import Service

FAMILY = DATA / "family"
pytestmark = [
    pytest.mark.accuracy,
    pytest.mark.skipif(not FAMILY.is_dir(), reason=f"no photographs to measure on: {FAMILY} is not here"),
]


def test_the_family_is_recognized(service: Service) -> None:
    def compreface(path: str, picture: str) -> requests.Response:
        return requests.post(
            f"{service.url}/api/v1/recognition/{path}",
            headers={"x-api-key": service.key},
            files={"file": (picture, (FAMILY / picture).read_bytes())},
            timeout=patience(30),
        )

    def deepstack(path: str, **more: Any) -> requests.Response:
        form = {"api_key": service.key}
        return requests.post(f"{service.url}/v1/vision/face/{path}", data=form, timeout=patience(30), **more)

    for name in ("Dad", "Mom", "Son"):
        assert compreface(f"faces?subject={name}", f"Family1-{name}1.jpg").status_code == 201
    found = compreface("recognize?face_plugins=landmarks,gender&det_prob_threshold=0.8", "identification1.jpg").json()
    faces = sorted(found["result"], key=lambda face: face["box"]["x_min"])
    nearest = [face["subjects"][0] for face in faces]
    assert [near["subject"] for near in nearest[:3]] == ["Son", "Dad", "Mom"]
    assert min(near["similarity"] for near in nearest[:3]) > 0.8 and nearest[3]["similarity"] < 0.4  # double-take's 40
    for face in faces:
        box, points = face["box"], face["landmarks"]
        assert all(box["x_min"] < x < box["x_max"] and box["y_min"] < y < box["y_max"] for x, y in points)
        assert points[0][0] < points[1][0] and points[3][0] < points[4][0]
    assert [face["gender"]["value"] for face in faces[1:3]] == ["male", "female"]

    answer = deepstack("recognize", files={"image": (FAMILY / "identification1.jpg").read_bytes()}).json()
    faces = sorted(answer["predictions"], key=lambda face: face["x_min"])
    assert [face["userid"] for face in faces] == ["Son", "Dad", "Mom", "unknown"]
    for name in ("Dad", "Mom", "Son"):
        requests.post(
            f"{service.url}/v1/vision/face/delete",
            data={"api_key": service.key, "userid": name},
            timeout=patience(30),
        )
    assert deepstack("list").json()["faces"] == []
