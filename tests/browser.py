"""The browser that tests start; it looks up no names, so that it asks for no updates of its own."""

from __future__ import annotations

import shutil

CHROMIUM = shutil.which("chromium")
OPTIONS = "--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
