"""The HTTP server with a small application: it stays reachable, refuses what is doubtful, and speaks TLS."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import ssl
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from flask import Flask, jsonify, request

from faces.errors import UsageError
from faces.server import connections, listening, tls
from faces.server.api import cors
from faces.server.listening import Listener
from tests.conftest import patience

THREADS = 2
ORIGIN = "https://example.org"


class Small:
    """An application whose ``/slow`` answers when it is let go, and a server of it."""

    def __init__(self, **options: Any) -> None:
        self.go, self.begun = threading.Event(), threading.Semaphore(0)
        app = Flask("small")
        cors.install(app, {ORIGIN})

        @app.get("/slow")
        def slow() -> str:
            self.begun.release()
            self.go.wait(patience(60))
            return "slow"

        @app.get("/healthz")
        def healthz() -> str:
            return "ok"

        @app.post("/face/echo")
        def echo() -> Any:
            return jsonify(scheme=request.scheme, url=request.host_url, bytes=len(request.get_data()))

        self.listener = Listener(app, "127.0.0.1", 0, THREADS, cors_origins=frozenset({ORIGIN}), **options)
        self.port = int(self.listener.url.rpartition(":")[2])
        self._thread = threading.Thread(target=self.listener.run)
        self._thread.start()

    def close(self) -> None:
        self.go.set()
        self.listener.stop()
        self._thread.join()

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), patience(30), source_address=(source, 0))

    def say(self, text: bytes, source: str = "127.0.0.1") -> bytes:
        """Send bytes and return all that is answered until the server closes."""
        with self.connect(source) as connection:
            connection.sendall(text)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def healthy(self, source: str = "127.0.0.1") -> bool:
        return self.say(b"GET /healthz HTTP/1.0\r\n\r\n", source).startswith(b"HTTP/1.0 200")


@contextmanager
def serving(**options: Any) -> Iterator[Small]:
    small = Small(**options)
    try:
        yield small
    finally:
        small.close()


@pytest.fixture
def small() -> Iterator[Small]:
    with serving() as instance:
        yield instance


def code(answer: bytes) -> int:
    status, _, rest = answer.partition(b"\r\n")
    assert set(json.loads(rest.partition(b"\r\n\r\n")[2])["error"]) == {"code", "message"}
    return int(status.split()[1])


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


# -- reachable -------------------------------------------------------------------------------------------------------


def test_health_is_answered_while_every_thread_is_busy(small: Small) -> None:
    with ExitStack() as stack:
        waiting = [stack.enter_context(small.connect()) for _ in range(2 * THREADS)]
        for connection in waiting:
            connection.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
        for _ in range(THREADS):
            assert small.begun.acquire(timeout=patience(30))
        assert small.healthy()  # the others wait until ``go``
        small.go.set()
        for connection in waiting:
            assert connection.recv(65536).startswith(b"HTTP/1.0 200")


@pytest.mark.parametrize("source", ["127.0.0.1", "127.0.0.2"])
def test_health_is_answered_while_a_hundred_connections_trickle_headers(small: Small, source: str) -> None:
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(small.connect()).sendall(b"GET / HTTP/1.1\r\nX: ")
        assert small.healthy(source)
        small.go.set()


def test_headers_have_a_deadline(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.1)
    with small.connect() as connection:
        for letter in b"GET /healthz HTTP/1.1\r\nX: y" * 200:  # never silent for as long as the deadline
            try:
                connection.sendall(bytes([letter]))
            except ConnectionError:
                break
            time.sleep(0.05)
        else:
            pytest.fail("the connection stayed open")
    assert code(small.say(b"GET / HTTP/1.1\r\nX: ")) == 408
    with small.connect() as connection:  # one without a request
        assert connection.recv(65536).startswith(b"HTTP/1.0 408")


def test_a_slow_body_has_no_deadline(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.2)
    monkeypatch.setattr(listening, "POLL_SECONDS", 0.05)
    with small.connect() as connection:
        connection.sendall(b"POST /face/echo HTTP/1.0\r\nContent-Length: 4\r\n\r\nab")
        time.sleep(0.6)
        connection.sendall(b"cd")
        assert connection.recv(65536).startswith(b"HTTP/1.0 200")


def test_an_address_has_a_limit_of_connections(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MAX_CONNECTIONS_OF_AN_ADDRESS", 3)
    with ExitStack() as stack:
        oldest, *_ = [stack.enter_context(small.connect()) for _ in range(3)]
        assert small.healthy() and is_closed(oldest)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(small.connect()).sendall(b"GET /slow HTTP/1.0\r\n\r\n")
        for _ in range(THREADS):
            assert small.begun.acquire(timeout=patience(30))
        time.sleep(0.2)  # the third is in the queue
        assert code(small.say(b"")) == 503  # none of them is closed for it
        assert small.healthy("127.0.0.2")
        small.go.set()


def test_all_addresses_together_have_a_limit(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MAX_CONNECTIONS", 3)
    with ExitStack() as stack:
        sockets = [stack.enter_context(small.connect(f"127.0.0.{number}")) for number in (3, 4, 5)]
        assert small.healthy() and is_closed(sockets[0])


@pytest.mark.parametrize(
    ("start", "lengths"),
    [
        (b"HTTP/1.1", (b"Content-Length: 5", b"Transfer-Encoding: chunked")),
        (b"HTTP/1.1", (b"Transfer-Encoding: chunked", b"Content-Length: 5")),
        (b"HTTP/1.0", (b"Content-Length: 5", b"Transfer-Encoding: chunked")),
        (b"HTTP/1.0", (b"Transfer-Encoding: chunked",)),
    ],
)
def test_a_request_with_two_lengths_is_refused_and_its_rest_is_no_request(
    small: Small, start: bytes, lengths: tuple[bytes, ...]
) -> None:
    head = b"\r\n".join([b"POST /face/echo " + start, b"Host: x", *lengths, b"", b""])
    answer = small.say(head + b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert code(answer) == 400 and answer.count(b"HTTP/1.") == 1


# -- cross-origin ----------------------------------------------------------------------------------------------------


def test_a_page_of_a_named_origin_can_read_errors_of_the_server(small: Small) -> None:
    for origin, allowed in ((ORIGIN, True), ("https://example.com", False)):
        answer = small.say(f"POST /face/x HTTP/1.1\r\nOrigin: {origin}\r\nContent-Length: 99999999999\r\n\r\n".encode())
        assert code(answer) == 413
        assert (f"Access-Control-Allow-Origin: {origin}".encode() in answer) == allowed


# -- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def issued(authority: trustme.CA, tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key."""
    certificate, paths = authority.issue_cert("127.0.0.1"), (tmp_path / "cert.pem", tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(paths[0])
    certificate.private_key_pem.write_to_path(paths[1])
    return paths


def client(port: int, trusted: Callable[[ssl.SSLContext], None]) -> http.client.HTTPSConnection:
    settings = ssl.create_default_context()
    trusted(settings)
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=patience(30), context=settings)


