"""The HTTP server, waitress: with errors in the API's form, and a shutdown that lets requests finish."""

from __future__ import annotations

import ipaddress
import json
import socket
import time

from flask import Flask
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from waitress.utilities import BadRequest

from faces.errors import FacesError, UsageError, reason_of
from faces.server.api.application import MAX_BODY_BYTES, error_json

SHUTDOWN_SECONDS = 10.0  # for running requests to finish
POLL_SECONDS = 0.5  # between two checks whether to stop
LINGER_SECONDS = 10.0  # for a client to stop sending a refused body
IDLE_SECONDS = 60  # before a silent connection is closed
MAX_READ_BYTES = 2 * MAX_BODY_BYTES  # a body too large is still read: browsers show no answer before they sent all


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

    Raises FacesError if it cannot listen there.
    """

    def __init__(self, app: Flask, address: str, port: int, threads: int, proxy: str | None = None) -> None:
        forwarded = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"} if proxy else set()
        try:
            self._server = create_server(
                app,
                host=address,
                port=port,
                threads=threads,
                ident=None,
                max_request_body_size=MAX_READ_BYTES,
                channel_timeout=IDLE_SECONDS,
                clear_untrusted_proxy_headers=True,
                trusted_proxy=proxy,
                trusted_proxy_headers=forwarded,
            )
        except OSError as error:
            raise FacesError(
                f"cannot listen on {address}, port {port}: {reason_of(error)}; try another --port"
            ) from error
        self._server.channel_class = _Channel
        self._stop_by: float | None = None

    @property
    def url(self) -> str:
        """The URL that the server answers at."""
        host = self._server.effective_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.effective_port}"

    def stop(self) -> None:
        """Stop accepting connections and let running requests finish. A signal handler may call this."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + SHUTDOWN_SECONDS
            self._server.pull_trigger()

    def run(self) -> None:
        """Serve until ``stop`` is called and running requests have finished."""
        listening = True
        while self._stop_by is None or (self._busy() and time.monotonic() < self._stop_by):
            wasyncore.loop(timeout=POLL_SECONDS, map=self._server._map, count=1)
            if listening and self._stop_by is not None:
                wasyncore.dispatcher.close(self._server)
                listening = False
        self._server.task_dispatcher.shutdown()

    def _busy(self) -> bool:
        channels = list(self._server.active_channels.values())
        return any(channel.requests or channel.request or channel.total_outbufs_len for channel in channels)


class _ErrorTask(ErrorTask):  # type: ignore[misc]
    """Waitress's own errors, such as for a malformed or oversized request, in the API's form."""

    def execute(self) -> None:
        error = self.request.error
        body = json.dumps(error_json(str(error.code), str(error.reason))).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json; charset=utf-8"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _DiskFull(BadRequest):  # type: ignore[misc]
    code = 507
    reason = "Insufficient Storage"


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection on which clients get an answer even if they stop sending early or go on sending late.

    Waitress closes the connection when a client shuts down its sending side, so the client would get no answer. It also
    closes while a client still sends a refused body: the operating system then discards unsent data, such as the
    answer. This class answers first, then waits until the client has stopped sending.
    """

    error_task_class = _ErrorTask
    request: HTTPRequestParser | None
    _received_all = False  # the client has shut down its sending side
    _lingers_until: float | None = None  # the answer was sent; further data is discarded

    def handle_read(self) -> None:
        try:
            data = self.socket.recv(self.adj.recv_bytes)
        except BlockingIOError:
            return
        except OSError:  # the client is gone
            self.handle_close()
            return
        if not data:
            self._finish()
        elif self._lingers_until is None:
            self.last_activity = time.time()
            try:
                self.received(data)
            except OSError:  # waitress writes large bodies to a temporary file
                self._finish(_DiskFull("The disk of the server is full."))

    def readable(self) -> bool:
        return not self._received_all and (self._lingers_until is not None or super().readable())

    def writable(self) -> bool:
        if self._lingers_until is not None:
            return self._is_done() or time.monotonic() > self._lingers_until
        return self._is_done() or super().writable()

    def handle_write(self) -> None:
        if self._is_done():
            self.close_when_flushed = True
        elif self._lingers_until is not None:
            self.will_close = True
        elif self.close_when_flushed and not self.will_close:
            self._flush_exception(self._flush_some)
            if self.connected and not self.will_close and not self.total_outbufs_len:
                self._linger()
            return
        super().handle_write()

    def _linger(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.handle_close()
        else:
            self._lingers_until = time.monotonic() + LINGER_SECONDS

    def _is_done(self) -> bool:
        return self._received_all and not self.requests

    def _finish(self, error: BadRequest | None = None) -> None:
        """Answer an incomplete request with an error, then close; close at once if there is none."""
        with self.requests_lock:
            self._received_all = True
            incomplete, self.request = self.request, None
            if (
                incomplete is None
                or self.close_when_flushed
                or not (incomplete.headers_finished or incomplete.header_plus.strip())
            ):
                return
            incomplete.error, incomplete.completed = error or BadRequest("incomplete request"), True
            self.requests.append(incomplete)
            if len(self.requests) == 1:
                self.server.add_task(self)
