"""Recognition through the API: a family, each person enrolled with two photographs."""

from __future__ import annotations

import pytest

from benchmarks.photographs import DATA
from tests.server.conftest import Service

FAMILY = DATA / "family"
pytestmark = [
    pytest.mark.accuracy,
    pytest.mark.skipif(not FAMILY.is_dir(), reason=f"no photographs to measure on: {FAMILY} is not here"),
]
GROUP = "largepersongroups/family"


def test_the_family_is_recognized(service: Service) -> None:
    service.add("PUT", GROUP, json={"name": "Family"})
    people = {}
    for name in ("Dad", "Mom", "Son"):
        people[name] = service.add("POST", f"{GROUP}/persons", json={"name": name})["personId"]
        for number in (1, 2):
            data = (FAMILY / f"Family1-{name}{number}.jpg").read_bytes()
            service.add("POST", f"{GROUP}/persons/{people[name]}/persistedfaces", data=data)
    assert service.call("POST", f"{GROUP}/train").status_code == 202

    (dad,) = service.call("POST", "detect", data=(FAMILY / "Family1-Dad3.jpg").read_bytes()).json()
    for name, same in {"Dad": True, "Mom": False, "Son": False}.items():
        body = {"faceId": dad["faceId"], "personId": people[name], "largePersonGroupId": "family"}
        verified = service.call("POST", "verify", json=body).json()
        assert verified["isIdentical"] is same
        assert (verified["confidence"] > 0.8) is same

    while service.call("GET", f"{GROUP}/training").json()["status"] != "succeeded":
        pass
    everybody = service.call("POST", "detect", data=(FAMILY / "identification1.jpg").read_bytes()).json()
    ids = [face["faceId"] for face in sorted(everybody, key=lambda face: face["faceRectangle"]["left"])]
    results = service.call("POST", "identify", json={"faceIds": ids, "largePersonGroupId": "family"}).json()
    names = {id_: name for name, id_ in people.items()}
    seen = [[names[candidate["personId"]] for candidate in result["candidates"]] for result in results]
    assert seen == [["Son"], ["Dad"], ["Mom"], []]  # the daughter is not enrolled
    service.add("DELETE", GROUP)
    assert all(candidate["confidence"] > 0.8 for result in results for candidate in result["candidates"])
