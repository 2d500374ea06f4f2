"""Rate limits of requests and of wrong keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faces.errors import UsageError
from faces.server.api import rate_limits
from faces.server.api.rate_limits import RateLimiter
from faces.server.keys import KEY_HEADER
from tests.server.conftest import Api


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Api]:
    instance = Api(tmp_path, rate="3/minute")
    yield instance
    instance.close()


def asked(api: Api, address: str, **more: object) -> int:
    return api("GET", "persongroups", environ_overrides={"REMOTE_ADDR": address}, **more).status_code


def test_an_exceeded_rate_gives_retry_after(limited: Api) -> None:
    assert [asked(limited, "192.0.2.1") for _ in range(4)] == [200, 200, 200, 429]
    answer = limited("GET", "persongroups", environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    assert answer.get_json()["error"]["code"] == "429"
    assert answer.get_json()["error"]["message"].startswith("Rate limit is exceeded. Try again in ")
    assert 50 < int(answer.headers["Retry-After"]) <= 60
    assert asked(limited, "192.0.2.2") == 200
    assert limited.client.get("/healthz", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 200
    assert limited.client.get("/docs", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 429


def test_an_ipv6_network_counts_as_one_client(limited: Api) -> None:
    assert [asked(limited, f"2001:db8::{number}") for number in range(4)] == [200, 200, 200, 429]
    assert asked(limited, "2001:db8:0:1::1") == 200


def test_guessing_keys_is_limited(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {asked(api, "192.0.2.1", headers={KEY_HEADER: ""}) for _ in range(30)} == {401}  # a missing key is no guess
    wrong = [asked(api, "192.0.2.1", headers={KEY_HEADER: f"guess {number}"}) for number in range(21)]
    assert wrong == [401] * 20 + [429]
    assert asked(api, "192.0.2.1") == 429  # not even the right key is answered
    assert asked(api, "192.0.2.2") == 200
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    assert asked(api, "192.0.2.1") == 200


@pytest.mark.parametrize("rate", ["", "often", "50", "50/fortnight", "-1/second"])
def test_invalid_rates(rate: str) -> None:
    with pytest.raises(UsageError, match="--rate-limit"):
        RateLimiter(rate)


def test_the_default_rate_is_valid() -> None:
    RateLimiter(rate_limits.DEFAULT_RATE)
