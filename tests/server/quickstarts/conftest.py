"""A server that knows the photographs of Microsoft's quickstarts, and the quickstarts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.photographs import DATA
from tests.server.conftest import Service, serving

FAMILY, PHOTOS = DATA / "family", DATA / "photos"
SAMPLES = DATA.parent / "clients" / "azure_quickstarts"
BASE_URL = "https://raw.githubusercontent.com/Azure-Samples/cognitive-services-sample-data-files/master/Face/images/"
OTHERS = {  # photographs that the quickstarts name and that are not here, with others in their place
    "Family2-Lady2.jpg": FAMILY / "Family2-Lady1.jpg",
    "Family2-Man2.jpg": FAMILY / "Family2-Man1.jpg",
    "Family3-Lady1.jpg": PHOTOS / "examples__biden.jpg",
    "Family3-Man1.jpg": PHOTOS / "examples__obama.jpg",
    "detection1.jpg": FAMILY / "Family2-Lady1.jpg",
    "detection2.jpg": FAMILY / "Family2-Man1.jpg",
    "detection5.jpg": FAMILY / "identification1.jpg",
    "detection6.jpg": PHOTOS / "examples__two_people.jpg",
    "findsimilar.jpg": FAMILY / "Family1-Dad3.jpg",
}


def pictures() -> dict[str, Path]:
    """Return the photographs by the names that the quickstarts have for them."""
    return {**{path.name: path for path in FAMILY.glob("*.jpg")}, **OTHERS}


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server with https, as the newest client demands, to which the addresses of the photographs are files."""
    pytest.importorskip("cryptography", reason="needs the extra tls")
    maps = [word for name, path in pictures().items() for word in ("--url-map", f"{BASE_URL}{name}={path}")]
    with serving(tmp_path_factory.mktemp("quickstarts"), "--tls-self-signed", *maps) as service:
        yield replace(service, url=service.url.replace("http:", "https:"))


def certificate(site: Service) -> Path:
    """Return the file that clients of the server are to trust."""
    return site.folder / "output" / "self_signed.pem"
