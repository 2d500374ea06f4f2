"""Fetching images by URL: from the public internet alone, however a URL disguises a private address."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from threading import Timer
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from faces.errors import UsageError
from faces.server import errors
from faces.server.errors import ApiError
from faces.server.limits import MAX_IMAGE_BYTES, MAX_URL

TIMEOUT_SECONDS = 15.0  # for the whole fetch
MAX_REDIRECTS = 5
NOT_PUBLIC = tuple(ipaddress.ip_network(net) for net in ("64:ff9b:1::/48", "::/96"))  # Python calls these global


class Fetcher:
    """Fetches images. Ignores proxies that the environment names.

    files: URLs that stand for files on this machine.
    allowed: URL prefixes, such as ``http://127.0.0.1:8000/``, that may lead to private addresses.

    Raises UsageError if a prefix is not a valid URL.
    """

    def __init__(self, files: Mapping[str, Path] | None = None, allowed: Sequence[str] = ()) -> None:
        self._files = dict(files or {})
        try:
            self._allowed = [_split(prefix) for prefix in allowed]
        except ApiError as error:
            raise UsageError("--allow-url: give a URL that starts with http:// or https:// and names a host") from error

    def fetch(self, url: str) -> bytes:
        """Return the bytes behind a URL. Raises ApiError, 400, if it is refused, cannot be fetched or is too large."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        try:
            for _ in range(MAX_REDIRECTS + 1):
                if url in self._files:
                    return self._files[url].read_bytes()
                parts = _split(url)
                location, data = _get(parts, self._addresses(parts), deadline)
                if location is None:
                    return data
                url = urljoin(url, location)
        except (OSError, HTTPException, ValueError) as error:
            raise errors.invalid_url("Invalid image URL or error downloading from target server.") from error
        raise errors.invalid_url("Invalid image URL or error downloading from target server: too many redirects.")

    def _addresses(self, url: SplitResult) -> list[str]:
        """Look up the host once and return its addresses: a second lookup could give another, private one."""
        may_be_private = any(_within(url, prefix) for prefix in self._allowed)
        addresses = [
            str(entry[4][0]) for entry in socket.getaddrinfo(url.hostname, _port(url), type=socket.SOCK_STREAM)
        ]
        if not addresses or not (may_be_private or all(_is_public(address) for address in addresses)):
            raise errors.invalid_url()
        return list(dict.fromkeys(addresses))


def _get(url: SplitResult, addresses: Sequence[str], deadline: float) -> tuple[str | None, bytes]:
    """Return the URL of a redirect, or None, and the data."""
    with _connected(url, addresses, deadline) as connection:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("GET", target, headers={"User-Agent": "faces", "Accept": "image/*,*/*;q=0.1"})
        response = connection.getresponse()
        if response.status in (301, 302, 303, 307, 308):
            return response.headers.get("Location") or "", b""
        if response.status != 200:
            raise OSError(f"status {response.status}")
        data = response.read(MAX_IMAGE_BYTES + 1)
        if len(data) > MAX_IMAGE_BYTES:
            raise errors.image_too_big()
        _remaining(deadline)  # raises if the timer closed the connection
        if response.length:
            raise OSError("incomplete")
        return None, data


@contextmanager
def _connected(url: SplitResult, addresses: Sequence[str], deadline: float) -> Iterator[HTTPConnection]:
    """Connect; close the connection at the deadline, even in the middle of a read."""
    host = url.hostname or ""
    with ExitStack() as stack:
        sock = _connect(addresses, _port(url), deadline)
        connection = HTTPConnection(host, _port(url))
        if url.scheme == "https":
            connection = HTTPSConnection(host, _port(url))
            context = ssl.create_default_context()
            sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        stack.callback(sock.close)
        sock.settimeout(_remaining(deadline))
        timer = Timer(_remaining(deadline), lambda: _shut_down(sock))
        timer.daemon = True
        timer.start()
        stack.callback(timer.cancel)
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        connection.sock = sock
        stack.callback(connection.close)
        yield connection


def _connect(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    """Return a socket to the first of one or more addresses that accepts. Each gets its share of the remaining time."""
    *others, last = addresses
    for number, address in enumerate(others):
        with suppress(OSError):
            return socket.create_connection((address, port), _remaining(deadline) / (len(addresses) - number))
    return socket.create_connection((last, port), _remaining(deadline))


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):  # already closed
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _split(url: str) -> SplitResult:
    """Split a URL. Raises ApiError, 400, unless it is a valid http or https URL without a user name."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        valid = False
    if not valid or len(url) > MAX_URL or not url.isascii() or any(sign <= " " for sign in url):
        raise errors.invalid_url()
    return parts


def _within(url: SplitResult, prefix: SplitResult) -> bool:
    """Return whether a URL is below a prefix: the same server, and a path that starts with the prefix's."""
    same = (url.scheme, url.hostname, _port(url)) == (prefix.scheme, prefix.hostname, _port(prefix))
    path = unquote(url.path).replace("\\", "/")  # as some servers read it
    return same and path.startswith(prefix.path) and "/.." not in path


def _is_public(address: str) -> bool:
    """Return whether an address is on the public internet, not loopback, private, link-local or carrier-grade NAT."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    embedded = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if isinstance(ip, ipaddress.IPv6Address) and ip in ipaddress.ip_network("64:ff9b::/96"):
        embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    reserved = isinstance(ip, ipaddress.IPv6Address) and (ip.is_site_local or any(ip in net for net in NOT_PUBLIC))
    return not reserved and all(
        part.is_global and not part.is_multicast for part in (ip, *((embedded,) if embedded else ()))
    )


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("too slow")
    return seconds
