"""Waitress, which listens: with the API's form for errors of its own, and an end that lets requests finish."""

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
from faces.server.api.application import MOST_BYTES, error_json

GRACE = 10.0  # s that requests have to finish in
LOOK = 0.5  # s between two looks at whether to end
LINGER = 10.0  # s that a client has to stop sending what nobody wants
SILENCE = 60  # s after which a connection that says nothing is closed
ROOM = 2 * MOST_BYTES  # of a body that is read, only to be refused: browsers see no answer before they have sent it all


def address_of(host: str) -> str:
    """The address to listen on. Raises UsageError for a name that has none."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host {host}: no such address") from error


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


class Listener:
    """Answers requests until it is told to stop.

    proxy: the address of one in front, which is believed who asks.
    Raises FacesError when nobody can listen there.
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
                max_request_body_size=ROOM,
                channel_timeout=SILENCE,
                clear_untrusted_proxy_headers=True,
                trusted_proxy=proxy,
                trusted_proxy_headers=forwarded,
            )
        except OSError as error:
            why = reason_of(error)
            raise FacesError(f"cannot listen on {address}, port {port}: {why}; try another --port") from error
        self._server.channel_class = _Channel
        self._stop_by: float | None = None

    @property
    def url(self) -> str:
        host = self._server.effective_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.effective_port}"

    def stop(self) -> None:
        """Accept no more; what was begun is finished. May be called by a signal's handler."""
        if self._stop_by is None:
            self._stop_by = time.monotonic() + GRACE
            self._server.pull_trigger()

    def run(self) -> None:
        listening = True
        while self._stop_by is None or (self._busy() and time.monotonic() < self._stop_by):
            wasyncore.loop(timeout=LOOK, map=self._server._map, count=1)
            if listening and self._stop_by is not None:
                wasyncore.dispatcher.close(self._server)
                listening = False
        self._server.task_dispatcher.shutdown()

    def _busy(self) -> bool:
        channels = list(self._server.active_channels.values())
        return any(channel.requests or channel.request or channel.total_outbufs_len for channel in channels)


class _ErrorTask(ErrorTask):  # type: ignore[misc]
    """What waitress itself refuses: a request that is none, or far too large."""

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
    """A connection on which clients get their answer even when they end what they send early, or late.

    Waitress takes the end of what a client sends for the end of the connection: who breaks off an upload, or says that
    this was all, would wait in vain. And it closes while a client still sends what is refused, such as a body that is
    too large: the system then throws away what it has not yet delivered, the answer included.
    """

    error_task_class = _ErrorTask
    request: HTTPRequestParser | None
    _no_more = False  # comes from the client
    _lingers_until: float | None = None  # everything was said; what still comes is thrown away

    def handle_read(self) -> None:
        try:
            data = self.socket.recv(self.adj.recv_bytes)
        except BlockingIOError:
            return
        except OSError:  # nobody is there any more
            self.handle_close()
            return
        if not data:
            self._end()
        elif self._lingers_until is None:
            self.last_activity = time.time()
            try:
                self.received(data)
            except OSError:  # large bodies are written to a temporary file
                self._end(_DiskFull("The disk of the server is full."))

    def readable(self) -> bool:
        return not self._no_more and (self._lingers_until is not None or super().readable())

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
            self._lingers_until = time.monotonic() + LINGER

    def _is_done(self) -> bool:
        return self._no_more and not self.requests

    def _end(self, error: BadRequest | None = None) -> None:
        """What was begun and not finished is answered with an error; then, or if there is none, it is over."""
        with self.requests_lock:
            self._no_more = True
            begun, self.request = self.request, None
            if begun is None or self.close_when_flushed or not (begun.headers_finished or begun.header_plus.strip()):
                return
            begun.error, begun.completed = error or BadRequest("broken off"), True
            self.requests.append(begun)
            if len(self.requests) == 1:
                self.server.add_task(self)
