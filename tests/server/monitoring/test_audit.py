"""The audit log: its contents, its files and their modes."""

from __future__ import annotations

import json
import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from faces.errors import FacesError, UsageError
from faces.server.keys import KEY_HEADER
from faces.server.monitoring import audit
from faces.server.monitoring.audit import AuditLog
from tests.conftest import disk
from tests.server.conftest import PHOTOGRAPHS, Api, serving


def lines(path: Path) -> list[dict[str, str]]:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    left_out = ("time", "address", "key")
    return [{name: value for name, value in record.items() if name not in left_out} for record in records]


def test_enrolments_searches_and_erasures_are_recorded(api: Api, tmp_path: Path) -> None:
    ada = api.group("Ada")["Ada"]
    (face,) = api.ok("GET", f"persongroups/crowd/persons/{ada}")["persistedFaceIds"]
    probe, other = api.detect("Ada", "Bob")
    api.ok("POST", "identify", json={"faceIds": [probe, other], "personGroupId": "crowd"})
    api.ok("POST", "verify", json={"faceId": probe, "personId": ada, "personGroupId": "crowd"})
    api.ok("PUT", "facelists/list", json={"name": "n"})
    kept = api.ok("POST", "facelists/list/persistedfaces?userData=secret", data=PHOTOGRAPHS["Ada"])["persistedFaceId"]
    api.ok("POST", "findsimilars", json={"faceId": probe, "faceListId": "list"})
    api.ok("POST", "findsimilars", json={"faceId": probe, "faceIds": [other]})  # not a search among enrolled faces
    api.ok("DELETE", f"facelists/list/persistedfaces/{kept}")
    api.ok("DELETE", f"persongroups/crowd/persons/{ada}/persistedfaces/{face}")
    api.ok("DELETE", f"persongroups/crowd/persons/{ada}")
    api.ok("DELETE", "facelists/list")
    api("GET", "persongroups", headers={KEY_HEADER: "wrong"})
    crowd = {"collection": "persongroups/crowd"}
    assert lines(tmp_path / "audit.log") == [
        {"action": "enrol", **crowd, "person": ada, "face": face},
        {"action": "identify", **crowd, "face": probe, "persons": ada},
        {"action": "identify", **crowd, "face": other, "persons": ""},
        {"action": "verify", **crowd, "face": probe, "person": ada},
        {"action": "enrol", "collection": "facelists/list", "face": kept},
        {"action": "identify", "collection": "facelists/list", "face": probe, "faces": kept},
        {"action": "erase", "collection": "facelists/list", "face": kept},
        {"action": "erase", **crowd, "person": ada, "face": face},
        {"action": "erase", **crowd, "person": ada},
        {"action": "erase", "collection": "facelists/list", "faces": "0"},
        {"action": "refuse"},
    ]
    text = (tmp_path / "audit.log").read_text()
    assert "Ada" not in text and "secret" not in text and '"address": "127.0.0.1"' in text


def test_failed_actions_are_not_recorded(api: Api, tmp_path: Path) -> None:
    ada = api.group("Ada", train=False)["Ada"]
    before = lines(tmp_path / "audit.log")
    api.error("DELETE", f"persongroups/other/persons/{ada}")
    api.error("POST", f"persongroups/crowd/persons/{ada}/persistedfaces", data=b"no picture")
    assert lines(tmp_path / "audit.log") == before


def test_files_are_private_and_rotate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MAX_FILE_BYTES", 1000)
    monkeypatch.setattr(audit, "KEPT_FILES", 3)
    first, second = AuditLog(tmp_path / "made" / "audit.log"), AuditLog(tmp_path / "made" / "audit.log")
    for number in range(40):
        (first, second)[number % 2]("enrol", face=str(number))
    first.close()
    second.close()
    files = sorted((tmp_path / "made").glob("audit.log*"))
    assert [file.name for file in files] == ["audit.log", "audit.log.1", "audit.log.2", "audit.log.3"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    numbers = [int(line["face"]) for file in reversed(files) for line in lines(file)]
    assert numbers == list(range(numbers[0], 40)) and len(numbers) > 20


def test_the_mode_of_a_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    for _ in range(2):
        log = AuditLog(path)
        log("enrol", face="1")
        log.close()
        path.chmod(0o640)
    assert len(lines(path)) == 2 and stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FacesError, match="file"):
        AuditLog(tmp_path / "file" / "audit.log")


def test_a_full_disk_is_logged_and_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with disk(tmp_path / "small", "64k") as folder, caplog.at_level(logging.ERROR):
        log = AuditLog(folder / "audit.log")
        log("enrol", face="before")
        filler = folder / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        for _ in range(50):
            log("enrol", face="x" * 100)
        assert "cannot write to the audit log" in caplog.text
        filler.unlink()
        log("enrol", face="after")
        log.close()
        text = (folder / "audit.log").read_text()
        assert "before" in text and "after" in text


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(FacesError, match="is a directory"):
        AuditLog(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_pipes_are_refused_and_left_alone(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"  # any user may create one
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    (tmp_path / "link").symlink_to(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # a writer would wait for a reader
    for path in (pipe, tmp_path / "link"):
        with pytest.raises(UsageError, match="not a regular file"):
            AuditLog(path)
    os.close(reader)
    assert stat.S_IMODE(pipe.stat().st_mode) == 0o666
    assert {entry.name for entry in tmp_path.iterdir()} == {"pipe", "link"}


@pytest.mark.slow
def test_no_audit_log(tmp_path: Path) -> None:
    with serving(tmp_path, "--audit", "none") as service:
        service.add("PUT", "facelists/list", json={"name": "n"})
        service.add("DELETE", "facelists/list")
    assert not list(tmp_path.rglob("*audit*")) and not (tmp_path / "none").exists()
