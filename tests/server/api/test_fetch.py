"""Fetching images by URL: what is allowed and what is refused."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from faces.server.api import fetch
from faces.server.api.fetch import Fetcher
from faces.server.errors import ApiError


class Pictures(BaseHTTPRequestHandler):
    """A site with an image, redirects, and responses that are too large, too short or too slow."""

    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.headers["Host"])
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
        elif self.path == "/loop":
            self.send_response(301)
            self.send_header("Location", "/loop")
            self.end_headers()
        elif self.path == "/a.jpg?size=1":
            self._send(b"an image")
        elif self.path == "/large":
            self.send_response(200)
            self.end_headers()
            for _ in range(7):
                self.wfile.write(b"x" * (1 << 20))
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 10)
        elif self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                if threading.Event().wait(0.1):
                    return
        else:
            self.send_error(404)

    def _send(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Pictures.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def refused(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(ApiError) as caught:
        fetcher.fetch(url)
    assert caught.value.status == 400
    return caught.value.code


def test_allowed_prefixes(site: str) -> None:
    fetcher = Fetcher(allowed=[f"{site}/"])
    assert fetcher.fetch(f"{site}/a.jpg?size=1") == b"an image"
    assert fetcher.fetch(f"{site}/to//a.jpg?size=1") == b"an image"
    assert fetcher.fetch(f"{site}/to/{site}/a.jpg?size=1") == b"an image"
    assert refused(fetcher, f"{site}/missing") == "InvalidURL"
    assert refused(fetcher, f"{site}/loop") == "InvalidURL"
    assert refused(fetcher, f"{site}/short") == "InvalidURL"
    assert refused(fetcher, f"{site}/large") == "InvalidImageSize"
    assert refused(Fetcher(allowed=[f"{site}/pictures/"]), f"{site}/a.jpg?size=1") == "InvalidURL"
    assert refused(Fetcher(allowed=[f"{site}/pictures/"]), f"{site}/pictures/../a.jpg?size=1") == "InvalidURL"


def test_https(monkeypatch: pytest.MonkeyPatch) -> None:
    authority, Pictures.asked = trustme.CA(), []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    port = server.server_port
    right, wrong = f"https://localhost:{port}/", f"https://127.0.0.1:{port}/"
    fetcher = Fetcher(allowed=[right, wrong])
    try:
        assert refused(fetcher, f"{right}a.jpg?size=1") == "InvalidURL"  # the certificate's authority is unknown
        with authority.cert_pem.tempfile() as known:
            monkeypatch.setenv("SSL_CERT_FILE", known)
            assert fetcher.fetch(f"{right}a.jpg?size=1") == b"an image"
            assert refused(fetcher, f"{wrong}a.jpg?size=1") == "InvalidURL"  # the certificate is for another host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert Pictures.asked == [f"localhost:{port}"]


def test_timeout(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.5)
    assert refused(Fetcher(allowed=[f"{site}/"]), f"{site}/slow") == "InvalidURL"


def test_private_addresses_are_refused(site: str) -> None:
    port = site.rpartition(":")[2]
    for host in (
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "[fe80::1]",
        "[fc00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "224.0.0.1",
        "255.255.255.255",
    ):
        assert refused(Fetcher(), f"http://{host}:{port}/a.jpg") == "InvalidURL"
    assert Pictures.asked == []


def test_a_redirect_to_a_private_address_is_refused(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fetcher = Fetcher(allowed=[f"{site}/to/"])
    assert refused(fetcher, f"{site}/to/{site}/a.jpg?size=1") == "InvalidURL"
    assert refused(fetcher, f"{site}/to/file:///etc/passwd") == "InvalidURL"
    assert len(Pictures.asked) == 2


def test_dns_rebinding(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(site.rpartition(":")[2])
    answers = iter(["93.184.216.34", "127.0.0.1"])
    asked: list[tuple[str, int]] = []

    def lookup(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert refused(Fetcher(), f"http://rebinding.example:{port}/a.jpg?size=1") == "InvalidURL"
    assert asked == [("93.184.216.34", port)]  # the checked address


def test_a_host_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    assert refused(Fetcher(), "http://two.example/a.jpg") == "InvalidURL"


def test_the_next_address_is_tried(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port, lookup = int(site.rpartition(":")[2]), socket.getaddrinfo
    looked_up: list[str] = []

    def of_two(host: str, port: int, *more: Any, **options: Any) -> list[Any]:
        if host != "two.example":
            return lookup(host, port, *more, **options)
        looked_up.append(host)
        return [entry for ip in ("::1", "127.0.0.1") for entry in lookup(ip, port, *more, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", of_two)
    url = f"http://two.example:{port}"  # nothing listens at its first address
    assert Fetcher(allowed=[f"{url}/"]).fetch(f"{url}/a.jpg?size=1") == b"an image"
    assert Pictures.asked == [f"two.example:{port}"] and len(looked_up) == 1


def test_each_address_gets_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    public = ["2606:2800:220:1::1", "93.184.216.34", "93.184.216.35"]
    addresses = [(socket.AF_UNSPEC, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in (*public, public[1])]
    asked: dict[str, float] = {}

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        asked[address[0]] = timeout
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert refused(Fetcher(), "http://three.example/a.jpg") == "InvalidURL"
    assert list(asked) == public
    assert all(asked[ip] <= fetch.TIMEOUT_SECONDS / number for ip, number in zip(public, (3, 2, 1), strict=True))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.jpg",
        "ftp://example.org/a",
        "http://",
        "http://user:pw@example.org/",
        "http://example.org:99999/",
        "http://example.org/a b",
        "http://exa\nmple.org/",
        "http://example.org/" + "a" * 3000,
        "javascript:alert(1)",
        "http://example.org/ü",
    ],
)
def test_invalid_urls(url: str) -> None:
    assert refused(Fetcher(), url) == "InvalidURL"


def test_urls_that_stand_for_files(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"an image")
    fetcher = Fetcher({"https://example.org/a.jpg?b=c": tmp_path / "a.jpg"})
    assert fetcher.fetch("https://example.org/a.jpg?b=c") == b"an image"
    (tmp_path / "a.jpg").unlink()
    assert refused(fetcher, "https://example.org/a.jpg?b=c") == "InvalidURL"
