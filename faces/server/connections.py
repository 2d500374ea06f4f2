"""A connection of the HTTP server: waitress's, with errors in the API's form, deadlines, and an answer in any case."""

from __future__ import annotations

import json
import socket
import time

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask
from waitress.utilities import BadRequest

from faces.server.api.application import error_json

LINGER_SECONDS = 10.0  # for a client to stop sending a refused body
HEADER_SECONDS = 20.0  # for a client to send the headers of a request

Headers = list[tuple[str, str]]


class TimedOut(BadRequest):  # type: ignore[misc]
    """The headers of a request were not sent in time."""

    code = 408
    reason = "Request Timeout"


class TooManyConnections(BadRequest):  # type: ignore[misc]
    """There is no room for another connection."""

    code = 503
    reason = "Service Unavailable"


class DiskFull(BadRequest):  # type: ignore[misc]
    """There is no room for a large body."""

    code = 507
    reason = "Insufficient Storage"


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses a request that gives its length twice: a proxy and this server could see different requests in it."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        encoded = self.chunked or "TRANSFER_ENCODING" in self.headers
        if encoded and (self.version != "1.1" or "CONTENT_LENGTH" in self.headers):
            raise ParsingError("Transfer-Encoding with Content-Length, or before HTTP/1.1")


class _ErrorTask(ErrorTask):  # type: ignore[misc]
    """Waitress's own errors, such as for a malformed or oversized request, in the API's form."""

    def execute(self) -> None:
        error = self.request.error
        body = json.dumps(error_json(str(error.code), str(error.reason))).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json; charset=utf-8"))
        self.response_headers += self.channel.server.headers_of_errors(self.request.headers.get("ORIGIN", ""))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Connection(HTTPChannel):  # type: ignore[misc]
    """A connection on which clients get an answer even if they stop sending early or go on sending late.

    Waitress closes the connection when a client shuts down its sending side, so the client would get no answer. It also
    closes while a client still sends a refused body: the operating system then discards unsent data, such as the
    answer. This class answers first, then waits until the client has stopped sending.

    The headers of a request must arrive within ``HEADER_SECONDS``.
    """

    parser_class = _Parser
    error_task_class = _ErrorTask
    request: HTTPRequestParser | None
    _received_all = False  # the client has shut down its sending side
    _lingers_until: float | None = None  # the answer was sent; further data is discarded
    _began: float | None = None  # when the headers of the current request began, s on the monotonic clock

    def __init__(self, *parts: object, **more: object) -> None:
        self._began = time.monotonic()  # a new connection is for a request
        super().__init__(*parts, **more)

    @property
    def is_waiting(self) -> bool:
        """Whether there is no request whose headers have arrived, and no answer to send: nothing is lost by closing."""
        uploading = self.request is not None and self.request.headers_finished
        return not (self.requests or self.total_outbufs_len or uploading)

    def handle_read(self) -> None:
        """Take what the client sent."""
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
            self._began = self._began or time.monotonic()
            try:
                self.received(data)
            except OSError:  # waitress writes large bodies to a temporary file
                self._finish(DiskFull("The disk of the server is full."))
            if self.request is None or self.request.headers_finished:
                self._began = None

    def check_deadline(self) -> None:
        """Answer 408 if the headers of a request are late."""
        if self._began is not None and time.monotonic() > self._began + HEADER_SECONDS:
            self.refuse(TimedOut("The headers were not sent in time."))

    def refuse(self, error: BadRequest) -> None:
        """Answer with an error instead of what is being received, then close."""
        self._began = None
        if not getattr(self.socket, "can_send", True):
            self.will_close = True
            return
        with self.requests_lock:
            if not self.requests and not self.close_when_flushed:
                self._answer(self.request or self.parser_class(self.adj), error)

    def readable(self) -> bool:
        """Return whether to wait for data."""
        return not self._received_all and (self._lingers_until is not None or super().readable())

    def writable(self) -> bool:
        """Return whether there is something to send or to close."""
        if self._lingers_until is not None:
            return self._is_done() or time.monotonic() > self._lingers_until
        return self._is_done() or super().writable()

    def handle_write(self) -> None:
        """Send what is to be sent, then close if nothing follows."""
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
            incomplete = self.request
            if (
                incomplete is None
                or self.close_when_flushed
                or not (incomplete.headers_finished or incomplete.header_plus.strip())
            ):
                self.request = None
                return
            self._answer(incomplete, error or BadRequest("incomplete request"))

    def _answer(self, incomplete: HTTPRequestParser, error: BadRequest) -> None:
        self.request = None
        incomplete.error, incomplete.completed = error, True
        self.requests.append(incomplete)
        if len(self.requests) == 1:
            self.server.add_task(self)
