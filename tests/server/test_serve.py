"""The command ``serve``: HTTP below the application, kills, shutdown, wrong usage."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import stat
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
import requests

from faces.commands import serve
from faces.errors import FacesError
from faces.server import tls
from faces.server.keys import KEY_HEADER
from tests.conftest import RunScript, disk, patience
from tests.server.conftest import Service, serving

pytestmark = pytest.mark.slow
People = dict[str, list[Path]]


def say(service: Service, text: bytes, more: bytes = b"", end: bool = True) -> bytes:
    """Send bytes and return all that the server answers. end: shut down the sending side."""
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(text + more)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def head(service: Service, start: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join([start, b"Host: x", KEY_HEADER.encode() + b": " + service.key.encode(), *lines, b"", b""])


def is_incomplete_request(answer: bytes) -> bool:
    status, _, rest = answer.partition(b"\r\n")
    return status.split()[1] == b"400" and set(json.loads(rest.partition(b"\r\n\r\n")[2])["error"]) == {
        "code",
        "message",
    }


def alive(service: Service) -> bool:
    return service.call("GET", "persongroups").status_code == 200


def test_files_are_readable_by_their_owner_alone(service: Service) -> None:
    for name in ("face_api.key", "faces.db", "faces.db-wal"):
        assert stat.S_IMODE((service.folder / "output" / name).stat().st_mode) == 0o600
    assert len(service.key) == 32


def test_a_chunked_upload(service: Service, drawn: People) -> None:
    data = next(iter(drawn.values()))[0].read_bytes()
    parts = (data[start : start + 4096] for start in range(0, len(data), 4096))
    assert len(service.call("POST", "detect", data=parts).json()) == 1


def test_an_incomplete_chunked_upload(service: Service, drawn: People) -> None:
    data = next(iter(drawn.values()))[0].read_bytes()[:4096]
    start = head(service, b"POST /face/v1.0/detect HTTP/1.1", b"Transfer-Encoding: chunked")
    for chunks in (b"", b"1000\r\n" + data[:100], b"1000\r\n" + data + b"\r\n", b"1000\r\n" + data + b"\r\n10"):
        assert is_incomplete_request(say(service, start, chunks))
    assert alive(service)


def test_an_upload_shorter_than_its_content_length(service: Service) -> None:
    start = head(service, b"PUT /face/v1.0/persongroups/half HTTP/1.1", b"Content-Length: 1000")
    assert is_incomplete_request(say(service, start, b'{"name": "half"}'))
    assert is_incomplete_request(say(service, start[:-6]))
    assert service.call("GET", "persongroups/half").status_code == 404


def test_a_client_that_shuts_down_its_sending_side_is_answered(service: Service) -> None:
    start = head(service, b"GET /face/v1.0/persongroups HTTP/1.1")
    assert say(service, start + start).count(b"HTTP/1.1 200 OK") == 2
    assert say(service, b"") == say(service, b"\r\n") == b""


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"no request at all\r\n\r\n", 400),
        (b"POST /face/v1.0/detect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"POST /face/v1.0/detect HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST /face/v1.0/detect HTTP/1.1\r\nHost: x\r\nContent-Length: 40000000\r\n\r\n" + b"x" * 40_000_000, 413),
        (b"POST /face/v1.0/detect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 300_000 + b"\r\n\r\n", 431),
    ],
)
def test_malformed_requests_are_answered_in_the_api_form(service: Service, text: bytes, status: int) -> None:
    first, _, rest = say(service, text, end=False).partition(b"\r\n")
    assert first.split()[1] == str(status).encode()
    headers, _, body = rest.partition(b"\r\n\r\n")
    assert b"application/json" in headers
    assert set(json.loads(body)["error"]) == {"code", "message"}
    assert b"waitress" not in rest.lower()
    assert alive(service)


def test_dropped_connections_are_closed(service: Service) -> None:
    process = psutil.Process(service.running.process.pid)
    before = len(process.net_connections())
    host, port = service.url.removeprefix("http://").split(":")
    for text in (
        b"",
        b"GET /",
        head(service, b"POST /face/v1.0/detect HTTP/1.1", b"Content-Length: 100"),
        b"x\r\n\r\n",
    ):
        for reset in (False, True):
            connection = socket.create_connection((host, int(port)), 30)
            connection.sendall(text)
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
    for _ in range(400):
        if len(process.net_connections()) <= before:
            break
        time.sleep(0.05)
    assert len(process.net_connections()) <= before and process.cpu_percent(0.5) < 50


def test_double_slashes_and_any_case(service: Service) -> None:
    for path in ("//face/v1.0/persongroups", "//Face//v1.0//PersonGroups/"):
        answer = requests.get(service.url + path, headers={KEY_HEADER: service.key}, timeout=10)
        assert (answer.status_code, answer.json()) == (200, [])


def test_many_requests_at_once(service: Service) -> None:
    service.add("PUT", "persongroups/many", json={"name": "n"})
    names = [str(number) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda name: service.add("POST", "persongroups/many/persons", json={"name": name}), names))
    kept = service.call("GET", "persongroups/many/persons").json()
    assert {person["personId"] for person in kept} == {person["personId"] for person in made} and len(made) == 40
    service.add("DELETE", "persongroups/many")


def test_a_kill_loses_no_acknowledged_change(tmp_path: Path, drawn: People) -> None:
    data = next(iter(drawn.values()))[0].read_bytes()
    options = "--min-face", "80"
    acknowledged: list[str] = []
    with serving(tmp_path, *options) as service:
        service.add("PUT", "persongroups/g", json={"name": "n"})
        person = service.add("POST", "persongroups/g/persons", json={"name": "Ana"})["personId"]
        path = f"persongroups/g/persons/{person}/persistedfaces"
        (face,) = service.call("POST", "detect", data=data).json()
        key = service.key

        def add() -> None:
            while True:
                try:
                    answer = service.call("POST", path, data=data)
                    named = service.call("POST", "persongroups/g/persons", json={"name": "x"})
                except requests.RequestException:
                    return
                acknowledged.extend([answer.json()["persistedFaceId"], named.json()["personId"]])

        threads = [threading.Thread(target=add) for _ in range(3)]
        for thread in threads:
            thread.start()
        while len(acknowledged) < 6:
            time.sleep(0.02)
        service.call("POST", "persongroups/g/train")
        service.running.process.kill()
        for thread in threads:
            thread.join()
    with sqlite3.connect(tmp_path / "output" / "faces.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        database.execute("UPDATE collections SET training_status = 'running'")  # as if it had been interrupted
    database.close()
    with serving(tmp_path, *options) as service:
        assert service.key == key
        kept = {
            row["personId"]: row["persistedFaceIds"] for row in service.call("GET", "persongroups/g/persons").json()
        }
        assert set(acknowledged) <= {*kept, *kept[person]}
        status = service.call("GET", "persongroups/g/training").json()
        assert status["status"] == "failed" and "stopped" in status["message"]
        assert service.call("POST", "persongroups/g/train").status_code == 202
        while (status := service.call("GET", "persongroups/g/training").json()["status"]) != "succeeded":
            assert status in ("nonstarted", "running")
        body = {"faceIds": [face["faceId"]], "personGroupId": "g"}  # detected before the kill
        (result,) = service.call("POST", "identify", json=body).json()
        assert result["candidates"][0]["personId"] == person

        # At a stop, running requests are answered; until then no other server may use the file.
        host, port = service.url.removeprefix("http://").split(":")
        connection = HTTPConnection(host, int(port), timeout=20)
        connection.request("POST", "/face/v1.0/detect", data, {KEY_HEADER: key})
        time.sleep(0.05)
        service.running.process.send_signal(signal.SIGTERM)
        answer = connection.getresponse()
        assert answer.status == 200 and len(json.loads(answer.read())) == 1
        assert service.running.process.wait(timeout=patience(20)) == 0


def wrong(*options: object) -> FacesError:
    """Return the error with which ``serve`` refuses to start; in this process, which is faster."""
    with pytest.raises(FacesError) as caught:
        serve.main([str(option) for option in options])
    assert "\n" not in str(caught.value)
    return caught.value


def test_one_server_at_a_time_for_a_database_file(service: Service) -> None:
    error = wrong("--port", 0, "--database", f"sqlite:///{service.folder / 'output' / 'faces.db'}")
    assert error.status == 1 and "faces.db: in use by serve.py" in str(error)


def test_a_port_that_is_taken(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    error = wrong("--port", service.url.rpartition(":")[2])
    assert error.status == 1 and "try another --port" in str(error)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "0.0.0.0"), "give a key of your own"),
        (("--host", "no.such.host.invalid"), "no such address"),
        (("--database", "sqlite://"), "give a file"),
        (("--database", "nonsense"), "give a file"),
        (("--allow-url", "ftp://x/"), "--allow-url"),
        (("--key-file", "short.key"), "not a key"),
        (("--cors-origin", "example.org"), "give scheme and host"),
        (("--cors-origin", "https://example.org/"), "give scheme and host"),
        (("--tls-key", "short.key"), "goes with --tls-cert"),
        (("--tls-cert", "missing.pem"), "missing.pem: "),
        (("--tls-cert", "short.key"), "damaged, or not PEM"),
        (("--tls-cert", "short.key", "--tls-self-signed"), "leave out --tls-cert"),
    ],
)
def test_wrong_usage(options: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.key").write_text("short\n")
    error = wrong(*options)
    assert error.status == 2 and words in str(error)
    assert not (tmp_path / "output" / "faces.db").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--port", "70000"), "not a port"),
        (("--url-map", "https://example.org/a.jpg=missing.jpg"), "URL=FILE"),
        (("--attributes", "live,smile"), "the pages do not show smile"),
    ],
)
def test_invalid_options(options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        serve.main(options)
    assert caught.value.code == 2 and words in capsys.readouterr().err


def test_a_file_that_is_not_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("no database at all, but long enough to look at" * 50)
    error = wrong("--port", 0, "--database", "sqlite:///notes.txt")
    assert error.status == 1 and "not a database" in str(error)
    assert (tmp_path / "notes.txt").read_text().startswith("no database")


def test_missing_packages(run_script: RunScript, tmp_path: Path) -> None:
    (tmp_path / "flask.py").write_text("raise ImportError('no flask')\n")
    result = run_script("serve.py", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert result.returncode == 2 and "pip install 'recognize-faces[server]'" in result.stderr


def test_https_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    with serving(tmp_path, "--min-face", "80", "--tls-self-signed") as service:
        certificate = tmp_path / "output" / "self_signed.pem"
        service.running.wait_for(f"certificate SHA-256 {tls.fingerprint(certificate)}")
        assert stat.S_IMODE(certificate.stat().st_mode) == 0o600
        url, headers = service.url.replace("http:", "https:"), {KEY_HEADER: service.key}
        path = f"{url}/face/v1.0/largepersongroups/g"
        with requests.Session() as session:
            session.verify, session.trust_env = str(certificate), False
            session.put(path, json={"name": "n"}, headers=headers, timeout=patience(30)).raise_for_status()
            answer = session.post(f"{path}/train", headers=headers, timeout=patience(30))
            assert answer.headers["operation-Location"] == f"{path}/training"
            page = session.get(f"{url}/", timeout=patience(30))
            assert all(cookie.secure for cookie in page.cookies)


def test_other_machines_need_a_chosen_key(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but its own")
        address = probe.getsockname()[0]
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "face_api.key").write_text("a-key-of-my-own-1234\n")
    with serving(tmp_path, "--host", address, "--key-file", "output/face_api.key", "--log", "json") as service:
        url = service.url.replace("127.0.0.1", address)
        for key, status in (("a-key-of-my-own-1234", 200), ("another", 401)):
            assert (
                requests.get(f"{url}/face/v1.0/persongroups", headers={KEY_HEADER: key}, timeout=30).status_code
                == status
            )
        service.running.wait_for('"status": 401')
        audit = tmp_path / "output" / "audit.log"
        assert json.loads(audit.read_text())["address"] == address and stat.S_IMODE(audit.stat().st_mode) == 0o600


def test_no_disk_space_for_an_upload(tmp_path: Path) -> None:
    """Waitress writes large bodies to a temporary file first."""
    with (
        disk(tmp_path / "small", "200k") as small,
        serving(tmp_path, "--min-face", "80", env={"TMPDIR": str(small)}) as service,
    ):
        for data in (bytes(1_500_000), iter([bytes(1_500_000)])):
            answer = service.call("POST", "detect", data=data)
            assert answer.status_code == 507 and set(answer.json()["error"]) == {"code", "message"}
        assert service.call("GET", "persongroups").json() == []