def test_https(authority: trustme.CA, issued: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 1.0)
    with serving(encryption=tls.context(*issued)) as small:
        assert small.listener.url == f"https://127.0.0.1:{small.port}"
        silent, plain = small.connect(), small.connect()  # neither stops others, and both are closed
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        connection = client(small.port, authority.configure_trust)
        for size in (0, 1, 20_000, 5_000_000):
            connection.request("POST", "/face/echo", bytes(size), {"Host": f"127.0.0.1:{small.port}"})
            answer = json.loads(connection.getresponse().read())
            assert answer == {"bytes": size, "scheme": "https", "url": f"{small.listener.url}/"}
        parts = iter([bytes(30_000)] * 20)
        connection.request("POST", "/face/echo", parts, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
        assert json.loads(connection.getresponse().read())["bytes"] == 600_000
        connection.request("POST", "/face/echo", b"", {"Content-Length": "99999999999"})
        assert connection.getresponse().status == 413
        connection.close()
        for other in (silent, plain):
            with other:
                assert is_closed(other)


def test_a_certificate_made_once(tmp_path: Path) -> None:
    path = tls.self_signed(tmp_path, "127.0.0.1")
    data = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tls.self_signed(tmp_path, "127.0.0.1") == path and path.read_bytes() == data
    with serving(encryption=tls.context(path, None)) as small:
        connection = client(small.port, lambda settings: settings.load_verify_locations(path))
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        assert isinstance(connection.sock, ssl.SSLSocket)
        shown = connection.sock.getpeercert(binary_form=True)
        assert shown and tls.fingerprint(path) == hashlib.sha256(shown).digest().hex(":").upper()
        connection.close()


def test_damaged_or_mismatching_certificates(authority: trustme.CA, issued: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = issued
    other, damaged, encrypted = tmp_path / "other.pem", tmp_path / "damaged.pem", tmp_path / "encrypted.pem"
    authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(other)
    damaged.write_bytes(certificate.read_bytes()[:300])
    encrypted.write_bytes(locked(key.read_bytes()))
    for paths, words in (
        ((certificate, other), "does not belong to the certificate"),
        ((damaged, key), "damaged, or not PEM"),
        ((certificate, damaged), "damaged, or not PEM"),
        ((certificate, None), "damaged, or not PEM"),
        ((tmp_path / "none.pem", key), "none.pem: "),
        ((certificate, encrypted), "the key is encrypted"),
    ):
        with pytest.raises(UsageError, match=words) as caught:
            tls.context(*paths)
        assert "\n" not in str(caught.value)


def locked(key: bytes) -> bytes:
    from cryptography.hazmat.primitives import serialization as form

    secret = form.load_pem_private_key(key, None)
    return secret.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"word"))
