"""Pictures by their address: fetched from the public internet alone, however an address is disguised."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from faces.server import errors
from faces.server.vision import MOST_BYTES

SECONDS = 15.0  # for all of it
REDIRECTS = 5
BLOCK = 1 << 16
LONGEST_ADDRESS = 2048


class Fetcher:
    """Fetches pictures.

    files: addresses that stand for files on this machine. allowed: what an address may begin with to be fetched
    wherever it leads, such as ``http://127.0.0.1:8000/``. Proxies that the environment names are not used.
    """

    def __init__(self, files: Mapping[str, Path] | None = None, allowed: Sequence[str] = ()) -> None:
        self._files, self._allowed = dict(files or {}), [_split(prefix) for prefix in allowed]

    def fetch(self, url: str) -> bytes:
        """Raises ApiError, 400, where there is nothing, nothing that may be had, or too much."""
        deadline = time.monotonic() + SECONDS
        try:
            for _ in range(REDIRECTS + 1):
                if url in self._files:
                    return self._files[url].read_bytes()
                with closing(self._connect(_split(url), deadline)) as connection:
                    moved, data = _get(connection, _split(url), deadline)
                if moved is None:
                    return data
                url = urljoin(url, moved)
        except (OSError, HTTPException, ValueError) as error:
            raise errors.invalid_url("Invalid image URL or error downloading from target server.") from error
        raise errors.invalid_url("Invalid image URL or error downloading from target server: too many redirects.")

    def _connect(self, url: SplitResult, deadline: float) -> HTTPConnection:
        """A connection to an address that was looked at, and not only to a name that may mean another the next time."""
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        anywhere = any(_within(url, prefix) for prefix in self._allowed)
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        if not found or not (anywhere or all(_is_public(address) for address in found)):
            raise errors.invalid_url()
        kind = _PinnedHTTPS if url.scheme == "https" else _Pinned
        return kind(host, port, found[0], deadline)


class _Pinned(HTTPConnection):
    """To one address, whatever the name means by now."""

    def __init__(self, host: str, port: int, address: str, deadline: float) -> None:
        super().__init__(host, port, timeout=_left(deadline))
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _PinnedHTTPS(HTTPSConnection):
    """The same, with a certificate for the name."""

    def __init__(self, host: str, port: int, address: str, deadline: float) -> None:
        self._tls = ssl.create_default_context()
        super().__init__(host, port, timeout=_left(deadline), context=self._tls)
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def _get(connection: HTTPConnection, url: SplitResult, deadline: float) -> tuple[str | None, bytes]:
    """Where the picture has moved to, or the picture."""
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    connection.request("GET", target, headers={"User-Agent": "faces", "Accept": "image/*,*/*;q=0.1"})
    answer = connection.getresponse()
    if answer.status in (301, 302, 303, 307, 308):
        return answer.headers.get("Location") or "", b""
    if answer.status != 200:
        raise OSError(f"status {answer.status}")
    data = bytearray()
    while block := answer.read1(BLOCK):
        data += block
        if len(data) > MOST_BYTES:
            raise errors.image_too_big()
        if connection.sock is not None:
            connection.sock.settimeout(_left(deadline))
    if answer.length:
        raise OSError("broken off")
    return None, bytes(data)


def _split(url: str) -> SplitResult:
    """Raises ApiError, 400, for what is no address of the web."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        valid = False
    if not valid or len(url) > LONGEST_ADDRESS or not url.isascii() or any(sign <= " " for sign in url):
        raise errors.invalid_url()
    return parts


def _within(url: SplitResult, prefix: SplitResult) -> bool:
    """Whether an address is the other's: the same server, and below its path."""

    def server(parts: SplitResult) -> tuple[str, str | None, int | None]:
        return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)

    return server(url) == server(prefix) and url.path.startswith(prefix.path) and "/.." not in url.path


def _is_public(address: str) -> bool:
    """Whether an address is of the public internet: no machine's own, no local network's, no carrier's."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if isinstance(ip, ipaddress.IPv6Address) and ip in ipaddress.ip_network("64:ff9b::/96"):
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return all(one.is_global and not one.is_multicast for one in (ip, *((inner,) if inner else ())))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("too slow")
    return left
