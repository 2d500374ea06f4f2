"""How much one address may ask, and how often it may be wrong about the key."""

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

DEFAULT = "200/second"
WRONG_KEYS = "20/minute"


class Limiter:
    """Counts, in memory, what each address asks.

    rate: such as ``200/second``, ``1000/minute`` or ``none``. Whoever was wrong about the key ``WRONG_KEYS`` times
    is not answered for the rest of that time, not even with the right one: otherwise guessing would go on.
    Raises UsageError for a rate that is none.
    """

    def __init__(self, rate: str = DEFAULT) -> None:
        try:
            self._all = None if rate == "none" else parse(rate)
        except ValueError as error:
            raise UsageError(f"--rate-limit {rate}: give a rate such as {DEFAULT}, or none") from error
        self._wrong = parse(WRONG_KEYS)
        self._counted = MovingWindowRateLimiter(MemoryStorage())

    def check(self) -> None:
        """Count the request that is answered now. Raises TooManyRequests."""
        who = _who()
        if not self._counted.test(self._wrong, "wrong", who):
            raise self._too_many(self._wrong, "wrong", who)
        if self._all is not None and not self._counted.hit(self._all, "all", who):
            raise self._too_many(self._all, "all", who)

    def wrong_key(self) -> None:
        """Count a wrong key."""
        self._counted.hit(self._wrong, "wrong", _who())

    def _too_many(self, rate: RateLimitItem, *of: str) -> TooManyRequests:
        reset, _ = self._counted.get_window_stats(rate, *of)
        seconds = max(math.ceil(reset - time.time()), 1)
        message = f"Rate limit is exceeded. Try again in {seconds} second{'s' if seconds > 1 else ''}."
        return TooManyRequests(message, retry_after=seconds)


def _who() -> str:
    """The address; of IPv6 the network, since whoever has one has all of it."""
    address = request.remote_addr or "unknown"
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else address
