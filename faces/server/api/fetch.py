"""Pictures by their address: fetched from the public internet alone, however an address is disguised."""

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
from faces.server.vision.vision import MOST_BYTES

SECONDS = 15.0  # for all of it
REDIRECTS = 5
LONGEST_ADDRESS = 2048
NOT_PUBLIC = tuple(ipaddress.ip_network(net) for net in ("64:ff9b:1::/48", "::/96"))  # which Python takes for global


class Fetcher:
    """Fetches pictures.

    files: addresses that stand for files on this machine. allowed: what an address may begin with to be fetched
    wherever it leads, such as ``http://127.0.0.1:8000/``. Proxies that the environment names are not used.
    Raises UsageError where one of these is no address.
    """

    def __init__(self, files: Mapping[str, Path] | None = None, allowed: Sequence[str] = ()) -> None:
        self._files = dict(files or {})
        try:
            self._allowed = [_split(prefix) for prefix in allowed]
        except ApiError as error:
            raise UsageError("--allow-url: addresses begin with http:// or https://, and name a machine") from error

    def fetch(self, url: str) -> bytes:
        """Raises ApiError, 400, where there is nothing, nothing that may be had, or too much."""
        deadline = time.monotonic() + SECONDS
        try:
            for _ in range(REDIRECTS + 1):
                if url in self._files:
                    return self._files[url].read_bytes()
                parts = _split(url)
                moved, data = _get(parts, self._addresses(parts), deadline)
                if moved is None:
                    return data
                url = urljoin(url, moved)
        except (OSError, HTTPException, ValueError) as error:
            raise errors.invalid_url("Invalid image URL or error downloading from target server.") from error
        raise errors.invalid_url("Invalid image URL or error downloading from target server: too many redirects.")

    def _addresses(self, url: SplitResult) -> list[str]:
        """Of the machine that is asked; not only a name, which may mean another machine when it is looked up again."""
        anywhere = any(_within(url, prefix) for prefix in self._allowed)
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(url.hostname, _port(url), type=socket.SOCK_STREAM)]
        if not found or not (anywhere or all(_is_public(address) for address in found)):
            raise errors.invalid_url()
        return list(dict.fromkeys(found))


def _get(url: SplitResult, addresses: Sequence[str], deadline: float) -> tuple[str | None, bytes]:
    """Where the picture has moved to, or the picture."""
    with _connected(url, addresses, deadline) as connection:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("GET", target, headers={"User-Agent": "faces", "Accept": "image/*,*/*;q=0.1"})
        answer = connection.getresponse()
        if answer.status in (301, 302, 303, 307, 308):
            return answer.headers.get("Location") or "", b""
        if answer.status != 200:
            raise OSError(f"status {answer.status}")
        data = answer.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise errors.image_too_big()
        _left(deadline)  # raises when it was cut
        if answer.length:
            raise OSError("broken off")
        return None, data


@contextmanager
def _connected(url: SplitResult, addresses: Sequence[str], deadline: float) -> Iterator[HTTPConnection]:
    """A connection that is cut at the deadline, whatever the other end does until then."""
    host = url.hostname or ""
    with ExitStack() as stack:
        held = _reached(addresses, _port(url), deadline)
        connection = HTTPConnection(host, _port(url))
        if url.scheme == "https":
            connection = HTTPSConnection(host, _port(url))
            context = ssl.create_default_context()
            held = context.wrap_socket(held, server_hostname=host, do_handshake_on_connect=False)
        stack.callback(held.close)
        held.settimeout(_left(deadline))
        timer = Timer(_left(deadline), lambda: _cut(held))
        timer.daemon = True
        timer.start()
        stack.callback(timer.cancel)
        if isinstance(held, ssl.SSLSocket):
            held.do_handshake()
        connection.sock = held
        stack.callback(connection.close)
        yield connection


def _reached(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    """The first of one address or more that connects; each may take its share of the time that is left."""
    *others, last = addresses
    for number, address in enumerate(others):
        with suppress(OSError):
            return socket.create_connection((address, port), _left(deadline) / (len(addresses) - number))
    return socket.create_connection((last, port), _left(deadline))


def _cut(held: socket.socket) -> None:
    with suppress(OSError):  # closed already
        socket.socket.shutdown(held, socket.SHUT_RDWR)


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


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
    same = (url.scheme, url.hostname, _port(url)) == (prefix.scheme, prefix.hostname, _port(prefix))
    path = unquote(url.path).replace("\\", "/")  # as a server may read it
    return same and path.startswith(prefix.path) and "/.." not in path


def _is_public(address: str) -> bool:
    """Whether an address is of the public internet: no machine's own, no local network's, no carrier's."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if isinstance(ip, ipaddress.IPv6Address) and ip in ipaddress.ip_network("64:ff9b::/96"):
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    hidden = isinstance(ip, ipaddress.IPv6Address) and (ip.is_site_local or any(ip in net for net in NOT_PUBLIC))
    return not hidden and all(one.is_global and not one.is_multicast for one in (ip, *((inner,) if inner else ())))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("too slow")
    return left
