"""Other people's clients of CompreFace and DeepStack, as they are."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, patience
from tests.server.conftest import SECRET
from tests.server.pages.conftest import Site

DOUBLE_TAKE = ROOT.parent / "shared" / "clients" / "double_take" / "api" / "src" / "util" / "detectors"


def run_double_take(site: Site, *steps: tuple[str, str, dict[str, str]]) -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js")
    if not DOUBLE_TAKE.is_dir():
        pytest.skip(f"needs double-take: {DOUBLE_TAKE} is not here")
    script = Path(__file__).parent / "double_take.js"
    command = [node, str(script), str(DOUBLE_TAKE), site.url, SECRET, json.dumps(steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience(60))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("detector", ["compreface", "deepstack"])
def test_double_take(site: Site, detector: str) -> None:
    def key(name: str) -> str:
        return str(site.folder / f"{name}.png")

    trained, found, nobody, removed, (after,) = run_double_take(
        site,
        (detector, "train", {"name": "Ada", "key": key("Ada")}),
        (detector, "recognize", {"key": key("Ada-Cleo")}),
        (detector, "recognize", {"key": key("nobody")}),
        (detector, "remove", {"name": "Ada"}),
        (detector, "recognize", {"key": key("Ada")}),
    )
    ada, cleo = sorted(found, key=lambda face: face["box"]["left"])
    assert trained == {"compreface": 201, "deepstack": 200}[detector] and removed == 200
    assert (ada["name"], ada["match"]) == ("ada", True) and ada["confidence"] > 99
    assert ada["box"] == {"top": 66, "left": 36, "width": 48, "height": 48}
    assert (cleo["name"], cleo["match"]) == ("unknown", False)
    assert nobody == [] and (after["name"], after["match"]) == ("unknown", False)


def test_compreface_sdk(site: Site) -> None:
    compreface = pytest.importorskip("compreface", reason="needs compreface-sdk")
    host, port = site.url.rpartition(":")[::2]
    service = compreface.CompreFace(host, port, {"prediction_count": 1}).init_face_recognition(SECRET)
    subjects, faces = service.get_subjects(), service.get_face_collection()
    assert subjects.add("Ada") == {"subject": "Ada"} and subjects.list() == {"subjects": ["Ada"]}
    added = faces.add(image_path=str(site.folder / "Ada.png"), subject="Ada")
    assert faces.list()["faces"] == [added]
    (face,) = service.recognize(image_path=str(site.folder / "Ada.png"))["result"]
    assert face["subjects"][0]["subject"] == "Ada" and face["subjects"][0]["similarity"] > 0.99
    (face,) = faces.verify(image_path=str(site.folder / "Ada.png"), image_id=added["image_id"])["result"]
    assert face["similarity"] > 0.99
    assert service.recognize(image_path=str(site.folder / "nobody.png"))["code"] == 28
    assert subjects.update("Ada", "Grace") == {"updated": True}
    assert faces.delete(added["image_id"]) == {"image_id": added["image_id"], "subject": "Grace"}
    assert faces.delete_all("Grace") == {"deleted": 0} and subjects.delete("Grace") == {"subject": "Grace"}
    assert subjects.delete_all() == {"deleted": 0}


def test_deepstack_sdk(site: Site) -> None:
    deepstack = pytest.importorskip("deepstack_sdk", reason="needs deepstack-sdk")
    client = deepstack.Face(deepstack.ServerConfig(site.url, SECRET))
    pictures = {name: (site.folder / f"{name}.png").read_bytes() for name in ("Ada", "Ada-Cleo")}
    assert client.registerFace([pictures["Ada"]], "Ada") and client.listFaces().list == ["Ada"]
    found = sorted(client.recognizeFace(pictures["Ada-Cleo"]), key=lambda face: face.x_min)
    assert [face.userid for face in found] == ["Ada", "unknown"] and found[0].confidence > 0.99
    assert len(client.detectFace(pictures["Ada-Cleo"])) == 2
    assert client.deleteFace("Ada") and client.listFaces().list == []
