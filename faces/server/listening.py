"""The HTTP server, waitress: it stays reachable under load, and its shutdown lets requests finish."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from faces.errors import FacesError, UsageError, reason_of
from faces.server import tls
from faces.server.api import cors
from faces.server.api.application import MAX_BODY_BYTES
from faces.server.connections import Connection, Headers, TooManyConnections

SHUTDOWN_SECONDS = 10.0  # for running requests to finish
POLL_SECONDS = 0.5  # between two checks whether to stop
IDLE_SECONDS = 60  # before a silent connection is closed
MAX_READ_BYTES = 2 * MAX_BODY_BYTES  # a body too large is still read: browsers show no answer before they sent all
MAX_CONNECTIONS = 400  # select() takes no file beyond 1,024, and the database has some
MAX_CONNECTIONS_OF_AN_ADDRESS = 64
WATCHED = ("/healthz", "/metrics")  # answered by a thread of their own, also while all others are busy
RECORD_BYTES = 1 << 14  # of TLS, at most: what is left of a record waits in OpenSSL, where select() does not see it


def address_of(host: str) -> str:
    """Look up the address of a host to listen on. Raises UsageError if it has none."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host {host}: no such address") from error


def is_loopback(address: str) -> bool:
    """Return whether only this machine can reach an address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


class Listener:
    """Serves an application until it is stopped.

    app: the application.
    address: to listen on.
    port: to listen on; 0 for any free one.
    threads: that handle requests.
    proxy: the address of a reverse proxy whose forwarding headers are trusted; None for none.
    encryption: with the certificate, for https; None for http.
    cors_origins: whose scripts may read errors of the server itself.

    Raises FacesError if it cannot listen there.
    """

    def __init__(
        self,
        app: Flask,
        address: str,
        port: int,
        threads: int,
        proxy: str | None = None,
        encryption: ssl.SSLContext | None = None,
        cors_origins: frozenset[str] = frozenset(),
    ) -> None:
        self._scheme = "https" if encryption else "http"
        forwarded = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"} if proxy else set()
        settings = Adjustments(
            host=address,
            port=port,
            ident=None,
            url_scheme=self._scheme,
            recv_bytes=RECORD_BYTES,
            max_request_body_size=MAX_READ_BYTES,
            channel_timeout=IDLE_SECONDS,
            connection_limit=MAX_CONNECTIONS + 50,  # never reached: it would leave the newest waiting
            clear_untrusted_proxy_headers=True,
            trusted_proxy=proxy,
            trusted_proxy_headers=forwarded,
        )
        try:
            self._server = _Server(app, settings, threads, proxy, encryption, cors_origins)
        except OSError as error:
            raise FacesError(
                f"cannot listen on {address}, port {port}: {reason_of(error)}; try another --port"
            ) from error
        self._stop_by: float | None = None

    @property
    def url(self) -> str:
        """The URL that the server answers at."""
        host = self._server.effective_host
        return f"{self._scheme}://{f'[{host}]' if ':' in host else host}:{self._server.effective_port}"

    def stop(self) -> None:
        """Stop accepting connections and let running requests finish. A signal handler may call this."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + SHUTDOWN_SECONDS
            self._server.pull_trigger()

    def run(self) -> None:
        """Serve until ``stop`` is called and running requests have finished."""
        listening, checked = True, time.monotonic()
        while self._stop_by is None or (self._busy() and time.monotonic() < self._stop_by):
            wasyncore.loop(timeout=POLL_SECONDS, map=self._server._map, count=1)
            if time.monotonic() > checked + POLL_SECONDS:
                checked = time.monotonic()
                self._server.check_deadlines()
            if listening and self._stop_by is not None:
                wasyncore.dispatcher.close(self._server)
                listening = False
        for dispatcher in self._server.dispatchers:
            dispatcher.shutdown()
        wasyncore.close_all(self._server._map, ignore_all=True)

    def _busy(self) -> bool:
        channels = list(self._server.active_channels.values())
        return any(channel.requests or channel.request or channel.total_outbufs_len for channel in channels)


class _Server(TcpWSGIServer):  # type: ignore[misc]
    """Waitress's server, with a limit of connections for each address and a thread for ``WATCHED`` alone.

    threads, proxy, encryption, cors_origins: as for ``Listener``.
    """

    channel_class = Connection

    def __init__(
        self,
        app: Flask,
        settings: Adjustments,
        threads: int,
        proxy: str | None,
        encryption: ssl.SSLContext | None,
        cors_origins: frozenset[str],
    ) -> None:
        self._proxy, self._encryption, self._cors_origins = proxy, encryption, cors_origins
        self.dispatchers = ThreadedTaskDispatcher(), ThreadedTaskDispatcher()
        super().__init__(app, map={}, dispatcher=self.dispatchers[0], adj=settings)
        for dispatcher, number in zip(self.dispatchers, (threads, 1), strict=True):
            dispatcher.set_thread_count(number)

    def add_task(self, task: Connection) -> None:
        """Queue the first request of a connection; errors and what is watched have a thread of their own."""
        request = task.requests[0]
        watched = request.error or request.path in WATCHED
        self.dispatchers[1 if watched else 0].add_task(task)

    def handle_accept(self) -> None:
        """Accept a connection; make room for it, or refuse it, if there are too many."""
        try:
            accepted = self.accept()
            if accepted is None:
                return
            connection, address = accepted
            self.set_socket_options(connection)
            if self._encryption:
                connection = tls.encrypted(connection, self._encryption)
        except OSError:  # the client is gone already
            return
        newest = Connection(self, connection, address, self.adj, map=self._map)
        connections = list(self.active_channels.values())
        if len(connections) > MAX_CONNECTIONS:
            _make_room(connections, newest)
        of_address = [other for other in connections if other.addr[0] == address[0]]
        if len(of_address) > MAX_CONNECTIONS_OF_AN_ADDRESS and address[0] != self._proxy:
            _make_room(of_address, newest)

    def check_deadlines(self) -> None:
        """Answer 408 on connections whose headers are late."""
        for connection in list(self.active_channels.values()):
            connection.check_deadline()

    def headers_of_errors(self, origin: str) -> Headers:
        """Return further headers of an error that the application does not see. origin: of the request, or empty."""
        return list(cors.headers(self._cors_origins, origin).items())


def _make_room(connections: list[Connection], newest: Connection) -> None:
    """Close the oldest connection without a request; if each has one, refuse the newest."""
    waiting = [connection for connection in connections if connection.is_waiting and connection is not newest]
    if waiting:
        min(waiting, key=lambda connection: connection.creation_time).handle_close()
    else:
        newest.refuse(TooManyConnections("There are too many connections."))
