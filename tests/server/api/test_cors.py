"""Cross-origin requests: web pages of named origins may call the API, also to read its errors; others may not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faces.errors import UsageError
from faces.server.api import cors
from faces.server.compatible import compreface, deepstack
from tests.server.conftest import PHOTOGRAPHS, Api

ORIGIN = "https://example.org:8443"
ALLOWED = "Access-Control-Allow-Origin"


@pytest.fixture
def open_api(tmp_path: Path) -> Iterator[Api]:
    instance = Api(tmp_path, origins=cors.checked([ORIGIN]))
    yield instance
    instance.close()


def test_a_preflight_needs_no_key(open_api: Api) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "ocp-apim-subscription-key"}
    for origin, status in ((ORIGIN, 204), ("https://example.org", 401), ("null", 401)):
        answer = open_api.client.options("/face/v1.0/detect", headers={"Origin": origin, **asked})
        assert answer.status_code == status
        assert answer.headers.get(ALLOWED) == (origin if status == 204 else None)
    answer = open_api.client.options("/face/v1.0/detect", headers={"Origin": ORIGIN, **asked})
    assert answer.headers["Access-Control-Allow-Headers"] == "ocp-apim-subscription-key"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Vary"] == "Origin" and "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "detect", 200), ("GET", "detect", 405), ("GET", "nothing", 404)]
)
def test_answers_and_errors_can_be_read(open_api: Api, method: str, path: str, status: int) -> None:
    more = {"data": PHOTOGRAPHS["Ada"]} if method == "POST" else {}
    answer = open_api(method, path, headers={"Origin": ORIGIN}, **more)
    assert (answer.status_code, answer.headers[ALLOWED]) == (status, ORIGIN)
    assert "Operation-Location" in answer.headers["Access-Control-Expose-Headers"]
    assert ALLOWED not in open_api(method, path, headers={"Origin": "https://example.com"}, **more).headers
    assert ALLOWED not in open_api(method, path, **more).headers


@pytest.mark.parametrize("base", [compreface.BASE, deepstack.BASE])
def test_the_other_interfaces_can_be_called(open_api: Api, base: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    answer = open_api.client.options(f"{base}/recognize", headers={"Origin": ORIGIN, **asked})
    assert (answer.status_code, answer.headers[ALLOWED]) == (204, ORIGIN)
    assert answer.headers["Access-Control-Allow-Headers"] == "x-api-key"
    refused = open_api.client.post(f"{base}/recognize", headers={"Origin": ORIGIN})
    assert refused.status_code >= 400 and refused.headers[ALLOWED] == ORIGIN


def test_a_wrong_key_can_be_read_and_pages_cannot(open_api: Api) -> None:
    refused = open_api.client.get("/face/v1.0/persongroups", headers={"Origin": ORIGIN})
    assert (refused.status_code, refused.headers[ALLOWED]) == (401, ORIGIN)
    for path in ("/", "/people", "/metrics"):
        assert ALLOWED not in open_api.client.get(path, headers={"Origin": ORIGIN}).headers


def test_nobody_may_by_default(api: Api) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = api.client.options("/face/v1.0/detect", headers=asked)
    assert answer.status_code == 401 and ALLOWED not in answer.headers and "Vary" not in answer.headers


@pytest.mark.parametrize("origin", ["*", "null", "example.org", "https://example.org/", "https://a b", "ftp://a"])
def test_an_origin_that_no_browser_sends(origin: str) -> None:
    with pytest.raises(UsageError, match="--cors-origin"):
        cors.checked([origin])


def test_an_origin_in_any_case() -> None:
    assert cors.checked(["HTTPS://Example.org", "http://[::1]:5000"]) == {"https://example.org", "http://[::1]:5000"}
