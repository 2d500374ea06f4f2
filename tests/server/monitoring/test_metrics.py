"""/healthz, /metrics and the server's log."""

from __future__ import annotations

import json
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families

from faces.server.keys import KEY_HEADER
from faces.server.monitoring import logs
from tests.server.conftest import PHOTOGRAPHS, SECRET, Api


@pytest.fixture
def kept_logging() -> object:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def figures(api: Api) -> dict[tuple[str, ...], float]:
    text = api.client.get("/metrics", headers={"Authorization": f"Bearer {SECRET}"}).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_health(api: Api) -> None:
    answer = api.client.get("/healthz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})
    api.database.close()
    path = api.database.path
    assert path is not None
    path.rename(path.with_name("elsewhere"))
    for name in ("faces.db-wal", "faces.db-shm"):
        path.with_name(name).unlink(missing_ok=True)
    path.write_bytes(b"not a database any more" * 100)
    answer = api.client.get("/healthz")
    assert answer.status_code == 503 and "database" in answer.get_json()["status"]


def test_metrics_need_the_key(api: Api) -> None:
    assert api.client.get("/metrics").status_code == 401
    assert api.client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert api.client.get("/metrics", headers={KEY_HEADER: SECRET}).status_code == 200
    assert api.client.get("/face/v1.0/persongroups", headers={"Authorization": "Basic eDp5"}).status_code == 401


def test_metrics(api: Api) -> None:
    person = api.group("Ada", "Bob")["Ada"]
    api.detect("Ada", "Bob", "Cleo")
    api.error("GET", "persongroups/missing")
    api.error("GET", "no/such/route")
    api.error("GET", "detect")
    values = figures(api)
    group = "/face/v1.0/persongroups/{personGroupId}"
    assert values["faces_requests_total", "PUT", group, "200"] == 1
    assert values["faces_requests_total", "GET", group, "404"] == 1
    assert values["faces_requests_total", "POST", f"{group}/persons/{{personId}}/persistedfaces", "200"] == 2
    assert values["faces_requests_total", "", "none", "404"] == values["faces_requests_total", "", "none", "405"] == 1
    assert values["faces_request_seconds_count", "POST", "/face/v1.0/detect"] == 1
    assert values["faces_detected_total",] == 3
    assert values["faces_collections", "persongroups", "succeeded"] == 1
    assert values["process_resident_memory_bytes",] > 1e6
    assert not any(person in label or "crowd" in label for name in values for label in name)


def test_the_request_log_has_no_personal_data(
    api: Api, capsys: pytest.CaptureFixture[str], kept_logging: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.set_up("json")
    person = api.group("Ada", train=False)["Ada"]
    api("GET", f"persongroups/crowd/persons/{person}?start=secret")

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("faces.server.store.collections.listed", fail)
    api.error("GET", "persongroups")
    written = capsys.readouterr().err
    records = [json.loads(line) for line in written.splitlines()]
    record = records[3]
    assert set(record) == {"time", "level", "method", "route", "status", "ms", "bytes"}
    assert record["route"] == "/face/v1.0/persongroups/{personGroupId}/persons/{personId}"
    assert (record["method"], record["status"]) == ("GET", 200) and record["ms"] > 0 and record["bytes"] > 50
    assert records[4]["message"].endswith("/persongroups failed") and "a bug" in records[4]["traceback"]
    assert records[5]["status"] == 500
    for word in (person, "crowd", "Ada", "secret", "127.0.0.1", SECRET):
        assert word not in written


@pytest.mark.parametrize(("form", "number"), [("text", 1), ("none", 0)])
def test_log_formats(
    form: str, number: int, api: Api, capsys: pytest.CaptureFixture[str], kept_logging: object
) -> None:
    logs.set_up(form)
    api.ok("POST", "detect", data=PHOTOGRAPHS["Ada"])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == number and all("POST /face/v1.0/detect 200 " in line for line in lines)
