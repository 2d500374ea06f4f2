"""Rate limits: how many requests a client address may make, and how many wrong keys it may try."""

from __future__ import annotations

import ipaddress
import math
import time

from flask import request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from faces.errors import UsageError

DEFAULT_RATE = "200/second"
WRONG_KEY_RATE = "20/minute"


class RateLimiter:
    """Counts the requests of each client address, in memory.

    rate: such as ``200/second``, ``1000/minute`` or ``none``.

    After ``WRONG_KEY_RATE`` wrong keys an address gets no answer until the minute is over, not even with the right key:
    otherwise a client could go on guessing.

    Raises UsageError if the rate is not valid.
    """

    def __init__(self, rate: str = DEFAULT_RATE) -> None:
        try:
            self._request_rate = None if rate == "none" else parse(rate)
        except ValueError as error:
            raise UsageError(f"--rate-limit {rate}: give a rate such as {DEFAULT_RATE}, or none") from error
        self._wrong_key_rate = parse(WRONG_KEY_RATE)
        self._counter = MovingWindowRateLimiter(MemoryStorage())

    def check(self) -> None:
        """Count the current request. Raises TooManyRequests if its address is over a limit."""
        client = _client()
        if not self._counter.test(self._wrong_key_rate, "wrong", client):
            raise self._too_many(self._wrong_key_rate, "wrong", client)
        if self._request_rate is not None and not self._counter.hit(self._request_rate, "all", client):
            raise self._too_many(self._request_rate, "all", client)

    def wrong_key(self) -> None:
        """Count a wrong key for the address of the current request."""
        self._counter.hit(self._wrong_key_rate, "wrong", _client())

    def _too_many(self, rate: RateLimitItem, *identifiers: str) -> TooManyRequests:
        reset, _ = self._counter.get_window_stats(rate, *identifiers)
        seconds = max(math.ceil(reset - time.time()), 1)
        message = f"Rate limit is exceeded. Try again in {seconds} second{'s' if seconds > 1 else ''}."
        return TooManyRequests(message, retry_after=seconds)


def _client() -> str:
    """Return the client's address; for IPv6 its /64 network, because a client may use every address in it."""
    address = request.remote_addr or "unknown"
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else address
