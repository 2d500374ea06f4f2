"""Exit with 0 if the server in this container answers, by http or https: the image's health check."""

from __future__ import annotations

import os
import ssl
import sys
from urllib.error import HTTPError
from urllib.request import urlopen


def is_healthy(port: str) -> bool:
    """Return whether the server on this port of this machine says that it is well."""
    own_certificate = ssl._create_unverified_context()  # of a server on this machine, perhaps signed by itself
    for scheme in ("http", "https"):
        try:
            with urlopen(f"{scheme}://127.0.0.1:{port}/healthz", timeout=2, context=own_certificate):
                return True
        except HTTPError:
            return False
        except (OSError, ValueError):  # it may speak the other
            continue
    return False


if __name__ == "__main__":
    sys.exit(0 if is_healthy(os.environ["FACES_PORT"]) else 1)
